"""How reloads of the configuration went → their families."""

import time
from collections import Counter
from collections.abc import Iterator

from collector.telemetry import catalogue
from collector.telemetry.exposition import Family, family


class Reloads:
    """What became of them, in the process that reads the configuration; at its start it has read a good one."""

    def __init__(self) -> None:
        self.is_good = True  # the last one
        self._results = Counter(ok=0, failed=0)
        self._loaded = time.time()

    @property
    def count(self) -> int:
        """How many have ended."""
        return self._results.total()

    def ended(self, *, is_good: bool) -> None:
        """One has ended."""
        self._results["ok" if is_good else "failed"] += 1
        self.is_good = is_good
        if is_good:
            self._loaded = time.time()

    def families(self) -> Iterator[Family]:
        """How often, how the last one ended, and when one went well."""
        yield family(catalogue.CONFIG_RELOADS, [((result,), count) for result, count in self._results.items()])
        yield family(catalogue.CONFIG_SUCCESSFUL, [((), self.is_good)])
        yield family(catalogue.CONFIG_LOADED, [((), self._loaded)])
