"""Routes that somebody posts while the agent runs → shippers that get what is read from now on.

A route takes part in the live view, not in delivery: it has no positions, waits for nobody and keeps nobody waiting.
What comes while its destination is away, beyond the room of a watcher, is left out and counted. Routes are files in the
state directory, and begin again with the agent. A destination has to be one that the operator allows.
"""

import asyncio
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog
from msgspec import Struct
from pydantic import SecretStr, ValidationError

from collector.config import routes, translating
from collector.config.destinations import destination, host_of
from collector.config.routes import Place, Wanted
from collector.delivery.backoff import Backoff
from collector.documents.document import source
from collector.errors import UNREADABLE, ConfigurationError, PilotfishError, Refused, StateError, Unavailable, place_of
from collector.files import writing
from collector.model import Batch, Receipt, Segment
from collector.ports import OutputContext, Shipper, ShipperSettings
from collector.state import places
from collector.web.live import Live, Watcher
from collector.web.live import Wanted as Watched
from collector.web.live_routes import ID, NotAllowed
from collector.web.logs import is_shown

log = structlog.get_logger(__name__)

MOST_ROUTES = 8  # watchers, of which the live view has no more than twice as many
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_WORD = re.compile(r"[a-z0-9_.-]+")
_BODY = Place("the body", 1)
_HIDDEN = "**********"


class _Counts(Struct):
    """What became of the lines; `error` is why the destination is away, "" if it is not."""

    delivered: int = 0
    refused: int = 0
    left_out: int = 0
    error: str = ""


class _Route:
    """One route that ships; `secrets` are options of it that are not told."""

    def __init__(
        self, said: Mapping[str, Any], wanted: Wanted, shipper: Shipper, secrets: Collection[str] = ()
    ) -> None:
        self.said = said
        self._secrets = secrets
        self.name = str(said["id"])
        self.task: asyncio.Task[None] | None = None
        self._filters = wanted.filters
        self._shipper = shipper
        self._counts = _Counts()
        self._backoff = Backoff()

    def shown(self) -> dict[str, Any]:
        """As JSON, with what became of its lines."""
        counts = self._counts
        numbers = {"delivered": counts.delivered, "refused": counts.refused, "left_out": counts.left_out}
        said = {**self.said, "status": {**numbers, "error": counts.error}}
        if options := self.said.get("options"):
            said["options"] = {name: _HIDDEN if name in self._secrets else value for name, value in options.items()}
        return said

    async def aclose(self) -> None:
        """Release its shipper; may be called twice."""
        try:
            await self._shipper.aclose()
        except Exception as error:  # noqa: BLE001 - the shipper may be of another package
            log.warning("live route not closed as it should be", route=self.name, reason=place_of(error))

    async def run(self, live: Live) -> None:
        """Ship until cancelled, or until nothing is shown any more."""
        filters = self._filters
        watched = Watched(id=filters.id[:12], name=filters.name, labels=filters.labels)
        try:
            with live.subscribe(watched) as watcher:
                await self._follow(watcher)
        finally:
            await self.aclose()

    async def _follow(self, watcher: Watcher) -> None:
        while (found := await watcher.segment()) is not None:
            skipped, segment = found
            self._counts.left_out += skipped
            if segment is not None and (wanted := self._chosen(segment)).count:
                await self._deliver(Batch((wanted,)))

    def _chosen(self, segment: Segment) -> Segment:
        sources = frozenset(self._filters.sources)
        shown = [is_shown(source(document), sources) for document in segment.documents]
        return segment.part([index for index, is_one in enumerate(shown) if is_one])

    async def _deliver(self, batch: Batch) -> None:
        """Send until it is taken or refused."""
        while batch.count:
            try:
                receipt = await self._shipped(batch)
            except Refused:
                if batch.count == 1:
                    self._counts.refused += 1
                    return
                for half in _halves(batch):
                    await self._deliver(half)
                return
            except Unavailable as error:
                if self._counts.error != (reason := str(error)):
                    self._counts.error = reason
                    log.warning("live route cannot deliver", route=self.name, reason=error.cause, remedy=error.remedy)
                await asyncio.sleep(self._backoff.next(error.retry_after))
                continue
            self._counts.delivered += receipt.delivered + receipt.duplicate
            self._counts.refused += len(receipt.rejected)
            self._counts.error = ""
            if receipt.retry.count < batch.count:
                self._backoff.reset()
            batch = receipt.retry
            if batch.count:
                await asyncio.sleep(self._backoff.next())

    async def _shipped(self, batch: Batch) -> Receipt:
        try:
            return await self._shipper.ship(batch)
        except (Unavailable, Refused):
            raise
        except Exception as error:  # noqa: BLE001 - the shipper may be of another package
            raise Unavailable(f"the output raised an unexpected error ({place_of(error)})") from None


def _halves(batch: Batch) -> list[Batch]:
    (segment,) = batch.segments
    middle = segment.count // 2
    return [Batch((segment.part(range(middle)),)), Batch((segment.part(range(middle, segment.count)),))]


