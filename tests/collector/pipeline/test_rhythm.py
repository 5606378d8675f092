"""Laws of rounds that several outputs hold: at once where none waits longer for it, and in step then."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from collector.model import Chunk, FileId, Position, StreamKey
from collector.pipeline.rhythm import Rhythm
from collector.sources.rounds import Course, Rounds
from tests.collector.docker_lines import log_stream
from tests.examples import examples

LOGS = tuple("abcdefgh")


class Given:
    """A log that gives so many bytes when it is looked at."""

    def __init__(self, name: str, size: int) -> None:
        self.key = StreamKey(name, "")
        place = Position(FileId(name, name, 0), 0, 0)
        self._chunk = Chunk(stream=log_stream(name), data=b"\n" * size, start=place, end=place)

    def look(self, now: float) -> Chunk | None:
        return self._chunk

    def passed(self, chunk: Chunk, *, is_taken: bool) -> None:
        assert is_taken


class Output:
    """One output's rounds; `turns` are the logs that it looked at, and took, at one go."""

    def __init__(self, logs: Sequence[str], size: int = 20 << 10) -> None:
        self.turns: list[str] = []
        self.rounds = Rounds[Given](linger_seconds=1.0, batch_bytes=1 << 20, take=self._take)
        for name in logs:
            self.rounds.join(Given(name, size), 0)

    def _take(self, found: Sequence[tuple[Given, Chunk]]) -> list[bool]:
        self.turns.append("".join(log.key.container_id for log, _ in found))
        return [True] * len(found)


async def hold(*outputs: Output) -> None:
    course = Course()
    await asyncio.gather(*(output.rounds.hold(course) for output in outputs))


async def test_logs_that_wait_in_another_order_are_looked_at_in_the_turns_of_the_first_output() -> None:
    first, second, third = Output(LOGS), Output(LOGS[::-1]), Output("badcfehg")
    await hold(first, second, third)
    assert first.turns == second.turns == third.turns
    assert 1 < len(first.turns) < len(LOGS)


async def test_an_output_without_some_of_the_logs_has_the_others_in_the_same_turns() -> None:
    first, second = Output("abcdefgh"), Output("hgfecba")
    await hold(first, second)
    assert second.turns == [turn.replace("d", "") for turn in first.turns]


@examples(1)
@given(
    orders=st.lists(st.permutations(LOGS).flatmap(lambda logs: st.integers(0, 8).map(lambda n: logs[:n])), min_size=1),
    sizes=st.lists(st.sampled_from([1, 20 << 10, 80 << 10]), min_size=4, max_size=4),
)
def test_whoever_else_holds_a_round_each_log_that_waits_is_looked_at_once(
    orders: list[list[str]], sizes: list[int]
) -> None:
    outputs = [Output(logs, sizes[number % 4]) for number, logs in enumerate(orders)]
    asyncio.run(hold(*outputs))
    for output, logs in zip(outputs, orders, strict=True):
        assert sorted("".join(output.turns)) == sorted(logs)


async def test_a_round_wakes_those_for_which_half_of_the_time_has_passed_and_they_hold_it_in_step() -> None:
    rhythm, now = Rhythm(), asyncio.get_running_loop().time()
    hour = 3600.0
    late = asyncio.create_task(rhythm.wait(now + hour, hour))
    soon = asyncio.create_task(rhythm.wait(now + hour, 2 * hour))
    await asyncio.sleep(0)
    held, course = await rhythm.wait(now, 1.0)
    assert (await soon)[1] is course
    assert held == now
    assert not late.done()
    _, another = await rhythm.wait(now, 1.0)
    assert another is not course
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert not rhythm._waiting
    assert not rhythm._courses
