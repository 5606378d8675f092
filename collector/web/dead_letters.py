"""`/api/dead-letters`: which there are, and `/api/dead-letters/replay`: sent once more. Both answer with NDJSON.

The list begins with `{"total": N, "damaged": N, "reasons": [{"output", "target", "reason", "letters"}, …]}`, then come
the letters, oldest first. A replay tells its progress at least once a second and ends with `{"done": true}` or
`{"error": …, "remedy": …}`; when the client leaves, it stops, and what was not sent is a letter still.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from collector.dead_letters.letter import Wanted
from collector.dead_letters.listing import find, outputs_of
from collector.dead_letters.replay import Progress, Replays, ReplayUnderWay, run_all
from collector.errors import PilotfishError, QueryError, leaves
from collector.web.access import refusal
from collector.web.api import Patience
from collector.web.arguments import known, limit, text

_FILTERS = {"output", "reason", "target", "limit"}


class DeadLettersApi:
    """The handlers; each takes its arguments from the query string."""

    def __init__(self, roots: Sequence[Path], replays: Mapping[str, Replays], patience: Patience) -> None:
        self._roots = roots
        self._replays = replays
        self._patience = patience

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route."""
        listed, replay = self.listed, self.replay
        return {"dead_letters": listed, "v1/dead_letters": listed, "replay": replay, "v1/replay": replay}

    async def listed(self, request: web.Request) -> web.Response:
        """The newest letters, or with `order=oldest` the oldest; with `replayable=1` only of outputs that there are."""
        given = request.query
        try:
            known(given, _FILTERS | {"order", "replayable"})
            kept = sorted(self._replays) if given.get("replayable") else outputs_of(self._roots)
            outputs = _chosen(given, {*kept, *self._replays}, kept)
            listing = await asyncio.to_thread(
                find,
                self._roots,
                outputs,
                _wanted(given),
                limit=limit(given),
                oldest=given.get("order") == "oldest",
            )
        except QueryError as error:
            return refusal(400, error.cause, error.remedy)
        except OSError as error:
            return refusal(503, f"the dead letters cannot be read ({error.strerror})", "check the state directory")
        body = b"\n".join([orjson.dumps(listing.summary()), *listing.lines, b""])
        return web.Response(body=body, content_type="application/x-ndjson")

    async def replay(self, request: web.Request) -> web.StreamResponse:
        """Send letters once more, the oldest first."""
        given = request.query
        try:
            known(given, _FILTERS)
            outputs = sorted(self._replays)
            replays = [self._replays[output] for output in _chosen(given, set(outputs), outputs)]
            wanted, most = _wanted(given), limit(given) if "limit" in given else None
            for each in replays:
                each.check()
        except QueryError as error:
            return refusal(400, error.cause, error.remedy)
        except ReplayUnderWay as error:
            return refusal(409, error.cause, error.remedy)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        transport = request.transport
        try:
            await self._run(replays, wanted, most, response)
        except ConnectionError:
            pass  # the client is gone
        except TimeoutError:
            if transport is not None:
                transport.abort()
        return response

    async def _run(
        self, replays: list[Replays], wanted: Wanted, most: int | None, response: web.StreamResponse
    ) -> None:
        """Replay, and write how far it is.

        Raises:
            ConnectionError: the client is gone.
            TimeoutError: the client takes nothing.
        """

        async def write(told: dict[str, object]) -> None:
            async with asyncio.timeout(self._patience.stall_seconds):
                await response.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))

        async def tell(progress: Progress) -> None:
            await write(progress.told())

        end: dict[str, object] = {"done": True}
        try:
            await run_all(replays, wanted, limit=most, tell=tell)
        except* PilotfishError as group:
            end = _last_words(group)
        except* ConnectionError as group:
            raise ConnectionError from group
        except* TimeoutError as group:
            raise TimeoutError from group
        await write(end)
        await response.write_eof()


def _last_words(group: BaseExceptionGroup[PilotfishError]) -> dict[str, object]:
    error = next(one for one in leaves(group) if isinstance(one, PilotfishError))
    return {"error": error.cause, "remedy": error.remedy}


def _wanted(given: Mapping[str, str]) -> Wanted:
    return Wanted(reason=text(given, "reason"), target=text(given, "target"))


def _chosen(given: Mapping[str, str], known_outputs: set[str], all_of_them: list[str]) -> list[str]:
    """The output that is named, else all.

    Raises:
        QueryError: there is none of this name.
    """
    output = given.get("output", "")
    if output and output not in known_outputs:
        names = ", ".join(sorted(known_outputs)) or "none"
        raise QueryError(f"no output is named {output[:80]!r}", f"use one of: {names}")
    return [output] if output else all_of_them
