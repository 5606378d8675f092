"""One collector on one tree, from its start to the last line → what it cost and what became of the lines."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench import bodies, child, completeness, endpoint, workload
from tests.bench.board import Board, Slot
from tests.bench.child import Child, Cost
from tests.bench.collectors import Collector, Place
from tests.bench.completeness import Verdict
from tests.bench.endpoint import Endpoint
from tests.engines.process import free_ports

QUIET_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LOG_LINES = 3


class Trial(NamedTuple):
    """`wall_seconds` is from the start to the last document; `cost` goes on to the end of the process."""

    name: str
    cost: Cost
    wall_seconds: float
    verdict: Verdict
    last_words: str = ""  # of one that failed

    @property
    def lines_per_cpu_second(self) -> float:
        """Of what arrived."""
        return (self.verdict.lines - self.verdict.lost) / max(self.cost.cpu_seconds, 0.001)


class Running(NamedTuple):
    """A collector that follows a tree, and the endpoint that it sends to."""

    child: Child
    sink: Endpoint
    place: Place
    begun: float

    @property
    def board(self) -> Board:
        """What the endpoint counts."""
        return self.sink.board

    def wait_for(self, documents: int, quiet_seconds: float = QUIET_SECONDS) -> bool:
        """Wait for so many in all; False if nothing moved for long, or the collector ended."""
        count, since = -1, time.monotonic()
        while (now := self.board[Slot.DOCUMENTS]) < documents:
            if now != count:
                count, since = now, time.monotonic()
            if time.monotonic() - since > quiet_seconds or not self.child.running:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def last_words(self) -> str:
        """The end of what it said."""
        lines = (self.place.scratch / "log").read_text(errors="replace").splitlines()
        return " | ".join(line[:200] for line in lines[-_LOG_LINES:])


@contextmanager
def running(collector: Collector, tree: Path, *, cores: tuple[int, ...] = ()) -> Iterator[Running]:
    """A collector with an empty state and an endpoint of its own; both end with the block."""
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as scratch, endpoint.started() as sink:
        place = Place(tree, Path(scratch), sink.port, free_ports(1)[0])
        with again(collector, place, sink, cores=cores) as found:
            yield found


@contextmanager
def again(collector: Collector, place: Place, sink: Endpoint, *, cores: tuple[int, ...] = ()) -> Iterator[Running]:
    """A collector on a state that may be there already."""
    words = collector.words(place)
    begun = time.monotonic()
    with child.started(words, place.scratch / "log", cores) as process:
        yield Running(process, sink, place, begun)


def trial(collector: Collector, tree: Path, expected: set[bytes]) -> Trial:
    """Run until all is there or nothing moves any more, stop it, and only then look at what came."""
    with running(collector, tree) as run:
        run.wait_for(len(expected))
        cost = run.child.stop()
        wall = max(run.board[Slot.LAST_NS] / 1e9 - run.begun, 0.001)  # nothing may have come at all
        verdict = completeness.verify(expected, bodies.read(run.sink.kept))
        return Trial(collector.name, cost, wall, verdict, "" if verdict.complete else run.last_words())


def loop_trial(reference: Collector, tree: Path, lines: int) -> Trial:
    """The reference loop, which sends nothing, joins no pieces, and ends by itself."""
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as scratch:
        begun = time.monotonic()
        with child.started(reference.words(Place(tree, Path(scratch), 0, 0)), Path(scratch, "log")) as process:
            cost = process.wait(within_seconds=3600)
        wall = time.monotonic() - begun
        missing = workload.raw_lines(tree) - int(Path(scratch, "log").read_text() or 0)
        return Trial(reference.name, cost, wall, Verdict(lines, lost=missing, doubled=0, broken=0))
