"""An agent that is killed in mid-stream, and a destination that tells only whole batches apart: each line once."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web

from tests.collector.waiting import until
from tests.integration.agent import AgentProcess
from tests.integration.log_tree import LogTree, envelope
from tests.plugin.installed import install
from tests.plugin.sink_server import SinkServer

LINES = 4_000
CONTAINERS = 3


class BatchServer(SinkServer):
    """Takes a batch once, by its token; of each document it counts the copies. Some answers get lost."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: Counter[str] = Counter()
        self.again = 0
        self._tokens: set[str] = set()
        self._requests = 0

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        token = request.headers["x-token"]
        lines = body.splitlines()
        if is_new := token not in self._tokens:
            self._tokens.add(token)
            self.copies.update(line.partition(b",")[0].decode() for line in lines)
        self.again += not is_new
        self._requests += 1
        if self._requests % 17 == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"new": len(lines), "known": 0} if is_new else {"new": 0, "known": len(lines)})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_moment_the_agent_is_killed_at_each_line_is_there_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    install(tmp_path / "site", "frozen-sink", outputs={"frozen_sink": "tests.plugin.frozen_sink:Settings"}, modules={})
    tree = LogTree(tmp_path / "containers")
    logs = [tree.container(f"shop{number}") for number in range(CONTAINERS)]

    def write(first: int, end: int) -> None:
        for log in logs:
            with log.open("ab") as file:
                file.write(b"".join(envelope(f"line {number}\n", number) for number in range(first, end)))

    async with BatchServer() as server:
        sink = {"type": "frozen_sink", "hosts": server.url, "batch_bytes": 20_000, "linger_seconds": 0.05}
        configuration = {"inputs": {"directory": {"path": str(tmp_path / "containers")}}, "outputs": {"sink": sink}}
        agent = AgentProcess(tmp_path, configuration, environment={"PYTHONPATH": str(tmp_path / "site")})
        try:
            for life in range(4):
                await asyncio.to_thread(agent.start)
                before = server.copies.total()
                write(life * LINES // 4, (life + 1) * LINES // 4)
                most = before + chance.randint(1, CONTAINERS * LINES // 4)
                await until(lambda most=most: server.copies.total() >= most, seconds=60)  # type: ignore[misc]
                if life < 3:
                    await asyncio.to_thread(agent.kill)
            await until(lambda: len(server.copies) == LINES * CONTAINERS, seconds=60)
            await until(lambda: agent.metric("pilotfish_documents_in_flight", output="sink") == 0, seconds=60)
            assert agent.metric("pilotfish_documents_spooled_total", output="sink") == 0
            assert await asyncio.to_thread(agent.stop) == 0
        finally:
            agent.kill()
    assert set(server.copies.values()) == {1}
    assert list((tmp_path / "state" / "spool").rglob("*.spool")) == []
