"""What is asked of a daemon, counted: how often, with what answer, and how long it takes."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from collector.docker.refusals import Refusal
from collector.histogram import Histogram


class Calls:
    """What was asked of a daemon: our load on it."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str]] = Counter()  # by operation and status, `error` without an answer
        self.seconds: defaultdict[str, Histogram] = defaultdict(Histogram)  # by operation

    @contextmanager
    def count(self, operation: str) -> Iterator[None]:
        """Count the call in the block by what comes of it."""
        began = time.perf_counter()
        code = "error"
        try:
            yield
            code = "200"
        except Refusal as refusal:
            code = str(refusal.status)
            raise
        finally:
            self.answers[operation, code] += 1
            self.seconds[operation].observe(time.perf_counter() - began)
