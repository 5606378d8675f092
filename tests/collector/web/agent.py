"""A port with views of our own behind it, on a real socket."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from msgspec import Struct, field

from collector.dead_letters.replay import Replay
from collector.errors import QueryError
from collector.model import FileId, LogStream, Position, Segment, Ticket
from collector.ports import Found, Query, Searchable
from collector.state.places import Address
from collector.telemetry import catalogue
from collector.telemetry.exposition import expose, family
from collector.web.answers import ContainerRow
from collector.web.api import Patience, Views
from collector.web.live import Live
from collector.web.live_routes import LiveRoutes
from collector.web.server import serve


class Shelf:
    """A store of two documents that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Query] = []

    async def search(self, query: Query) -> Found:
        self.asked.append(query)
        if query.text == "a:(":
            raise QueryError("the query is broken at character 3", "close the bracket")
        return Found(7, [b'{"log":{"message":"second"}}', b'{"log":{"message":"first"}}'][: query.limit])


class Site(Struct):
    """What a test asks and turns."""

    address: Address
    state_dir: Path
    live: Live
    shelf: Shelf
    stuck: list[str]
    reasons: list[str]
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"


@asynccontextmanager
async def site(
    state_dir: Path,
    listen: str = "127.0.0.1",
    *,
    search: Callable[[Shelf], Searchable | None] = lambda shelf: shelf,
    patience: Patience | None = None,
    replays: Mapping[str, Replay] | None = None,
    metrics_url: str | None = None,
    page: bytes = b"",
    streams: Sequence[LogStream] = (),
    routes: Callable[[Live], LiveRoutes] | None = None,
    containers: Callable[[Callable[[LogStream], bool] | None], Sequence[ContainerRow]] = lambda _: (),
) -> AsyncIterator[Site]:
    """Serve on any free port."""
    read = family(catalogue.DOCUMENTS_READ, [(["out"], 3)])
    stuck: list[str] = []
    reasons: list[str] = []
    shelf = Shelf()
    live = Live(room_bytes=1000)
    views = Views(
        health=lambda: next(iter(stuck), None),
        not_ready=lambda: reasons,
        metrics=lambda accept: (page, "text/plain") if page else expose([read], accept),
        status=lambda: {"outputs": {"local": {"read": 3}}},
        explain=lambda is_meant, sees: [
            {"container": name} for name in ("db", "web") if is_meant(name) and sees(streams)
        ],
        search=search(shelf),
        live=live,
        routes=routes(live) if routes else None,
        dead_letters=[state_dir / "dead_letters"],
        replays=replays or {},
        streams=lambda: streams,
        containers=containers,
        engine_metrics={"inputs.left.metrics_url": None, "inputs.right.metrics_url": metrics_url},
    )
    async with (
        serve(Address(listen, 0), state_dir=state_dir, views=views, patience=patience) as address,
        aiohttp.ClientSession() as session,
    ):
        token = (state_dir / "http_token").read_text().strip()
        yield Site(
            address=address,
            state_dir=state_dir,
            live=views.live,
            shelf=shelf,
            stuck=stuck,
            reasons=reasons,
            session=session,
            headers={"Authorization": f"Bearer {token}"},
        )


def segment(container: str, *documents: bytes, target: str = "shop") -> Segment:
    """Documents of a container."""
    stream = LogStream(
        container_id="c" * 64, container=container, entry="", target=target, path="/x", running=True, fields={}
    )
    end = Position(FileId("c" * 64, "h", 0), 0, 0)
    size = sum(len(document) for document in documents)
    ids = [str(number) for number in range(len(documents))]
    return Segment(stream=stream, day="2026-11-23", documents=list(documents), ids=ids, size=size, ticket=Ticket(end))
