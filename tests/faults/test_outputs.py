"""Each further output: the agent and what it delivers to are killed in mid-stream. Scenario 41 of the matrix."""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
import pytest

from collector.ports import Promised
from tests.faults.rig import Rig
from tests.faults.verifier import Key
from tests.faults.written import Line, digest_of_log
from tests.receivers.found import WAYS, Way, promise_of
from tests.receivers.receiver import Receiver

_RATE = 1_500
_LOOK_SECONDS = 1.0  # between two readings of all that is stored
_ALL_SECONDS = 120.0
_KILLS = 4
_MOST_COPIES = 1 + _KILLS  # each may have a document sent once more


class Stored:
    """What a receiver has, read at most so often."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._count, self._read_at = 0, 0.0

    def count(self) -> int:
        """How many documents, copies not counted."""
        if time.monotonic() - self._read_at > _LOOK_SECONDS:
            self._count = len(self._receiver.stored())
            self._read_at = time.monotonic()
        return self._count


def judge(written: Mapping[Key, Line], stored: Mapping[str, list[bytes]], *, since: str | None = None) -> Counter[str]:
    """How many lines are `lost`, `doubled`, `wrong`, and how many documents stand for no line.

    `late`: those of the lost that were written since then, a stamp of Docker's. `many`: documents that are there
    more often than they were sent.
    """
    found: Counter[str] = Counter()
    seen: set[Key] = set()
    for copies in stored.values():
        found["doubled"] += len(copies) - 1
        found["many"] += len(copies) > _MOST_COPIES
        document = orjson.loads(copies[0])
        key = document["docker_container"], document["@timestamp"]
        if (line := written.get(key)) is None:
            found["unknown"] += 1
        elif key in seen:
            found["doubled"] += 1
        elif line.digest != digest_of_log(document["log"]):
            found["wrong"] += 1
        seen.add(key)
    lost = written.keys() - seen
    found["lost"] = len(lost)
    found["late"] = sum(since is not None and written[key].time > since for key in lost)
    return +found


EXACT = [
    way
    for way in WAYS
    if way.name in ("clickhouse", "http idempotent", "kafka in transactions", "redis", "redis list", "s3")
]
OTHERS = [way for way in WAYS if way not in EXACT and not way.word]
FURTHER = [way for way in WAYS if way.word and way not in EXACT]


def name_of(way: Way) -> str:
    return way.name.replace(" ", "-")


@pytest.mark.engines
@pytest.mark.scenario(41, "kill -9 of agent and receiver", short=1, seeds=20)
@pytest.mark.parametrize("way", EXACT, ids=name_of)
@pytest.mark.timeout(600)
def test_scenario_41_kills_of_agent_and_receiver_lose_and_double_nothing(rig: Rig, way: Way) -> None:
    assert kill(rig, way) == "exactly_once"


@pytest.mark.engines
@pytest.mark.scenario(41, "kill -9 of agent and receiver", short=1, seeds=2)
@pytest.mark.parametrize("way", OTHERS, ids=name_of)
@pytest.mark.timeout(600)
def test_scenario_41_kills_of_agent_and_receiver_keep_what_the_output_promises(rig: Rig, way: Way) -> None:
    assert kill(rig, way) != "exactly_once"


@pytest.mark.engines
@pytest.mark.scenario(41, "kill -9 of agent and receiver", seeds=2)
@pytest.mark.parametrize("way", FURTHER, ids=name_of)
@pytest.mark.timeout(600)
def test_scenario_41_kills_keep_what_further_options_promise(rig: Rig, way: Way) -> None:
    """A quarter of a minute each: too long for the short set."""
    assert kill(rig, way) != "exactly_once"


def kill(rig: Rig, way: Way) -> Promised:
    """Kill both by turns while lines are written, and hold what is stored against the promise, which is given.

    What is unsafe may lose what is on its way when one is killed, and nothing once both run for good.
    """
    receiver = way.receiver(rig.directory / "receiver")
    rig.defer(receiver.stop)
    receiver.start()
    options = way.options(receiver)
    rig.outcome.what += f": {way.name}"
    rig.generator(3, _RATE)
    batches = {"batch_bytes": 64 << 10, "linger_seconds": 0.2}
    rig.start(outputs={"far": batches | options})
    stored = Stored(receiver)
    for number in range(_KILLS):
        rig.wait(rig.random.uniform(0.3, 1.2))
        if number % 2:
            receiver.kill()
            rig.wait(rig.random.uniform(0.0, 0.8))
            receiver.start()
        else:
            rig.agent.kill()
            rig.restart()
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    rig.wait(1.0)
    rig.settle(expected=stored.count, seconds=_ALL_SECONDS)
    promised = promise_of(options).kind
    lines = {(name, line.time): line for name, each in rig.written.lines.items() for line in each}
    found = judge(lines, receiver.stored(), since=since)
    rig.outcome.written, rig.outcome.lost = len(lines), found["lost"]
    rig.outcome.duplicates = found["doubled"]
    rig.outcome.readable = 0 if promised == "unsafe" else found["lost"]
    rig.outcome.note += f" {promised}"
    allowed = {"exactly_once": set(), "at_least_once": {"doubled"}, "unsafe": {"doubled", "lost"}}[promised]
    assert not found.keys() - allowed, found
    rig.check_bounds()
    rig.outcome.passed = True
    return promised
