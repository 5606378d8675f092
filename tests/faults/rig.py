"""One scenario's machinery: a log tree, writers, a faulty endpoint, the agent, looks at it, and a verdict."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import orjson

from tests.faults.agent import FaultyAgent
from tests.faults.container_log import ContainerLog
from tests.faults.endpoint import FaultyEndpoint
from tests.faults.generator import Generator, Plan
from tests.faults.looks import Looks
from tests.faults.outcome import Outcome
from tests.faults.verifier import HOST, Arrived, Key, Verdict, accepted_in, dead_letters_in, keys_in, verify
from tests.faults.written import Written
from tests.integration.agent import wait_until

_LAG_SECONDS = 60.0
_STILL_SECONDS = 4.0  # longer than the two seconds between looks at the log tree
_RSS_BYTES = 160 << 20
_STATE_BYTES = 64 << 20


class Rig:
    """Used as a context. `full` asks for outages at their full length."""

    def __init__(self, directory: Path, outcome: Outcome, *, seed: int, full: bool = False, nodes: int = 1) -> None:
        self.directory = directory
        self.outcome = outcome
        self.seed = seed
        self.full = full
        self.random = Random(seed)
        self.written = Written()
        self.root = directory / "tree"
        self.root.mkdir()
        self.rss_bytes = _RSS_BYTES
        self.state_bytes = _STATE_BYTES
        self._stack = ExitStack()
        self.endpoint = FaultyEndpoint(directory / "endpoint", seed, nodes)
        self._stack.callback(self.endpoint.close)
        self._logs: list[ContainerLog] = []
        self._generators: list[Generator] = []
        self._agent: FaultyAgent | None = None
        self._looks: Looks | None = None

    def __enter__(self) -> "Rig":
        return self

    def __exit__(self, *_: object) -> None:
        if self._looks is not None:
            self._looks.close()
            self.outcome.peak_rss_bytes = self._looks.peak_rss_bytes
        if self._agent is not None:
            self._agent.kill()
        for generator in self._generators:
            generator.close()
        self._stack.close()

    # ------------------------------------------------------------------ parts

    @property
    def agent(self) -> FaultyAgent:
        """The one that `start` or `prepare` made."""
        assert self._agent is not None
        return self._agent

    @property
    def looks(self) -> Looks:
        """At this agent."""
        assert self._looks is not None
        return self._looks

    def log(self, name: str, **options: Any) -> ContainerLog:
        """A container whose lines the test writes itself."""
        log = ContainerLog(self.root, name, self.written, agent_pid=self.agent_pid, **options)
        self._logs.append(log)
        return log

    def generator(self, containers: int, lines_per_second: float, **options: Any) -> Generator:
        """Containers that log by themselves; they are there when this returns."""
        number = len(self._generators)
        plan = Plan(
            root=str(self.root),
            saved=str(self.directory / f"written-{number}"),
            pid_file=str(self._pid_file),
            seed=self.seed * 100 + number,
            containers=[f"app-{number}-{each}" for each in range(containers)],
            lines_per_second=lines_per_second,
            **options,
        )
        generator = Generator(plan)
        self._generators.append(generator)
        generator.wait_until_ready()
        return generator

    def prepare(
        self,
        *,
        words: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        output: Mapping[str, Any] | None = None,
        others: Mapping[str, Any] | None = None,
        **configuration: Any,
    ) -> FaultyAgent:
        """Make the agent without starting it; `output` are settings of its output, `others` more outputs."""
        settings = {"batch_bytes": 256 << 10, "linger_seconds": 0.2, "request_timeout_seconds": 2} | dict(output or {})
        elastic = {"type": "elasticsearch", "hosts": self.endpoint.urls} | settings
        outputs = {"elastic": elastic} | dict(others or {})
        base = {"inputs": {"directory": {"path": str(self.root)}}, "outputs": outputs, "host": HOST}
        self._agent = FaultyAgent(self.directory, base | configuration, words=words, environment=environment)
        self._looks = Looks(self._agent)
        return self._agent

    def start(self, **options: Any) -> FaultyAgent:
        """Make the agent and start it."""
        self.prepare(**options)
        return self.restart()

    def restart(self) -> FaultyAgent:
        """Start the agent, after its end too."""
        self.agent.launch()
        self._pid_file.write_text(str(self.agent.pid))
        return self.agent.answering()

    def agent_pid(self) -> int:
        """0 when none runs."""
        return self._agent.pid if self._agent is not None else 0

    @property
    def positions(self) -> Path:
        """The agent's, of the newer generation."""
        return self.agent.state / "positions/elastic.positions"

    @property
    def _pid_file(self) -> Path:
        return self.directory / "agent.pid"

    def defer(self, undo: Callable[[], object]) -> None:
        """Have something undone at the end, whatever happens, once the agent is gone."""
        self._stack.callback(undo)

    # ------------------------------------------------------------------ waiting

    def documents(self) -> int:
        """That the endpoint has."""
        return self.endpoint.told().documents

    def wait_for_documents(self, count: int, *, seconds: float = 30) -> None:
        """Until the endpoint has so many more."""
        goal = self.documents() + count
        wait_until(lambda: self.documents() >= goal, f"{count} more documents are there", seconds=seconds)

    def wait(self, seconds: float) -> None:
        """Let a fault last so long."""
        until = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > until, "the time is over", seconds=seconds + 10)

    def wait_for_level(self, *, seconds: float = 20) -> None:
        """Until nothing that was written is on its way."""

        def is_level() -> bool:
            found = self.looks.look()
            return found is not None and found.lag == 0

        wait_until(is_level, "nothing is on its way", seconds=seconds)

    def wait_for_positions(self) -> None:
        """Until the agent has saved its positions twice from now on, so that there are two generations of its own."""
        before = self._saved_at()
        wait_until(lambda: self._saved_at() > before, "positions were saved", seconds=20)
        before = self._saved_at()
        wait_until(lambda: self._saved_at() > before, "positions were saved again", seconds=20)

    def _saved_at(self) -> int:
        try:
            return self.positions.stat().st_mtime_ns
        except FileNotFoundError:  # not there yet, or between two generations
            return 0

    def finish(self) -> None:
        """Have the writers end and take over what they wrote."""
        for generator in self._generators:
            self.written.merge(generator.stop())
        self._generators.clear()

    def settle(
        self, *, expected: Callable[[], int] | None = None, patiently: bool = False, seconds: float = _LAG_SECONDS
    ) -> float:
        """Wait until nothing is on its way any more; the seconds it took, which the table shows.

        `patiently`: nothing comes for a while, however many there are: what was no line may arrive too.
        """
        self.finish()
        arrived = expected or self.documents
        started = changed = time.monotonic()
        count = -1
        while True:
            found = self.looks.look()
            is_level = found is not None and found.lag == 0
            if (now := arrived()) != count:
                count, changed = now, time.monotonic()
            if is_level and (
                (count >= self.written.count and not patiently) or time.monotonic() - changed > _STILL_SECONDS
            ):
                break
            lag = None if found is None else found.lag
            assert time.monotonic() - started < seconds, (
                f"after {seconds:.0f} s the lag is {lag}, {count} of {self.written.count} lines are there:"
                f" {self.agent.get('/readyz').decode()} {self.agent.log.read_text()[-1500:]}"
            )
            time.sleep(0.05)
        self.outcome.catch_up_seconds = max(self.outcome.catch_up_seconds, changed - started)
        return changed - started

    # ------------------------------------------------------------------ the verdict

    def verdict(
        self, *, complete: bool = True, arrived: Iterable[Arrived] | None = None, cut_bytes: int = 0
    ) -> Verdict:
        """Hold what was written against what is there; `complete` allows no loss at all, else a counted one.

        `cut_bytes` may be counted as lost besides: of what was no line.
        """
        told = self.endpoint.told()
        documents = accepted_in(self.endpoint.accepted) if arrived is None else arrived
        verdict = verify(
            self.written,
            documents,
            dead_letters_in(self.agent.state / "dead_letters"),
            self._refused(),
            ended=self.agent.ended,
        )
        self._record(verdict)
        assert not verdict.faults, f"{verdict.faults}: {verdict.examples}"
        assert not told.conflicting, "two lines have one id"
        if complete:
            assert not verdict.lost, verdict.examples
        self._check_counted(verdict, cut_bytes)
        self.check_bounds()
        self.outcome.passed = True
        return verdict

    def check_bounds(self) -> None:
        """The account was exact at each look, and the machine was used with measure."""
        looks = self.looks
        assert not looks.differences, f"the account differs by {looks.differences[:10]} at some of {looks.count} looks"
        assert looks.peak_rss_bytes < self.rss_bytes
        assert looks.peak_state_bytes < self.state_bytes
        files = sum(len(container.files) for container in self.written.containers)
        assert looks.peak_descriptors < 64 + 3 * files

    def _check_counted(self, verdict: Verdict, cut_bytes: int) -> None:
        counted = self.looks.over_lives("pilotfish_lost_bytes_total")
        gaps = self.looks.over_lives("pilotfish_rotation_gaps_total")
        cut = self.looks.over_lives("pilotfish_files_truncated_total")
        self.outcome.note += f" gaps {gaps:.0f}, lost_bytes {counted:.0f}" if gaps or counted else ""
        silent = verdict.lost_in - self._told_of_gaps()
        assert not silent or counted or cut, f"lines of {silent} were lost in silence"
        lost = verdict.lost_bytes + cut_bytes
        assert counted <= lost, f"{counted} bytes are counted as lost, {lost} are"

    def _told_of_gaps(self) -> set[str]:
        """Containers that the agent's log names: a counter may die with its process before anybody looks at it."""
        lines = [orjson.loads(line) for line in self.agent.log.read_bytes().splitlines() if line.startswith(b"{")]
        return {line["container"] for line in lines if "before it was read" in line["event"]}

    def _refused(self) -> set[Key]:
        return set(keys_in(self.endpoint.refused))

    def _record(self, verdict: Verdict) -> None:
        outcome = self.outcome
        outcome.written, outcome.lost = verdict.written, verdict.lost
        outcome.duplicates, outcome.readable = verdict.duplicates, verdict.readable
        outcome.note += "".join(f" {kind} {count}" for kind, count in verdict.faults.items())


def mean(values: Sequence[float]) -> float:
    """0 for none."""
    return sum(values) / len(values) if values else 0.0
