"""`auto`: the first lines of a log decide which format all others are read in.

Each of the first lines is read in the first format, of a fixed order, that it fits. Then the format that most of them
fit is the one, if it is nearly all. So the decision is a matter of the log; it is kept with the position.
"""

from collections.abc import Mapping

from collector.formats import format as base
from collector.formats.known import make

LINES = 50  # that decide
_SHARE = 0.8  # of them, that fit the format
CANDIDATES = ("klog", "apache_error", "nginx", "apache2", "syslog", "logfmt", "json")  # the strictest first
NONE = "none"  # of them


class Format(base.Format):
    """Reads lines in the format that they are of."""

    decides = True

    def __init__(self, options: Mapping[str, str]) -> None:
        self._candidates = {name: make(name, {}) for name in CANDIDATES}
        self._fits = dict.fromkeys(CANDIDATES, 0)
        self._lines = 0
        self._decided: base.Format | None = None
        self.decision = ""

    def log(self, text: str) -> str | None:
        """The object of the format that was decided, or that fits a line before that."""
        if self.decision:
            return None if self._decided is None else self._decided.log(text)
        found = None
        for name, one in self._candidates.items():
            if (found := one.log(text)) is not None:
                self._fits[name] += 1
                break
        self._lines += 1
        if self._lines == LINES:
            best = max(CANDIDATES, key=lambda name: self._fits[name])
            self._decide(best if self._fits[best] >= _SHARE * LINES else NONE)
        return found

    @property
    def carried(self) -> str:
        """What was decided, or how many of the lines fit each candidate."""
        return self.decision or ",".join(map(str, self._fits.values())) + f"/{self._lines}"

    def resume(self, carried: str) -> None:
        """Go on where that was carried."""
        fits, slash, lines = carried.partition("/")
        counts = fits.split(",")
        if carried in (*CANDIDATES, NONE):
            self._decide(carried)
        elif slash and len(counts) == len(CANDIDATES) and all(map(str.isdecimal, (*counts, lines))):
            self._fits = dict(zip(CANDIDATES, map(int, counts), strict=True))
            self._lines = int(lines)

    def _decide(self, name: str) -> None:
        self.decision = name
        self._decided = self._candidates.get(name)
