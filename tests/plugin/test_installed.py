"""An output of another package, installed beside Pilotfish: the agent ships through it, and it is held to the laws."""

import asyncio
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.collector.waiting import until
from tests.integration.agent import AgentProcess
from tests.integration.log_tree import LogTree, envelope
from tests.plugin import http_sink
from tests.plugin.installed import install
from tests.plugin.sink_server import Fault, SinkServer
from tests.test_packaging import wheel

pytestmark = pytest.mark.slow  # a process each, and a server beside it

__all__ = ["wheel"]

MODULE = Path(http_sink.__file__).read_text("utf-8")
LAWS = """
from collections.abc import AsyncIterator
import pytest
from collector.testing.shippers import ShipperContract
from pilotfish_http_sink import Settings
from sink_server import SinkServer

class Destination:
    def __init__(self, server, site):
        self._server, self._site = server, site
    def open(self):
        return Settings(type="http_sink", hosts=[self._server.url]).open(self._site)
    async def stored(self):
        return self._server.stored

class TestHttpSink(ShipperContract):
    takes_anything = True
    @pytest.fixture
    async def destination(self, site):
        async with SinkServer() as server:
            yield Destination(server, site)
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Where the package is installed."""
    modules = {"pilotfish_http_sink": MODULE}
    return install(
        tmp_path / "site", "pilotfish-http-sink", outputs={"http_sink": "pilotfish_http_sink:Settings"}, modules=modules
    )


async def test_the_agent_ships_through_it(tmp_path: Path, plugin: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one")
    log = LogTree(tmp_path / "containers").container("shop")
    log.write_bytes(b"".join(envelope(f"line {number}\n", number) for number in range(100)))
    async with SinkServer(authorization="Bearer one") as server:
        server.faults.extend([Fault(503), Fault(is_cut=True)])
        agent = AgentProcess(
            tmp_path,
            {
                "inputs": {"directory": {"path": str(tmp_path / "containers")}},
                "outputs": {"sink": {"type": "http_sink", "hosts": server.url, "bearer_token_file": str(token)}},
            },
            environment={"PYTHONPATH": str(plugin)},
        )
        try:
            await asyncio.to_thread(agent.start)
            await until(lambda: len(server.stored) == 100, seconds=60)
            server.authorization = "Bearer two"  # the token changes, and the agent is not restarted
            token.write_text("two")
            with log.open("ab") as file:
                file.write(b"".join(envelope(f"line {number}\n", number) for number in range(100, 150)))
            await until(lambda: len(server.stored) == 150, seconds=60)
            assert await asyncio.to_thread(agent.stop) == 0
        finally:
            agent.kill()
        assert [each for each in server.stored.values() if len(each) != 1] == []


FAULTY = """
from collector.ports import ShipperSettings
class Settings(ShipperSettings):
    fails: str = "ship"
    def open(self, context):
        return self if self.fails != "open" else {}["no-s3cret"]
    async def ship(self, batch):
        return {}["no-s3cret"]
    async def probe(self):
        return {}["no-s3cret"]
    async def aclose(self):
        pass
"""


async def test_one_that_is_faulty_harms_no_other_output(tmp_path: Path, plugin: Path) -> None:
    install(plugin, "faulty", outputs={"faulty": "faulty_one:Settings"}, modules={"faulty_one": FAULTY})
    log = LogTree(tmp_path / "containers").container("shop")
    log.write_bytes(b"".join(envelope(f"line {number}\n", number) for number in range(100)))
    async with SinkServer() as server:
        inputs = {"directory": {"path": str(tmp_path / "containers")}}
        outputs = {"bad": {"type": "faulty"}, "sink": {"type": "http_sink", "hosts": server.url}}
        given = {"inputs": inputs, "outputs": outputs}
        agent = AgentProcess(tmp_path, given, environment={"PYTHONPATH": str(plugin)})
        try:
            await asyncio.to_thread(agent.start)
            await until(lambda: len(server.stored) == 100, seconds=60)
            ready = await asyncio.to_thread(agent.get, "/readyz")
            assert b"output raised an unexpected error (KeyError at faulty_one.py:8): report it to the auth" in ready
        finally:
            agent.kill()
    assert "no-s3cret" not in agent.log.read_text()


@pytest.mark.parametrize(("fails", "line"), [("open", 6), ("probe", 10)])
def test_a_check_tells_of_one_that_is_faulty_and_goes_on(tmp_path: Path, plugin: Path, fails: str, line: int) -> None:
    install(plugin, "faulty", outputs={"faulty": "faulty_one:Settings"}, modules={"faulty_one": FAULTY})
    config = tmp_path / "pilotfish.yml"
    config.write_text(
        f"state_dir: {tmp_path}/state\ninputs: {{directory: {{path: {tmp_path}}}}}\n"
        f"outputs: {{bad: {{type: faulty, fails: {fails}}}, good: {{type: 'null'}}}}\n"
    )
    command = [sys.executable, "-m", "collector", "check", "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(plugin)})
    assert f"raised an unexpected error (KeyError at faulty_one.py:{line})" in done.stdout
    assert "output good (null)" in done.stdout
    assert "no-s3cret" not in done.stdout + done.stderr


def test_commands_know_it_and_tell_when_it_is_gone(tmp_path: Path, plugin: Path) -> None:
    config = tmp_path / "pilotfish.yml"
    config.write_text("outputs: {sink: {type: http_sink, hosts: 'http://sink', password: s3cret, username: me}}")

    def run(*words: str, path: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "collector", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": path})

    shown = run("config", "show", "-c", str(config), path=str(plugin))
    assert "type: http_sink" in shown.stdout
    assert "s3cret" not in shown.stdout + shown.stderr
    assert '"const": "http_sink"' in run("config", "schema", path=str(plugin)).stdout
    gone = run("config", "validate", "-c", str(config), path="")
    assert (gone.returncode, gone.stdout) == (78, "")
    assert gone.stderr.endswith("install the package that brings it\n")


def test_its_author_holds_it_to_the_laws_of_every_output_with_what_is_in_the_wheel(
    tmp_path: Path, plugin: Path, wheel: Path
) -> None:
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(plugin)
    (plugin / "sink_server.py").write_text((Path(http_sink.__file__).parent / "sink_server.py").read_text("utf-8"))
    (tmp_path / "test_laws.py").write_text(LAWS)
    options = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_laws.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(plugin)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert (
        str(tmp_path)
        in subprocess.run(
            [sys.executable, "-c", "import collector; print(collector.__file__)"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(plugin)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
