"""A port over a real store that holds lines of two containers: one that a token may see, and one that it may not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from collector.app.rows import ContainerRows
from collector.discovery.registry import Container, Registry
from collector.model import LogStream, Segment
from collector.ports import OutputContext
from collector.web import tokens
from collector.web.rights import Role
from shippers.store import Settings
from tests.collector.web.agent import Site, site
from tests.contract.segments import batch, document, log_stream, segment
from tests.contract.shippers import deliver

OPEN, VAULT = log_stream("shop", container_id="web"), log_stream("vault", container_id="secret")
FILTER = "target:shop"
COUNT = 30  # lines of each container


def lines(stream: LogStream, count: int = COUNT, first: int = 0) -> Segment:
    """Lines of a container, a second apart."""
    bodies = [
        document(
            {"message": f"{stream.target} line {n} of 10.0.0.{n}", "level": "error" if n % 3 == 0 else "info"},
            stream,
            time=f"2026-11-23T02:13:{n:02}.000000000Z",
            output="stderr" if n % 2 else "stdout",
        )
        for n in range(first, first + count)
    ]
    return segment(bodies, stream, first=first)


@asynccontextmanager
async def held(tmp_path: Path, **options: Any) -> AsyncIterator[Site]:
    """The port, while it is open."""
    store = Settings.model_validate({"commit_seconds": 0.02}).open(OutputContext("local", tmp_path / "store"))
    registry = Registry()
    listing = registry.join("docker")
    for stream in (OPEN, VAULT):
        row = Container(id=stream.container_id * 8, name=stream.container, state="running", streams=(stream,))
        registry.take(row, listing)
    rows = ContainerRows(registry, [], [])
    try:
        await deliver(store, batch(lines(OPEN), lines(VAULT)))
        async with site(
            tmp_path, search=lambda _: store, streams=(OPEN, VAULT), containers=rows.rows, **options
        ) as here:
            yield here
    finally:
        await store.aclose()


def headers(here: Site, role: Role = "view", only: str = "", seconds: float | None = None) -> dict[str, str]:
    """Those of a new token."""
    text, _ = tokens.create(here.state_dir, role=role, filter_text=only, seconds=seconds, name="")
    return {"Authorization": f"Bearer {text}"}
