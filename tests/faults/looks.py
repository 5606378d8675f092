"""Looks at a running agent twice a second: does the account hold, and what does the process use of its machine."""

import re
import threading
from http.client import HTTPException
from pathlib import Path

from tests.faults.agent import FaultyAgent

_EVERY_SECONDS = 0.5
_SAMPLE = re.compile(r"^(pilotfish_\w+)\{(.*)\} (\S+)$", re.MULTILINE)
_SETTLED = ('result="acknowledged"', 'result="duplicate"', 'result="dead_lettered"', 'result="fallback"')
_COUNTED_OVER_LIVES = (
    "pilotfish_rotation_gaps_total",
    "pilotfish_lost_bytes_total",
    "pilotfish_files_truncated_total",
    "pilotfish_torn_lines_total",
)


class Account:
    """One scrape of `/metrics`: sums over all series of a name, or over those whose labels hold some text."""

    def __init__(self, text: str) -> None:
        self._samples = [(name, labels, float(value)) for name, labels, value in _SAMPLE.findall(text)]

    def sum(self, name: str, label: str = "") -> float:
        """The sum; 0 when there is no such series."""
        return sum(value for each, labels, value in self._samples if each == name and label in labels)

    @property
    def difference(self) -> float:
        """What came in less what is accounted for, over the outputs: 0, always."""
        outputs = {labels for name, labels, _ in self._samples if name == "pilotfish_documents_read_total"}
        return sum(abs(self._difference(output)) for output in outputs)

    def _difference(self, output: str) -> float:
        came = sum(self.sum(f"pilotfish_documents_{what}_total", output) for what in ("read", "recovered", "replayed"))
        settled = sum(self.sum("pilotfish_documents_settled_total", f"{output},{result}") for result in _SETTLED)
        dropped = self.sum("pilotfish_documents_dropped_total", f'{output},reason="spool_corrupt"')
        spooled = self.sum("pilotfish_documents_spooled_total", output)
        filtered = self.sum("pilotfish_documents_filtered_total", output)
        return came - settled - dropped - filtered - spooled - self.sum("pilotfish_documents_in_flight", output)

    @property
    def lag(self) -> float:
        """Bytes and documents that are still on their way."""
        waiting = ("pilotfish_backlog_bytes", "pilotfish_documents_in_flight", "pilotfish_spool_bytes")
        return sum(self.sum(name) for name in waiting)


class Looks:
    """A thread that looks until it is told to end; the peaks and the differences it saw."""

    def __init__(self, agent: FaultyAgent) -> None:
        self.peak_rss_bytes = self.peak_descriptors = self.peak_state_bytes = self.count = 0
        self.differences: list[float] = []
        self.rss: list[int] = []
        self._agent = agent
        self._lives: dict[int, dict[str, float]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._end.set()
        self._thread.join()

    def over_lives(self, name: str) -> float:
        """A counter's last values of all processes, added up."""
        return sum(life.get(name, 0.0) for life in self._lives.values())

    def account(self) -> Account | None:
        """`/metrics` now; None when nobody answers."""
        try:
            return Account(self._agent.get("/metrics").decode())
        except (OSError, HTTPException):
            return None

    def look(self) -> Account | None:
        """Look once, and take down what is seen."""
        pid = self._agent.pid
        found = self.account()
        if pid and found is not None:
            self.count += 1
            if found.difference:
                self.differences.append(found.difference)
            self._lives[pid] = {name: found.sum(name) for name in _COUNTED_OVER_LIVES}
        return found

    def _run(self) -> None:
        while not self._end.wait(_EVERY_SECONDS):
            if pid := self._agent.pid:
                self.look()
                self._measure(pid)

    def _measure(self, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            return
        if found := re.search(r"VmRSS:\s+(\d+)", status):
            self.rss.append(int(found[1]) << 10)
            self.peak_rss_bytes = max(self.peak_rss_bytes, self.rss[-1])
        self.peak_descriptors = max(self.peak_descriptors, descriptors)
        self.peak_state_bytes = max(self.peak_state_bytes, size_below(self._agent.state))


def size_below(directory: Path) -> int:
    """Bytes of all files in it; those that vanish meanwhile do not count."""
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total
