"""`/api/dead-letters`: what is listed, and a replay as a client sees it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from collector.dead_letters import DeadLetters
from collector.dead_letters.replay import Progress, Replay
from collector.errors import Unavailable
from collector.ledger import Ledger
from collector.model import Rejected, Segment
from collector.web.api import Patience
from tests.collector.waiting import until
from tests.collector.web.agent import Site, site
from tests.contract.segments import plain_segment

REPLAY = "/api/dead-letters/replay"


class Output:
    """An output whose documents are taken when the test lets them."""

    def __init__(self, root: Path, name: str, count: int) -> None:
        self.letters = DeadLetters(root / name)
        whole = plain_segment(count)
        self.letters.append([Rejected(whole, index, "xy"[index % 2], f"{index}") for index in range(count)])
        self.go = asyncio.Event()
        self.shipped = 0
        self.fault: Unavailable | None = None
        self.replay = Replay(name, self.letters, self._ship, Ledger())

    async def _ship(self, segments: Sequence[Segment]) -> None:
        await self.go.wait()
        if self.fault:
            raise self.fault
        self.shipped += sum(segment.count for segment in segments)


@asynccontextmanager
async def outputs(path: Path, **counts: int) -> AsyncIterator[tuple[Site, dict[str, Output]]]:
    made = {name: Output(path / "dead_letters", name, count) for name, count in counts.items()}
    async with site(path, replays={name: each.replay for name, each in made.items()}) as here:
        yield here, made


async def lines(here: Site, path: str, *, method: str = "GET", **given: str) -> list[dict[str, Any]]:
    answer = await here.session.request(method, here.url(path), params=given, headers=here.headers)
    assert answer.status == 200, await answer.text()
    assert answer.content_type == "application/x-ndjson"
    return [json.loads(line) for line in (await answer.read()).splitlines()]


async def test_the_newest_letters_are_listed_behind_the_totals(tmp_path: Path) -> None:
    async with outputs(tmp_path, one=5, other=1) as (here, _):
        head, *letters = await lines(here, "/api/dead-letters", output="one", limit="2")
        assert (head["total"], head["damaged"]) == (5, 0)
        assert head["reasons"][0] == {"output": "one", "target": "shop", "reason": "x", "letters": 3}
        assert [letter["detail"] for letter in letters] == ["3", "4"]
        _, *letters = await lines(here, "/api/dead-letters", output="one", limit="2", order="oldest", reason="y")
        assert [letter["detail"] for letter in letters] == ["1", "3"]
        assert (await lines(here, "/api/dead-letters"))[0]["total"] == 6


async def test_letters_of_an_output_that_is_configured_no_more_are_listed_and_not_replayed(tmp_path: Path) -> None:
    Output(tmp_path / "dead_letters", "gone", 3)
    async with outputs(tmp_path, one=1) as (here, made):
        made["one"].go.set()
        assert (await lines(here, "/api/dead-letters"))[0]["total"] == 4
        assert (await lines(here, "/api/dead-letters", replayable="1"))[0]["total"] == 1
        told = await lines(here, REPLAY, method="POST")
        assert {each["output"] for each in told if "output" in each} == {"one"}
        answer = await here.session.post(here.url(REPLAY), params={"output": "gone"}, headers=here.headers)
        assert answer.status == 400
        assert (await answer.json()) == {"error": "no output is named 'gone'", "remedy": "use one of: one"}


async def test_a_replay_tells_how_far_it_is_and_its_end(tmp_path: Path) -> None:
    async with outputs(tmp_path, one=5, other=4) as (here, made):
        for each in made.values():
            each.go.set()
        told = await lines(here, REPLAY, method="POST", reason="x", limit="4")
        assert told[-1] == {"done": True}
        last = {each["output"]: each["sent"] for each in told[:-1]}
        assert last == {"one": 3, "other": 1}
        assert (made["one"].shipped, made["other"].shipped) == (3, 1)


async def test_a_second_replay_is_refused_while_one_is_under_way(tmp_path: Path) -> None:
    async with (
        outputs(tmp_path, one=1) as (here, made),
        here.session.post(here.url(REPLAY), headers=here.headers) as first,
    ):
        assert json.loads(await first.content.readline())["sent"] == 0
        second = await here.session.post(here.url(REPLAY), headers=here.headers)
        assert second.status == 409
        assert "being replayed already" in (await second.json())["error"]
        made["one"].go.set()
        assert (await first.read()).endswith(b'{"done":true}\n')


async def test_a_client_that_leaves_ends_the_replay_and_the_letters_stay(tmp_path: Path) -> None:
    async with outputs(tmp_path, one=2) as (here, made):
        async with here.session.post(here.url(REPLAY), headers=here.headers) as first:
            await first.content.readline()
            first.close()
        await until(lambda: not made["one"].replay._is_under_way)
        assert made["one"].shipped == 0
        assert (await lines(here, "/api/dead-letters"))[0]["total"] == 2


async def test_a_replay_that_ends_early_says_why(tmp_path: Path) -> None:
    async with outputs(tmp_path, one=2) as (here, made):
        made["one"].fault = Unavailable("the agent stops", "again")
        made["one"].go.set()
        told = await lines(here, REPLAY, method="POST")
        assert told[-1] == {"error": "the agent stops", "remedy": "again"}


@pytest.mark.parametrize(
    ("path", "method", "given"),
    [
        ("/api/dead-letters", "GET", {"limit": "-1"}),
        ("/api/dead-letters", "GET", {"output": "../positions"}),
        ("/api/dead-letters", "GET", {"nope": "1"}),
        ("/api/dead-letters", "GET", {"reason": "x" * 5000}),
        (REPLAY, "POST", {"limit": "many"}),
        (REPLAY, "POST", {"output": ".."}),
        (REPLAY, "POST", {"order": "oldest"}),
    ],
)
async def test_an_argument_that_is_wrong_is_told(tmp_path: Path, path: str, method: str, given: dict[str, str]) -> None:
    async with outputs(tmp_path, one=1) as (here, made):
        answer = await here.session.request(method, here.url(path), params=given, headers=here.headers)
        assert answer.status == 400
        assert set(await answer.json()) == {"error", "remedy"}
        assert made["one"].shipped == 0


async def test_a_replay_needs_the_token_a_host_of_ours_and_no_other_site(tmp_path: Path) -> None:
    async with outputs(tmp_path, one=1) as (here, made):
        made["one"].go.set()
        for headers, status in [
            ({}, 401),
            ({**here.headers, "Host": "evil.example"}, 403),
            ({**here.headers, "Origin": "http://evil.example"}, 403),
        ]:
            assert (await here.session.post(here.url(REPLAY), headers=headers)).status == status
        assert (await here.session.get(here.url(REPLAY), headers=here.headers)).status == 405
        assert (await here.session.get(here.url("/api/dead-letters"))).status == 401
        assert made["one"].shipped == 0


async def test_a_client_that_takes_nothing_is_cut_off_and_ends_the_replay(tmp_path: Path) -> None:
    made = Output(tmp_path / "dead_letters", "one", 1)
    patience = Patience(stall_seconds=0.2)
    replay = Talkative("one", made.letters, made._ship, Ledger())
    async with site(tmp_path, replays={"one": replay}, patience=patience) as here:
        reader, writer = await asyncio.open_connection(here.address.host, here.address.port, limit=1)
        token = here.headers["Authorization"]
        writer.write(f"POST {REPLAY} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n\r\n".encode())
        await reader.read(1)
        await until(lambda: not replay._is_under_way)
        writer.close()
        assert made.shipped == 0


class Talkative(Replay):
    """Tells more than a socket holds."""

    def seen(self, progress: Progress) -> Progress:
        progress.waiting = "x" * (16 << 20)
        return progress
