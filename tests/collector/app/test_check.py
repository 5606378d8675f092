"""`collector.app.check`: what is wrong is found, and told with its fix."""

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from collector.app.check import examine
from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.errors import ConfigurationError, Unavailable
from collector.intake.findings import LABEL_FIX, LINK_FIX, READ_FIX, gone_fix, root_fix
from collector.model import Batch, Receipt
from collector.ports import Finding, OutputContext, Shipper, ShipperSettings
from collector.state.directory import locked
from tests.collector.unix_site import serving, socket_in, url_of
from tests.reference import ROOT

# What `check` is run as: with less than root, and with more than access(2) knows of.
BARE_ROOT = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
READING_USER = ["setpriv", "--reuid", "61234", "--regid", "61234", "--clear-groups",
                "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]  # fmt: skip


class Reached:
    """A shipper whose destination answers, or not."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    async def probe(self) -> str:
        if not self.answer:
            raise Unavailable("nobody listens at http://es:9200", "is it running?")
        return self.answer

    async def ship(self, batch: Batch) -> Receipt:
        raise NotImplementedError

    async def aclose(self) -> None:
        pass


class Settings(ShipperSettings):
    """An output that answers what it is told to."""

    answer: str = ""

    def open(self, site: OutputContext) -> Shipper:
        return Reached(self.answer)


def container(number: int, driver: str = "json-file", status: str = "running") -> dict[str, Any]:
    name = f"/{driver}-{number}"
    return {
        "Id": f"{number}" * 64,
        "Name": name,
        "HostConfig": {"LogConfig": {"Type": driver}},
        "State": {"Status": status},
    }


@asynccontextmanager
async def daemon(path: Path, *containers: dict[str, Any]) -> AsyncIterator[str]:
    """Enough of the Engine API, on a real socket; gives its URL."""
    known = {one["Id"]: one for one in containers}

    async def answer(request: web.Request) -> web.Response:
        tail = re.sub(r"^/(v[0-9.]+/)?", "", request.path)
        if tail == "version":
            return web.json_response({"Version": "29.0", "ApiVersion": "1.41"})
        if tail == "containers/json":
            return web.json_response(containers)
        found = known.get(tail.split("/")[1] if "/" in tail else "")
        if found and found.get("broken"):
            return web.json_response({"message": "is half removed"}, status=500)
        return web.json_response(found or {"message": "no such thing"}, status=200 if found else 404)

    async with serving(path, [web.get("/{tail:.*}", answer)]) as url:
        yield url


async def findings(tmp_path: Path, **environ: str) -> dict[str, Finding]:
    """Examine; by subject, what is told last of it."""
    return {finding.subject: finding async for finding in examined(tmp_path, **environ)}


def examined(tmp_path: Path, **environ: str) -> AsyncIterator[Finding]:
    """Examine with these variables."""
    given = {
        "PILOTFISH_STATE_DIR": str(tmp_path / "state"),
        "PILOTFISH_OUTPUTS__E__TYPE": "test",
        "PILOTFISH_OUTPUTS__E__ANSWER": "Elasticsearch 8.19",
        "PILOTFISH_HTTP__LISTEN": "127.0.0.1:0",
    }
    if not any(name.startswith("PILOTFISH_INPUTS") for name in environ):
        given["PILOTFISH_INPUTS__DIRECTORY__PATH"] = str(tmp_path)
    configuration = load(None, installed_types()._replace(outputs={"test": Settings}), given | environ)
    return examine(configuration)


async def test_a_state_directory_that_is_missing_will_be_made_and_is_not_made_now(tmp_path: Path) -> None:
    found = await findings(tmp_path)
    assert found[f"state directory {tmp_path}/state"][::2] == ("ok", "will be created")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("below", ["", "/a/b"])
async def test_a_state_directory_that_is_a_file_or_below_one_fails(tmp_path: Path, below: str) -> None:
    (tmp_path / "state").touch()
    state = f"{tmp_path}/state{below}"
    finding = (await findings(tmp_path, PILOTFISH_STATE_DIR=state))[f"state directory {state}"]
    assert finding[::2] == ("fail", f"{tmp_path}/state is a file")
    assert finding.fix == "set state_dir to a directory"


async def test_a_running_agent_is_seen_and_not_disturbed(tmp_path: Path) -> None:
    subject = f"state directory {tmp_path}/state"
    with locked(tmp_path / "state"):
        assert (await findings(tmp_path))[subject].text == "in use by the running agent"
    assert (await findings(tmp_path))[subject].text == "writable"


async def test_outputs_tell_what_they_are_or_why_they_are_away(tmp_path: Path) -> None:
    assert (await findings(tmp_path))["output e (test)"] == Finding("ok", "output e (test)", "Elasticsearch 8.19")
    away = await findings(tmp_path, PILOTFISH_OUTPUTS='{"e": {"type": "test"}}', PILOTFISH_OUTPUTS__E__ANSWER="")
    assert away["output e (test)"][2:] == ("nobody listens at http://es:9200", "is it running?")


async def test_a_port_that_is_taken_fails_unless_an_agent_runs_on_the_state(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        finding = (await findings(tmp_path, PILOTFISH_HTTP__LISTEN=listen))[f"http {listen}"]
        assert finding[::2] == ("fail", "another program uses this port")
        assert finding.fix == "stop it, or set http.listen"
        with locked(tmp_path / "state"):
            finding = (await findings(tmp_path, PILOTFISH_HTTP__LISTEN=listen))[f"http {listen}"]
        assert finding[::2] == ("ok", "in use by the running agent")
    assert (await findings(tmp_path, PILOTFISH_HTTP__LISTEN="off"))["http"].verdict == "warn"


@pytest.mark.parametrize("listen", ["192.0.2.1:9880", "[2001:db8::1]:9880", "no-such-host.invalid:9880"])
async def test_an_address_of_another_machine_fails(tmp_path: Path, listen: str) -> None:
    finding = (await findings(tmp_path, PILOTFISH_HTTP__LISTEN=listen))[f"http {listen}"]
    assert finding.verdict == "fail"
    assert finding.fix == "set http.listen to an address of this machine: 127.0.0.1 or 0.0.0.0"


async def test_a_tree_without_logs_is_a_warning_and_a_missing_one_fails(tmp_path: Path) -> None:
    assert (await findings(tmp_path))[f"directory {tmp_path}"].verdict == "warn"
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a-json.log").touch()
    assert (await findings(tmp_path))[f"directory {tmp_path}"].text == "1 logs"
    none = str(tmp_path / "none")
    assert (await findings(tmp_path, PILOTFISH_INPUTS__DIRECTORY__PATH=none))[f"directory {none}"].verdict == "fail"


async def test_a_variable_of_another_collector_is_a_warning_with_what_to_use(tmp_path: Path) -> None:
    found = (await findings(tmp_path, ROUTE_URIS="syslog://logs:514"))["configuration"]
    assert (found.verdict, found.text.partition(";")[0]) == (
        "warn",
        "ROUTE_URIS: a variable of logspout's, ignored: counts only where no `outputs` are configured",
    )


async def test_the_log_driver_of_each_container_is_told(tmp_path: Path) -> None:
    containers = [container(1), container(2, status="created"), container(3, "journald")]
    (tmp_path / ("1" * 64)).mkdir()
    (tmp_path / ("1" * 64) / f"{'1' * 64}-json.log").touch()
    async with daemon(tmp_path, *containers) as url:
        inputs = json.dumps({"docker": {"url": url, "logs_root": str(tmp_path)}})
        found = await findings(tmp_path, PILOTFISH_INPUTS=inputs)
    assert found["docker"].text == f"{url}: version 29.0, 3 containers"
    assert found["log drivers"].text == "journald 1, json-file 2"
    assert found["container journald-3"].verdict == "warn"
    assert "--log-driver json-file" in found["container journald-3"].fix
    assert found["log files"][::2] == ("ok", f"1 readable below {tmp_path}")


async def test_logs_that_cannot_be_read_fail_with_the_names(tmp_path: Path) -> None:
    async with daemon(tmp_path, container(1), container(2)) as url:
        inputs = json.dumps({"docker": {"url": url, "logs_root": str(tmp_path)}})
        finding = (await findings(tmp_path, PILOTFISH_INPUTS=inputs))["log files"]
    assert finding.verdict == "fail"
    assert "logs of 2 containers" in finding.text
    assert "(json-file-1, json-file-2)" in finding.text


async def checked(user: list[str], tmp_path: Path, inputs: dict[str, Any], state: str = "state") -> list[str]:
    """The lines of `pilotfish check` when somebody else runs it, each with its fix."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PILOTFISH_INPUTS": json.dumps(inputs),
        "PILOTFISH_STATE_DIR": f"{tmp_path}/{state}",
        "PILOTFISH_HTTP__LISTEN": "off",
    }
    words = [*user, sys.executable, "-m", "collector", "check"]
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(*words, env=environ, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    out, _ = await running.communicate()
    return out.decode().replace("\n      fix: ", ": ").splitlines()


def log_of(tmp_path: Path, number: int, mode: int = 0o640) -> None:
    directory = tmp_path / "logs" / (f"{number}" * 64)
    directory.mkdir(parents=True)
    path = directory / f"{directory.name}-json.log"
    path.touch()
    path.chmod(mode)


async def test_each_of_two_inputs_of_a_type_is_told_the_option_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    away = {"type": "docker", "url": url_of(tmp_path, "none.sock")}
    trees = {"near": {"type": "directory", "path": "/none"}, "far": {"type": "directory", "path": "/nor-this"}}
    async with daemon(tmp_path, container(1)) as url:
        left = {"type": "docker", "url": url, "logs_root": f"{tmp_path}/logs"}
        given = json.dumps({"left": left, "right": away, **trees})
        found = await findings(tmp_path, PILOTFISH_INPUTS=given)
    assert found["log files"].fix.startswith("set inputs.left.logs_root to ")
    assert "that inputs.right.url (DOCKER_HOST) is its address" in found["right"].fix
    assert found["directory /none"].fix == "set inputs.near.path"
    assert found["directory /nor-this"].fix == "set inputs.far.path"


async def test_a_container_that_cannot_be_inspected_hides_no_other(tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    async with daemon(tmp_path, container(1), container(2) | {"broken": True, "Names": ["/half"]}) as url:
        inputs = json.dumps({"docker": {"url": url, "logs_root": f"{tmp_path}/logs"}})
        found = await findings(tmp_path, PILOTFISH_INPUTS=inputs)
    assert found["docker"].verdict == "ok"
    assert found["log files"] == Finding("ok", "log files", f"1 readable below {tmp_path}/logs")
    assert found["container half"][::2] == ("warn", "the Docker daemon cannot inspect it: it is not followed")


async def test_a_daemon_that_inspects_none_of_its_containers_fails(tmp_path: Path) -> None:
    async with daemon(tmp_path, *(container(number) | {"broken": True} for number in range(20))) as url:
        given = json.dumps({"docker": {"url": url, "logs_root": str(tmp_path)}})
        found = [one async for one in examined(tmp_path, PILOTFISH_INPUTS=given) if one.subject == "docker"]
    assert [one.verdict for one in found] == ["ok", "fail"]
    assert "is half removed" in found[1].text


async def test_logs_that_are_elsewhere_are_told_with_where_to_say_so(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    async with daemon(tmp_path, container(1)) as url:
        inputs = json.dumps({"docker": {"url": url, "logs_root": f"{tmp_path}/logs"}})
        finding = (await findings(tmp_path, PILOTFISH_INPUTS=inputs))["log files"]
    assert finding.verdict == "fail"
    assert finding.fix == root_fix("inputs.docker.logs_root")
    assert "DOCKER_LOGS" in finding.fix
    assert "logs_root" in finding.fix


async def test_a_log_that_is_missing_beside_others_may_have_been_removed(tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    async with daemon(tmp_path, container(1), container(2)) as url:
        inputs = json.dumps({"docker": {"url": url, "logs_root": f"{tmp_path}/logs"}})
        finding = (await findings(tmp_path, PILOTFISH_INPUTS=inputs))["log files"]
    assert "logs of 1 containers" in finding.text
    assert finding.fix == gone_fix("inputs.docker.logs_root")


@pytest.mark.root
async def test_logs_that_may_not_be_read_are_told_with_the_right_that_is_missing(tmp_path: Path) -> None:
    log_of(tmp_path, 1, mode=0)
    async with daemon(tmp_path, container(1), container(2)) as url:
        lines = await checked(BARE_ROOT, tmp_path, {"docker": {"url": url, "logs_root": f"{tmp_path}/logs"}})
    (line,) = [line for line in lines if line.startswith("fail  log files")]
    assert line.endswith(READ_FIX)


@pytest.mark.root
async def test_logs_that_a_capability_lets_the_agent_read_are_readable(tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    async with daemon(tmp_path, container(1)) as url:
        (tmp_path / "docker.sock").chmod(0o666)
        lines = await checked(READING_USER, tmp_path, {"docker": {"url": url, "logs_root": f"{tmp_path}/logs"}})
    assert f"ok    log files: 1 readable below {tmp_path}/logs" in lines


async def test_logs_and_folders_that_are_links_are_a_finding(tmp_path: Path) -> None:
    tree, elsewhere = tmp_path / "tree", tmp_path / "elsewhere"
    for folder in (tree / "honest", tree / "linked", elsewhere / "moved"):
        folder.mkdir(parents=True)
    for path in (tree / "honest/honest-json.log", elsewhere / "linked-json.log", elsewhere / "moved/moved-json.log"):
        path.touch()
    (tree / "linked/linked-json.log").symlink_to(elsewhere / "linked-json.log")
    (tree / "moved").symlink_to(elsewhere / "moved")
    found = await findings(tmp_path, PILOTFISH_INPUTS__DIRECTORY__PATH=str(tree))
    assert found[f"directory {tree}"].text == "1 logs"
    links = found[f"links in {tree}"]
    assert (links.verdict, links.fix) == ("warn", LINK_FIX)
    assert links.text == "2 logs or folders are symbolic links and not followed (linked, moved)"


async def test_a_containers_log_that_is_a_link_is_told_as_one(tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    log = tmp_path / "logs" / ("1" * 64) / f"{'1' * 64}-json.log"
    log.rename(tmp_path / "moved")
    log.symlink_to(tmp_path / "moved")
    async with daemon(tmp_path, container(1)) as url:
        inputs = json.dumps({"docker": {"url": url, "logs_root": f"{tmp_path}/logs"}})
        finding = (await findings(tmp_path, PILOTFISH_INPUTS=inputs))["log files"]
    assert (finding.verdict, finding.fix) == ("fail", LINK_FIX)


@pytest.mark.root
async def test_a_directory_that_may_not_be_entered_is_a_finding(tmp_path: Path) -> None:
    for name in ("closed", "searchless"):
        (tmp_path / name / "tree").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    (tmp_path / "searchless").chmod(0o600)
    for path in ("closed/tree", "searchless"):
        lines = await checked(BARE_ROOT, tmp_path, {"directory": {"path": f"{tmp_path}/{path}"}}, "closed/a/b")
        assert f"fail  directory {tmp_path}/{path}: cannot be read: {READ_FIX}" in lines
        (line,) = [line for line in lines if line.startswith("fail  state directory")]
        assert f"{tmp_path}/closed is not writable" in line
    (tmp_path / "closed").chmod(0o700)


async def test_metrics_of_the_engine_that_cannot_be_had_are_a_warning(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    async with daemon(tmp_path) as url:
        inputs = json.dumps({"docker": {"url": url, "metrics_url": f"http://me:s3cret@127.0.0.1:{closed}/metrics"}})
        finding = (await findings(tmp_path, PILOTFISH_INPUTS=inputs))["engine's metrics"]
    assert finding.verdict == "warn"
    assert f"127.0.0.1:{closed}" in finding.text
    assert "s3cret" not in finding.text
    assert "metrics-addr" in finding.fix


@pytest.mark.parametrize("url", ["unix:///none/docker.sock", "tcp://127.0.0.1:1"])
async def test_a_daemon_that_is_away_fails_with_the_fix(tmp_path: Path, url: str) -> None:
    finding = (await findings(tmp_path, PILOTFISH_INPUTS__DOCKER__URL=url))["docker"]
    assert finding.verdict == "fail"
    assert "DOCKER_HOST" in finding.fix


async def test_a_socket_that_nobody_serves_any_more_may_be_of_a_daemon_before_the_restart(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(socket_in(tmp_path, "left.sock")))
    url = url_of(tmp_path, "left.sock")
    finding = (await findings(tmp_path, PILOTFISH_INPUTS__DOCKER__URL=url))["docker"]
    assert finding.text == f"Docker at {url} does not answer (Connection refused)"
    assert finding.fix.endswith("In a container: restart it if the daemon was restarted")


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("/var/run/docker.sock", "has no scheme: put unix:// before it"),
        (
            "ssh://me@there",
            "uses ssh, which is not supported: run the agent on the daemon's host, where the log files are",
        ),
        ("npipe:////./pipe/docker_engine", "is a named pipe of Windows: use unix:///path or tcp://host:port"),
        (
            "fd://",
            "is the socket that systemd passes to dockerd, not the daemon's address: use unix:///var/run/docker.sock",
        ),
        ("TCP://d:2375", "is not the address of a daemon: use unix:///path or tcp://host:port"),
    ],
)
async def test_an_address_by_which_no_daemon_can_be_asked_is_told_in_words(
    tmp_path: Path, host: str, words: str
) -> None:
    with pytest.raises(ConfigurationError) as told:
        await findings(tmp_path, PILOTFISH_INPUTS='{"docker": {}}', DOCKER_HOST=host)
    assert str(told.value) == f"DOCKER_HOST: inputs.docker.url: {words}"


async def test_labels_that_ask_in_vain_and_the_number_of_targets_are_findings(tmp_path: Path) -> None:
    many, path = container(1, "json-file"), container(2, "json-file")
    many["Config"] = {"Labels": {f"aliyun.logs.t{number:02}": "stdout" for number in range(20)}}
    path["Config"] = {"Labels": {"aliyun.logs.b": "stderr", "aliyun.logs.c": "stdout"}}
    async with daemon(tmp_path, many, path) as url:
        found = await findings(tmp_path, PILOTFISH_INPUTS__DOCKER__URL=url, PILOTFISH_MAX_TARGETS="16")
    told = found["container json-file-1"]
    assert told[:3:2] == (
        "warn",
        "label aliyun.logs.t16: 4 of its streams are not followed, from t16 on: a container has 16",
    )
    assert told.fix == LABEL_FIX
    assert found["container json-file-2"].text == (
        "label aliyun.logs.c: max_targets is reached: 1 of its targets (c) are not used, their lines go to "
        "json-file-2; raise max_targets, or use fewer targets"
    )
    assert found["targets"].text == "16 named by containers, of 16 (max_targets)"


async def test_labels_in_a_tree_without_a_daemon_are_looked_at_too(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 64)
    folder.mkdir()
    (folder / f"{folder.name}-json.log").touch()
    labels = {f"aliyun.logs.t{number:02}": "stdout" for number in range(17)}
    (folder / "config.v2.json").write_text(json.dumps({"Name": "/web", "Config": {"Labels": labels}}))
    found = await findings(tmp_path)
    assert found["container web"].text == (
        "label aliyun.logs.t16: 1 of its streams are not followed, from t16 on: a container has 16"
    )
    assert found["targets"].text == "16 named by containers, of 1000 (max_targets)"


# ------------------------------------------------------------------ what outputs promise


async def of_outputs(tmp_path: Path, numbers: dict[str, dict[str, Any]] | None = None) -> dict[str, Finding]:
    outputs = {"far": {"type": "elasticsearch", "hosts": "http://127.0.0.1:1"}, "nothing": {"type": "null"}}
    path = tmp_path / "pilotfish.yml"
    inputs = {"directory": {"path": str(tmp_path)}}
    path.write_text(json.dumps({"state_dir": str(tmp_path), "http": "off", "inputs": inputs, "outputs": outputs}))
    configuration = load(path, installed_types(), environ={})
    return {finding.subject: finding async for finding in examine(configuration, numbers)}


async def test_what_an_output_promises_is_told_and_one_that_may_lose_documents_is_a_warning(tmp_path: Path) -> None:
    found = await of_outputs(tmp_path)
    assert (safe := found["promise of output far"]).verdict == "ok"
    assert safe.text == "exactly once: the cluster creates each document once, by its id"
    unsafe = found["promise of output nothing"]
    assert (unsafe.verdict, unsafe.text) == ("warn", "unsafe: every document is discarded")


@pytest.mark.parametrize(
    ("rate", "verdict", "text"),
    [
        (None, "ok", "1,024 MiB; how long an outage may last is known once the agent runs"),
        (20_000, "ok", "1,024 MiB bridge an outage of about 3 days, at 20 kB/s of documents"),
        (200_000, "ok", "1,024 MiB bridge an outage of about 7 hours, at 200 kB/s of documents"),
        (2_000_000, "warn", "1,024 MiB bridge an outage of about 45 minutes, at 2,000 kB/s of documents"),
    ],
)
async def test_how_long_the_spool_bridges_an_outage_is_told_at_the_present_rate(
    tmp_path: Path, rate: int | None, verdict: str, text: str
) -> None:
    found = await of_outputs(tmp_path, None if rate is None else {"far": {"document_bytes_per_second": rate}})
    assert (found["spool of output far"].verdict, found["spool of output far"].text) == (verdict, text)
    assert "spool of output nothing" not in found
