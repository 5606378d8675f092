"""`collector.cli`: exit codes, one line for each error, a quick start, completion."""

import os
import shlex
import subprocess
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest

from tests.collector.cli.pilotfish import COMMAND, ROOT, Agent, Ended, environment, pilotfish
from tests.collector.unix_site import url_of

COMMANDS = [
    ["run"],
    ["demo"],
    ["check"],
    ["search"],
    ["tail"],
    ["config"],
    ["config", "show"],
    ["config", "validate"],
    ["config", "schema"],
    ["dead-letters"],
    ["dead-letters", "list"],
    ["dead-letters", "replay"],
    ["setup"],
    ["setup", "elasticsearch"],
    ["setup", "export"],
    ["healthcheck"],
    ["version"],
]


@pytest.fixture(scope="module")
def help_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ended]:
    """The help of a command, asked for once."""
    return cache(partial(pilotfish, tmp_path_factory.mktemp("home"), COLUMNS="80"))


@pytest.mark.parametrize("command", [[], *COMMANDS])
def test_help_teaches_by_examples(help_of: Callable[..., Ended], command: list[str]) -> None:
    ended = help_of(*command, "--help")
    assert (ended.code, ended.errors) == (0, "")
    assert f"Usage: {' '.join(['pilotfish', *command])}" in ended.out
    if command not in (["config"], ["dead-letters"], ["setup"], ["version"]):
        assert "Examples:\n" in ended.out


