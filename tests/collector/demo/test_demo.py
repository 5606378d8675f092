"""`pilotfish demo` as users run it: it shows numbers that agree, finds what it suggests, and checks itself."""

import fcntl
import os
import pty
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import termios
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from collector.state.places import LISTEN, LISTEN_VARIABLE, address

pytestmark = pytest.mark.slow  # each demo runs for seconds
PILOTFISH = str(Path(sys.executable).with_name("pilotfish"))
PROGRESS = re.compile(r"(\d+) s: ([\d,]+) lines written, ([\d,]+) read, ([\d,]+) delivered, lag ([\d.]+) s, ")


class Demo:
    """A demo in a process of its own, not on a terminal; its state is below `home`, and its port one of its own."""

    def __init__(self, home: Path, *arguments: str, listen: str = "127.0.0.1:0") -> None:
        self._home = home
        self.state = home / ".local/state/pilotfish-demo"
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [PILOTFISH, "demo", *arguments],
            env=_environ(home) | ({LISTEN_VARIABLE: listen} if listen else {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, part: str) -> str:
        """Read stdout up to a line that holds `part`."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if part in line:
                return self.lines[-1]
        raise AssertionError(f"{part!r} was not written: {self.lines} {self._process.communicate()}")

    def until_delivered(self, count: int) -> None:
        """Read stdout up to a line that tells of so many delivered documents, or more."""
        while not (told := PROGRESS.match(self.until(" delivered, "))) or int(told[4].replace(",", "")) < count:
            pass

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Wait for the end; gives the exit code and what stands on stderr."""
        stdout, stderr = self._process.communicate(timeout=60)
        self.lines += stdout.splitlines()
        return self._process.returncode, stderr

    def suggested(self) -> list[str]:
        """The commands that it says to type."""
        start = self.lines.index("In another terminal:") + 1
        return [line.strip() for line in self.lines[start : self.lines.index("", start)]]

    def shell(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Type a command in another terminal."""
        return _shell(command, self._home)

    def close(self) -> None:
        """Leave nothing behind."""
        self._process.kill()
        self._process.communicate()


def _shell(command: str, home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "-c", command], env=_environ(home), capture_output=True, text=True, timeout=60, check=False
    )


def _environ(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": f"{Path(PILOTFISH).parent}:/usr/bin:/bin"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("home"), "--rate", "50", "--duration", "600", listen="")
    try:
        running.until("1 s: ")
        running.until(" delivered, ")
        yield running
    finally:
        running.close()


def test_every_suggested_search_finds_something(demo: Demo) -> None:
    searches = [command for command in demo.suggested() if " search " in command]
    assert len(searches) >= 3
    for command in searches:
        found = demo.shell(command)
        assert found.returncode == 0, found.stderr
        assert len(found.stdout.splitlines()) >= 3, command


def test_a_search_for_errors_with_a_timeout_finds_errors_with_a_timeout(demo: Demo) -> None:
    (command,) = [one for one in demo.suggested() if "'level:error AND message:timeout'" in one]
    assert shlex.split(command)[0] == "pilotfish"
    for line in demo.shell(command).stdout.splitlines():
        assert " r-baseService-usercenter-go-3-95f1c1f8 ERROR " in line
        assert "timeout" in line


def test_the_suggested_tail_is_taken(demo: Demo) -> None:
    (command,) = [one for one in demo.suggested() if " tail " in one]
    ended = demo.shell(f"timeout 2 {command}")
    assert ended.returncode == 124, ended.stderr  # it was still tailing


def test_the_line_below_its_title_is_a_link_that_opens_the_page(demo: Demo) -> None:
    address = re.fullmatch(r"Open (http://127\.0\.0\.1:\d+/\?token=\S+)", demo.lines[1])
    assert address is not None
    with urllib.request.urlopen(address[1], timeout=20) as response:  # noqa: S310 - http, as was matched
        assert "page/app.js" in response.read().decode()


def test_the_suggested_address_serves_metrics(demo: Demo) -> None:
    (address,) = [re.search(r"http://\S+", one) for one in demo.suggested() if "/metrics" in one]
    assert address is not None
    with urllib.request.urlopen(address[0], timeout=20) as response:  # noqa: S310 - http, as was matched
        text = response.read().decode()
    read = re.search(r'^pilotfish_documents_read_total{output="local"} (\S+)', text, re.MULTILINE)
    assert read is not None
    assert float(read[1]) >= 30_000


def test_it_listens_where_the_environment_says_and_suggests_that_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    demo = Demo(tmp_path, "--rate", "0", listen=f"127.0.0.1:{port}")
    try:
        demo.until(" delivered, ")
        assert f"curl -s http://127.0.0.1:{port}/metrics | grep pilotfish_" in demo.suggested()
        assert demo.shell(f"curl -s http://127.0.0.1:{port}/healthz").returncode == 0
        demo.interrupt()
        assert demo.end() == (0, "")
    finally:
        demo.close()


def test_an_address_that_the_environment_names_and_another_program_has_is_told_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        code, stderr = Demo(tmp_path, listen=listen).end()
    assert code == 1
    assert stderr.startswith(f"pilotfish: http.listen {listen}: another program uses this port: ")
    assert f"{LISTEN_VARIABLE}=" in stderr
    assert stderr.count("\n") == 1


def test_the_usual_address_taken_is_told_and_the_suggestions_name_the_one_that_is_listened_on(tmp_path: Path) -> None:
    with closing(socket.socket()) as holder:
        with suppress(OSError):  # another agent of this machine holds it already
            holder.bind(address(LISTEN))
            holder.listen()
        demo = Demo(tmp_path, "--rate", "0", listen="")
        try:
            told = demo.until(LISTEN)
            assert "Another program uses" in told
            assert LISTEN_VARIABLE in told
            demo.until(" delivered, ")
            (curl,) = [one for one in demo.suggested() if "/metrics" in one]
            assert LISTEN not in curl
            assert demo.shell(curl).returncode == 0
            demo.interrupt()
            assert demo.end() == (0, "")
        finally:
            demo.close()


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:99999", "::1:9880"])
def test_what_is_no_address_is_told_with_the_form_of_one(tmp_path: Path, listen: str) -> None:
    code, stderr = Demo(tmp_path, listen=listen).end()
    assert code == 78
    assert stderr.startswith("pilotfish: http.listen: ")
    assert stderr.endswith("write host:port, or off\n")


def test_without_http_it_says_what_is_missing(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "--rate", "0", listen="off")
    try:
        demo.until(f"HTTP is off ({LISTEN_VARIABLE})")
        demo.until_delivered(30_000)
        demo.interrupt()
        assert demo.end() == (0, "")
    finally:
        demo.close()


def test_a_second_demo_says_that_one_is_running(demo: Demo) -> None:
    second = Demo(demo.state.parents[2])
    code, stderr = second.end()
    assert code == 1
    assert stderr.startswith("pilotfish: another demo is running: ")
    assert stderr.count("\n") == 1
    assert second.lines == []


def test_a_home_that_cannot_be_written_is_one_line_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    (tmp_path / ".local").touch()
    code, stderr = Demo(tmp_path).end()
    assert code == 1
    assert stderr.startswith(f"pilotfish: the state directory {tmp_path}/.local/state/pilotfish-demo ")
    assert stderr.endswith(": set XDG_STATE_HOME to a directory that you can write to\n")


def test_ctrl_c_ends_with_a_summary_and_leaves_the_data(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "--rate", "200")
    try:
        demo.until("1 s: ")
        demo.interrupt()
        code, stderr = demo.end()
    finally:
        demo.close()
    assert (code, stderr) == (0, "")
    assert "delivered exactly once: yes, each document in the store was compared" in demo.lines
    assert list(demo.state.glob("logs-*/*/*-json.log"))
    assert list(demo.state.glob("outputs/local/*"))
    assert "event=stopped" in (demo.state / "agent.log").read_text()


def test_it_ends_by_itself_and_its_numbers_agree(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "--rate", "3000", "--duration", "4")
    try:
        assert demo.end() == (0, "")
    finally:
        demo.close()
    progress = [match for line in demo.lines if (match := PROGRESS.match(line))]
    assert len(progress) >= 1
    for match in progress:
        written, read, delivered = (int(number.replace(",", "")) for number in match.groups()[1:4])
        assert written >= read >= delivered
    (last,) = [line for line in demo.lines if " lines written in " in line]
    logs = sum(
        entry.count(rb'\n","stream":"')
        for path in demo.state.glob("logs-*/*/*-json.log*")
        for entry in path.read_bytes().splitlines()
    )
    kept = int(last.split()[0].replace(",", ""))
    assert 30_000 < logs <= kept  # rotation may have taken some away again


def test_on_a_terminal_it_draws_a_table_that_fits_and_ends_as_well(tmp_path: Path) -> None:
    lines = _on_a_terminal(tmp_path, 80, 24)
    assert "delivered exactly once: yes, each document in the store was compared" in lines
    rows = [line for line in lines if line.startswith(("shop-", "r-base", "chat ", "all ", "container "))]
    assert len(rows) >= 8 * 3
    assert {len(line) for line in rows} == {80}


def test_a_small_terminal_keeps_the_names(tmp_path: Path) -> None:
    lines = _on_a_terminal(tmp_path, 40, 12)
    rows = [
        line for line in lines if line.startswith(("shop-web", "shop-wor", "r-base", "chat ", "all ", "container "))
    ]
    assert len({row.split()[0][:9] for row in rows}) == 6  # the column's width changes with the numbers beside it
    assert {len(line) for line in rows} == {40}
    assert not any("lines/s" in row for row in rows)


def _on_a_terminal(home: Path, columns: int, rows: int) -> list[str]:
    """What a demo of two seconds draws."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environ = {**_environ(home), "TERM": "xterm-256color"}
    arguments = [PILOTFISH, "demo", "--rate", "100", "--duration", "2s"]
    with subprocess.Popen(arguments, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = b"".join(iter(partial(_read, ours), b"")).decode()
    os.close(ours)
    assert process.returncode == 0, written
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written).replace("\r", "").split("\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other side is closed
        return b""


def test_keep_goes_on_with_the_store(tmp_path: Path) -> None:
    def run(*arguments: str) -> int:
        demo = Demo(tmp_path, "--rate", "0", *arguments)
        try:
            demo.until("In another terminal:") if arguments else demo.until_delivered(30_000)
            total = demo.shell("pilotfish search -n 0").stderr
            demo.interrupt()
            assert demo.end() == (0, "")
            assert "delivered exactly once: yes, each document in the store was compared" in demo.lines
        finally:
            demo.close()
        return int(total.split(" of ")[1].split()[0])

    first = run()
    assert 30_000 <= first <= 30_020
    assert run("--keep") >= first


def test_what_is_not_delivered_fails_it(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "--rate", "0")
    try:
        while not ((told := PROGRESS.search(demo.until(" delivered, "))) and told[4] != "0"):
            pass
        demo.shell(f"rm -rf {demo.state}/outputs/local/*")
        demo.interrupt()
        code, stderr = demo.end()
    finally:
        demo.close()
    assert code == 1
    assert "delivered exactly once: no" in demo.lines
    assert "delivered documents differ from written lines" in stderr


def test_a_reader_that_leaves_ends_it_without_a_word(tmp_path: Path) -> None:
    ended = _shell("pilotfish demo --rate 0 --duration 3 | head -n 1", tmp_path)
    assert ended.stdout.startswith("Pilotfish demo: ")
    assert ended.stderr == ""