class AgentRoutes:
    """The live routes of an agent (`collector.web.live_routes.LiveRoutes`)."""

    def __init__(
        self, allowed: Sequence[str], state: Path, live: Live, outputs: Mapping[str, type[ShipperSettings]]
    ) -> None:
        """`allowed` are destinations, as `http.routes_allow` has them."""
        self._allowed = [destination(one) for one in allowed]
        self._directory = state / places.ROUTES
        self._live = live
        self._outputs = outputs
        self._routes: dict[str, _Route] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._turn = asyncio.Lock()  # one change at a time, else what is on disk and what ships may differ

    async def listed(self) -> Sequence[Mapping[str, Any]]:
        """Each as JSON can hold it."""
        return [route.shown() for route in self._routes.values()]

    async def run(self) -> None:
        """Begin the routes that are kept, and ship until cancelled."""
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:  # whoever posts a route is told
            log.warning("live routes cannot be kept", directory=str(self._directory), reason=error.strerror)
        async with asyncio.TaskGroup() as self._tasks:
            for path in sorted(self._directory.glob("*.json")):
                try:
                    self._begin(self._opened(await asyncio.to_thread(path.read_bytes), Place(str(path), 1)))
                except (PilotfishError, OSError) as error:
                    log.warning("live route not started", file=str(path), reason=str(error))
            await asyncio.Event().wait()

    async def add(self, said: bytes) -> Mapping[str, Any]:
        """Begin a route, or put it in the place of the one with its id.

        Raises:
            NotAllowed: the destination is not one of those that are allowed.
            ConfigurationError: it is no route, or cannot be had here.
            StateError: it cannot be kept.
        """
        async with self._turn:
            return await self._add(self._opened(said, _BODY))

    async def _add(self, route: _Route) -> Mapping[str, Any]:
        if len(self._routes.keys() | {route.name}) > MOST_ROUTES:
            await route.aclose()
            raise ConfigurationError(f"there are {MOST_ROUTES} routes already", "remove one, or configure an output")
        try:
            await asyncio.to_thread(writing.replace, self._file(route.name), orjson.dumps(route.said))
        except OSError as error:
            await route.aclose()
            raise StateError(f"the route cannot be kept ({error.strerror})", "check the state directory") from None
        before = self._routes.get(route.name)
        self._begin(route)  # first: who posts may be gone before the other has ended
        await self._end(before)
        log.info("live route added", route=route.name, adapter=route.said["adapter"], address=route.said["address"])
        return route.shown()

    async def remove(self, name: str) -> bool:
        """End a route; whether there was one.

        Raises:
            StateError: the file of it cannot be removed.
        """
        async with self._turn:
            return await self._remove(name)

    async def _remove(self, name: str) -> bool:
        is_there = name in self._routes
        try:  # also where nothing ships: who posted it may have gone when only its file was there
            await asyncio.to_thread(self._file(name).unlink, missing_ok=True)
        except OSError as error:
            raise StateError(f"the route cannot be removed ({error.strerror})", "check the state directory") from None
        await self._end(self._routes.pop(name, None))
        if is_there:
            log.info("live route removed", route=name)
        return is_there

    def _file(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _begin(self, route: _Route) -> None:
        if (tasks := self._tasks) is None:
            raise StateError("the agent is not ready yet", "ask again")
        self._routes[route.name] = route
        route.task = tasks.create_task(route.run(self._live), name=f"live route {route.name}")

    async def _end(self, route: _Route | None) -> None:
        if route is not None and route.task is not None:
            route.task.cancel()
            await asyncio.wait([route.task])
            await route.aclose()  # a task that never ran has not

    def _opened(self, text: bytes, place: Place) -> _Route:
        """A route that may begin.

        Raises:
            ConfigurationError: it is none, or not allowed.
        """
        wanted = routes.of_json(text, place, {})
        self._check(wanted)
        said = _known(text, place)
        if not ID.fullmatch(said["id"]):
            raise ConfigurationError("the id is not 1 to 64 letters, digits, - and _", "leave it out for a new one")
        found = translating.output_of(wanted, self._outputs)
        options = {"type": found.kind, **found.translated.options}
        try:
            settings = found.settings.model_validate(options)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ConfigurationError(f"the route is wrong ({where}: {first['msg']})", "correct it") from None
        context = OutputContext(f"route_{said['id']}", self._directory / said["id"])
        origins = found.translated.origins
        hidden = {word for option, word in origins.items() if isinstance(getattr(settings, option, None), SecretStr)}
        return _Route(said, wanted, settings.open(context), hidden)

    def _check(self, wanted: Wanted) -> None:
        route = wanted.route
        if route.path or not route.port or not _HOST.fullmatch(route.host):
            raise ConfigurationError("the address is not host:port", "correct it")
        if not all(map(_WORD.fullmatch, (route.adapter, route.transport or "udp"))):
            raise ConfigurationError("the adapter is not a word, or two with + between them", "correct it")
        if wanted.is_multiline:
            raise ConfigurationError("live routes have no multiline", "configure an output and rules in its place")
        try:
            host = host_of(route.host)
        except ValueError as error:
            raise ConfigurationError(f"the address is wrong: {error}", "correct it") from None
        if not any(one.has(route.adapter, route.transport, host, route.port) for one in self._allowed):
            words = f"{route.adapter}+{route.transport}" if route.transport else route.adapter
            cause = f"the destination {words}://{route.address(0)} is not allowed"
            raise NotAllowed(cause, "name it in http.routes_allow")


def _known(text: bytes, place: Place) -> dict[str, Any]:
    """What is kept of a route that was said, with an id.

    Raises:
        ConfigurationError: it cannot be kept.
    """
    names = ("adapter", "address", "filter_id", "filter_name", "filter_labels", "filter_sources", "options")
    try:
        said = orjson.loads(text)
    except UNREADABLE:  # stricter than what logspout reads: no NaN, no half of a character
        raise place.wrong("is not JSON by RFC 8259", "correct it") from None
    return {"id": str(said.get("id") or secrets.token_hex(6)), **{name: said[name] for name in names if said.get(name)}}