@pytest.mark.parametrize("command", [[], ["config"], ["dead-letters"], ["setup"]])
def test_the_list_of_commands_says_of_each_in_a_whole_sentence_what_it_does(
    help_of: Callable[..., Ended], command: list[str]
) -> None:
    """A terminal of 80 columns cuts a longer first line, and ends it with dots."""
    ended = help_of(*command, "--help")
    commands = ended.out.partition("\nCommands:\n")[2].partition("\n\n")[0].splitlines()
    assert len(commands) > 1
    assert [line for line in commands if not line.endswith(".") or line.endswith("...")] == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["serach"], "No such command 'serach'. Did you mean 'search'?: see `pilotfish --help`"),
        (["search", "--nope"], "No such option: --nope"),
        (["search", "-o", "xml"], "Invalid value for '-o' / '--output'"),
        (["search", "--since", "yesterday"], "Invalid value: --since: not a time such as 15m, 2h, 3d"),
        (["search", "--since", "5"], "--since: 5 has no unit: write 5m, 5h or 5d"),
        (["search", "--since", "1h", "--until", "2h"], "--until is before --since"),
        (["search", "a", "-foo"], "No such option: -f: to exclude a word write `pilotfish search -- -foo`"),
        (
            ["demo", "--duration", "1x"],
            "Invalid value for '--duration': '1x' is not a duration: write seconds, or 90s, 5m, 1h",
        ),
        (["demo", "--duration", "-1"], "Invalid value for '--duration': must be 0 or more"),
        (
            ["setup", "kibana", "--wait", "1x"],
            "Invalid value for '--wait': '1x' is not a duration: write seconds, or 90s, 5m, 1h",
        ),
        (["setup", "elasticsearch", "--wait", "-1"], "Invalid value for '--wait': must be 0 or more"),
        (["healthcheck", "now"], "(now): see `pilotfish healthcheck --help`"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_2(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    ended = pilotfish(tmp_path, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.complaint


@pytest.mark.parametrize("arguments", [["version"], ["--version"], ["-V"]])
def test_the_version_is_told_however_it_is_asked_for(tmp_path: Path, arguments: list[str]) -> None:
    ended = pilotfish(tmp_path, *arguments)
    assert (ended.code, ended.errors) == (0, "")
    assert ended.out.startswith("pilotfish ")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_what_to_write_and_no_type_of_python(help_of: Callable[..., Ended], command: list[str]) -> None:
    out = help_of(*command, "--help").out
    assert not [word for word in ("<str>", "<int", "<float", "list[", "[[") if word in out]


@pytest.mark.parametrize("arguments", [["version"], ["config", "schema"], ["config", "show"], ["--help"], ["-V"]])
@pytest.mark.parametrize(("redirection", "reason"), [(">/dev/full", "No space left"), (">&-", "Bad file descriptor")])
def test_a_stdout_that_takes_nothing_is_one_line_and_1(
    tmp_path: Path, arguments: list[str], redirection: str, reason: str
) -> None:
    ended = in_a_shell(tmp_path, redirection, *arguments)
    assert ended.code == 1
    assert ended.complaint.startswith(f"stdout cannot be written ({reason}")


def test_without_stderr_the_exit_code_is_left(tmp_path: Path) -> None:
    assert in_a_shell(tmp_path, "2>&-", "search", "--nope") == Ended(2, "", "")
    assert in_a_shell(tmp_path, "2>/dev/full", "search", "--nope") == Ended(2, "", "")


def in_a_shell(home: Path, redirection: str, *arguments: str) -> Ended:
    """How a command ends whose streams a shell has redirected."""
    line = f"{shlex.join([*COMMAND, *arguments])} {redirection}"
    done = subprocess.run(
        ["sh", "-c", line], env=environment(home), cwd=home, capture_output=True, text=True, timeout=60, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("command", [["run"], ["check"], ["config", "show"], ["config", "validate"]])
def test_a_missing_configuration_is_one_line_and_78(tmp_path: Path, command: list[str]) -> None:
    ended = pilotfish(tmp_path, *command, "-c", "nope.yml")
    assert (ended.code, ended.out) == (78, "")
    assert ended.complaint == "nope.yml: no such file: give -c the path of an existing file, or leave it out"


@pytest.mark.parametrize("command", [[], ["run"], ["check"]])
def test_a_route_where_a_command_is_expected_is_a_destination_as_with_logspout(
    tmp_path: Path, command: list[str]
) -> None:
    ended = pilotfish(tmp_path, *command, "carrier-pigeon://loft.example:1?key=hush")
    assert (ended.code, ended.out) == (78, "")
    assert ended.complaint.startswith("command line: route 1 names the adapter 'carrier-pigeon', and no output is like")
    assert "hush" not in ended.complaint


def test_each_mistake_of_a_configuration_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("htp: 1\nlog: {level: loud}\n")
    ended = pilotfish(tmp_path, "config", "validate", PILOTFISH_CONFIG="p.yml")
    assert ended.code == 78
    assert sorted(ended.errors.splitlines()) == [
        "pilotfish: p.yml:1: htp: unknown key: did you mean http?",
        "pilotfish: p.yml:2: log.level: input should be 'debug', 'info', 'warning' or 'error': "
        "the option means: minimum level of messages that are written",
    ]


def test_config_commands_answer(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("host: a\n")
    assert pilotfish(tmp_path, "config", "validate", "-c", "p.yml").out == "p.yml: valid\n"
    shown = pilotfish(tmp_path, "config", "show", "--origin", "-c", "p.yml", PILOTFISH_HOTS="x")
    assert shown.out.startswith("host: a ")
    assert "# file, line 1" in shown.out.splitlines()[0]
    assert shown.complaint == "PILOTFISH_HOTS: unknown key, ignored: did you mean PILOTFISH_HOST?"
    assert '"pilotfish.yml"' in pilotfish(tmp_path, "config", "schema").out


def test_an_agent_that_cannot_start_is_one_line_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = pilotfish(tmp_path, "run", PILOTFISH_STATE_DIR=f"{tmp_path}/file/state")
    assert ended.code == 1
    assert "Traceback" not in ended.errors
    assert ended.complaint.startswith("the state directory ")


def test_a_state_directory_belongs_to_one_agent(agent: Agent) -> None:
    ended = pilotfish(agent.home, "run", "-c", str(agent.config))
    assert ended.code == 1
    assert "is in use by another agent" in ended.complaint


@pytest.mark.root
def test_a_user_without_a_home_can_run_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    user = ["setpriv", "--reuid", "61234", "--regid", "61234", "--clear-groups"]
    reading = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]  # the interpreter may be root's
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DOCKER_HOST": url_of(tmp_path, "none")}
    done = subprocess.run(
        [*user, *reading, *COMMAND, "check"], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert "state directory /.local/state/pilotfish: / is not writable" in done.stdout
    assert f"docker: Docker at {url_of(tmp_path, 'none')} does not answer" in done.stdout


@pytest.mark.parametrize(
    "command", [["config", "validate", "-c", "nope.yml"], ["search", "--nope"], ["healthcheck", "-c", "nope.yml"]]
)
def test_debug_shows_the_trace_and_changes_neither_code_nor_complaint(tmp_path: Path, command: list[str]) -> None:
    plain = pilotfish(tmp_path, *command)
    assert plain.code in (2, 78)
    for arguments, environ in [(["--debug"], {}), ([], {"PILOTFISH_DEBUG": "1"})]:
        ended = pilotfish(tmp_path, *command, *arguments, **environ)
        assert ended.errors.startswith("Traceback")
        assert ended.errors.endswith(plain.errors)
        assert (ended.code, ended.out) == (plain.code, plain.out)


def loaded(home: Path, *arguments: str) -> set[str]:
    """The modules that a command loads."""
    command = [COMMAND[0], "-X", "importtime", *COMMAND[1:], *arguments]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=60, check=False)
    return {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}


def test_healthcheck_and_help_load_little(tmp_path: Path) -> None:
    heavy = {"pydantic", "aiohttp", "rich", "asyncio", "tantivy", "elasticsearch", "uvloop", "orjson"}
    assert not loaded(tmp_path, "healthcheck") & (heavy | {"typer", "yaml"})
    assert not loaded(tmp_path, "--help") & heavy
    # typer itself loads pydantic when it reads arguments
    assert not loaded(tmp_path, "search", "x") & (heavy - {"pydantic"})


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_completion(tmp_path: Path, shell: str) -> None:
    assert "pilotfish" in pilotfish(tmp_path, _PILOTFISH_COMPLETE=f"source_{shell}").out
    asked = {"COMP_WORDS": "pilotfish hea", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "pilotfish hea"}
    asked["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    assert "healthcheck" in pilotfish(tmp_path, _PILOTFISH_COMPLETE=f"complete_{shell}", **asked).out
    asked |= {"COMP_WORDS": "pilotfish dead-letters re", "COMP_CWORD": "2"}
    asked["_TYPER_COMPLETE_ARGS"] = "pilotfish dead-letters re"
    assert "replay" in pilotfish(tmp_path, _PILOTFISH_COMPLETE=f"complete_{shell}", **asked).out


def test_a_home_is_meant_in_every_option_and_variable_that_names_a_path(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("state_dir: ~/state\nhttp: off\noutputs: {a: {type: 'null'}}\n")
    shown = pilotfish(tmp_path, "config", "show", "--config=~/p.yml")
    assert f"state_dir: {tmp_path}/state\n" in shown.out
    assert pilotfish(tmp_path, "config", "show", PILOTFISH_CONFIG="~/p.yml").out == shown.out
    assert "http.listen is off" in pilotfish(tmp_path, "healthcheck", "-c", "~/p.yml").complaint
    assert "http.listen is off" in pilotfish(tmp_path, "healthcheck", PILOTFISH_CONFIG="~/p.yml").complaint
    for asked in (["-c", "~/p.yml"], ["--state-dir=~/state"]):
        assert f"(tried {tmp_path}/state)" in pilotfish(tmp_path, "search", *asked).complaint
    assert f"(tried {tmp_path}/x)" in pilotfish(tmp_path, "search", PILOTFISH_STATE_DIR="~/x").complaint
    assert pilotfish(tmp_path, "setup", "export", "~/made").code == 0
    assert (tmp_path / "made").is_dir()


def test_a_path_that_no_file_has_is_a_mistake_of_the_command_line(tmp_path: Path) -> None:
    assert (
        "that home directory does not exist"
        in pilotfish(tmp_path, "run", "--config=~nobody-of-that-name/p.yml").complaint
    )
    assert "too long" in pilotfish(tmp_path, "healthcheck", "-c", "x" * 5000).complaint
    (tmp_path / "p.yml").write_text("state_dir: 5\n")
    assert "state_dir: should be a path" in pilotfish(tmp_path, "healthcheck", "-c", "p.yml").complaint
