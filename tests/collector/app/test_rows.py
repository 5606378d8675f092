"""`collector.app.rows`: containers and outputs as the agent knows them, and null where nobody does."""

import copy
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct, field

from collector.app.rows import ContainerRows, output_rows
from collector.discovery.registry import Container, Registry
from collector.model import LogStream
from collector.telemetry import usage
from tests.collector.app.test_inputs import Host, log
from tests.collector.telemetry.stats import V2
from tests.collector.waiting import until
from tests.contract.segments import log_stream

WEB = Container(id="a" * 64, name="web-1", state="running", health="unhealthy", failing_streak=3, started=1.5,
                compose_project="eshop", compose_service="web", memory_limit_bytes=1 << 20,
                streams=(log_stream("shop", container_id="web"),))  # fmt: skip
OLD = Container(id="b" * 64, name="old", state="exited", exit_code=137, oom_killed=True, memory_limit_bytes=0)


class Seen(Struct):
    """What a timer saw."""

    usage: dict[str, list[bytes]] = field(default_factory=dict)
    log_bytes: dict[str, int] = field(default_factory=dict)


def stats(cpu_nanoseconds: int, now: float) -> list[bytes]:
    told: dict[str, Any] = copy.deepcopy(V2)
    told["cpu_stats"]["cpu_usage"]["total_usage"] = cpu_nanoseconds
    lines = usage.block(WEB, orjson.dumps(told), now=now)
    assert lines is not None
    return lines


def registry() -> Registry:
    found = Registry()
    listing = found.join("docker")
    for one in (WEB, OLD):
        found.take(one, listing)
    return found


def test_a_row_has_what_is_known_and_null_for_the_rest() -> None:
    seen = Seen(log_bytes={WEB.id: 77})
    old, web = ContainerRows(registry(), [], [seen]).rows(None)
    assert (web.project, web.service, web.target, web.state) == ("eshop", "web", "shop", "running")
    assert (web.health, web.failing_streak, web.exit_code) == ("unhealthy", 3, None)
    assert (web.started_at, web.log_bytes, web.memory_limit_bytes) == ("1970-01-01T00:00:01.500000000Z", 77, 1 << 20)
    assert (web.cpu_percent, web.memory_bytes) == (None, None)
    assert (old.service, old.target, old.health, old.failing_streak) == ("old", None, None, None)
    assert (old.exit_code, old.oom_killed, old.log_bytes, old.memory_limit_bytes) == (137, True, None, None)


def test_cpu_is_the_share_between_two_looks_and_stays_until_the_next() -> None:
    seen = Seen()
    rows = ContainerRows(registry(), [], [seen])

    def percent() -> float | None:
        return rows.rows(None)[1].cpu_percent

    seen.usage = {WEB.id: stats(2_000_000_000, 100.0)}
    assert [percent(), percent()] == [None, None]
    seen.usage = {WEB.id: stats(5_000_000_000, 110.0)}
    assert [percent(), percent()] == [30.0, 30.0]
    seen.usage = {WEB.id: stats(1_000_000_000, 120.0)}  # it was started again
    assert percent() is None
    seen.usage = {WEB.id: stats(1_500_000_000, 130.0)}
    assert percent() == 5.0
    assert rows.rows(None)[1].memory_bytes is not None
    seen.usage = {}
    assert percent() is None


def test_who_may_see_no_stream_of_a_container_sees_no_row_of_it() -> None:
    def sees(stream: LogStream) -> bool:
        return stream.target == "shop"

    rows = ContainerRows(registry(), [], [])
    assert [one.name for one in rows.rows(sees)] == ["web-1"]
    assert rows.rows(lambda _: False) == []


async def test_an_agent_counts_lines_and_says_up_to_when_all_is_delivered(tmp_path: Path) -> None:
    host = Host(tmp_path)
    log(host.tree("tree"), "web", "one", "two", "three")
    async with host.running() as (agent, kept):
        await until(lambda: len(kept.documents) == 3)
        await until(lambda: output_rows(agent.pipelines)[0].acknowledged == 3)
        (row,) = ContainerRows(agent.registry, agent.pipelines, []).rows(None)
        (out,) = output_rows(agent.pipelines)
    assert (row.name, row.lines, row.backlog_bytes) == ("web", 3, 0)
    assert (out.name, out.type, out.state, out.read, out.lost) == ("kept", "keeps", "ok", 3, 0)
    assert out.complete_until is not None
    assert out.lag_seconds == 0
