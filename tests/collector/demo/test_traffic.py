"""The demo's containers: repeatable, with something to find, and counted as they are written."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson
import pytest

from collector.demo.books import log_member
from collector.demo.containers import CONTAINERS, DemoContainer
from collector.demo.json_file import PIECE_BYTES
from collector.demo.traffic import HISTORY_SECONDS, Traffic
from tests.collector.waiting import until

START = 1_511_748_780 * 10**9


def _written(tree: Path, seed: int) -> dict[str, bytes]:
    with closing(Traffic(tree, seed=seed, started=START)) as traffic:
        traffic.history(3000)
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.glob("*/*.log*")}


def test_the_same_seed_and_start_write_the_same_files(tmp_path: Path) -> None:
    trees = [tmp_path / name for name in ("first", "again", "other")]
    for tree in trees:
        tree.mkdir()
    first, again, other = (_written(tree, seed) for tree, seed in zip(trees, (1, 1, 2), strict=True))
    assert first == again
    assert first != other


@pytest.fixture
def traffic(tmp_path: Path) -> Iterator[Traffic]:
    with closing(Traffic(tmp_path, seed=4711, started=START)) as traffic:
        yield traffic


def test_history_is_of_the_last_hour_in_order_and_nothing_of_it_is_rotated_away(
    traffic: Traffic, tmp_path: Path
) -> None:
    traffic.history(30_000)
    assert 30_000 <= traffic.lines < 30_020
    written = 0
    for log in tmp_path.glob("*/*-json.log"):
        rotated = sorted(log.parent.glob(f"{log.name}.*"), key=lambda path: -int(path.suffix[1:]))
        files = [*rotated, log]
        entries = [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]
        times = [datetime.fromisoformat(entry["time"]).timestamp() for entry in entries]
        assert times == sorted(times)
        assert START / 1e9 - HISTORY_SECONDS <= times[0] <= times[-1] <= START / 1e9
        written += sum(entry["log"].endswith("\n") for entry in entries)
    assert written == traffic.lines == sum(log.tally.count for log in traffic.logs)
    assert sum(log.rotated for log in traffic.logs) > 3


async def test_lines_do_not_come_faster_than_the_rate(traffic: Traffic) -> None:
    started = time.monotonic()
    flow = asyncio.create_task(traffic.flow(500, room=lambda: 10_000))
    await until(lambda: traffic.lines >= 250)
    flow.cancel()
    assert time.monotonic() - started > 0.4


async def test_no_line_comes_while_there_is_no_room(traffic: Traffic) -> None:
    asked = []

    def room() -> int:
        asked.append(70 - traffic.lines)
        return asked[-1]

    flow = asyncio.create_task(traffic.flow(1e9, room=room))
    await until(lambda: traffic.lines >= 70)
    await until(lambda: len([one for one in asked if one <= 0]) > 3)
    flow.cancel()
    assert 70 <= traffic.lines < 90  # what was begun is said to its end


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.name)
def test_what_a_container_says_is_text_of_single_lines(container: DemoContainer) -> None:
    random = Random(7)
    for number in range(3000):
        for line in container.voice(random, datetime(2017, 11, 27, tzinfo=UTC), number % 2 == 0):
            assert "\n" not in line.text
            assert not line.text.endswith("\r")
            assert isinstance(orjson.loads(log_member(line.text)), dict)
            said = line.text.encode()
            for start in range(0, len(said), PIECE_BYTES):
                said[start : start + PIECE_BYTES].decode()  # no character is cut in two


def test_the_original_service_keeps_its_names(traffic: Traffic) -> None:
    service = CONTAINERS[1]
    assert service.name == "r-baseService-usercenter-go-3-95f1c1f8"
    assert service.labels["aliyun.logs.usercenter-go"] == "stdout"
    assert service.labels["aliyun.logs.usercenter-go.target"] == "usercenter-go-ol"
    (line,) = service.voice(Random(1), datetime(2017, 11, 27, tzinfo=UTC), False)
    fields = orjson.loads(line.text)
    assert fields.keys() == {"Date", "IP", "Cost", "Params", "Resp", "level", "message", "logger"}
    assert fields["logger"] == "log_output"
