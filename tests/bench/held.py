"""The real agent on a loop that times each of its steps → the longest ones, as JSON: `held CONFIGURATION RESULT`.

It runs on asyncio's own loop, since uvloop's cannot be looked into: the steps of the agent's tasks are the same. Wall
time counts what the machine gives to others; CPU time of the loop's thread is what the agent itself took.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from contextvars import Context
from pathlib import Path
from typing import Any, TypeVarTuple

from collector.app import agent
from collector.app.plugins import installed_types
from collector.config.loading import load

_TOLD_NS = 1_000_000
_MOST_TOLD = 20
_Ts = TypeVarTuple("_Ts")


class TimedLoop(asyncio.SelectorEventLoop):
    """Notes every callback that held it for longer than a millisecond, and garbage collections likewise."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[dict[str, Any]] = []
        self._collecting = 0, 0
        gc.callbacks.append(self._collected)

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As the loop's own, timed."""
        return super().call_soon(self._timed, callback, *args, context=context)

    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As the loop's own, timed."""
        return super().call_soon_threadsafe(self._timed, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As the loop's own, timed."""
        return super().call_at(when, self._timed, callback, *args, context=context)

    def _add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> asyncio.Handle:
        return super()._add_reader(fd, self._timed, callback, *args)  # type: ignore[misc,no-any-return]

    def _timed(self, callback: Callable[[*_Ts], object], *args: *_Ts) -> None:
        begun, cpu = time.perf_counter_ns(), time.thread_time_ns()
        try:
            callback(*args)
        finally:
            if (passed := time.perf_counter_ns() - begun) > _TOLD_NS:
                self._note(callback, passed, time.thread_time_ns() - cpu)

    def _collected(self, phase: str, about: dict[str, int]) -> None:
        """Part of the step in which it happens, but worth a line of its own."""
        now = time.perf_counter_ns(), time.thread_time_ns()
        if phase == "start":
            self._collecting = now
        elif (passed := now[0] - self._collecting[0]) > _TOLD_NS:
            name = f"garbage collection, generation {about['generation']}"
            self.steps.append({"step": name, "ms": passed / 1e6, "cpu_ms": (now[1] - self._collecting[1]) / 1e6})

    def _note(self, callback: Callable[..., Any], passed: int, cpu: int) -> None:
        task = getattr(callback, "__self__", None)
        name = task.get_name() if isinstance(task, asyncio.Task) else getattr(callback, "__qualname__", str(callback))
        self.steps.append({"step": name, "ms": passed / 1e6, "cpu_ms": cpu / 1e6})


def main() -> None:
    """Run until stopped, then write the longest steps."""
    configuration = load(Path(sys.argv[1]), installed_types(), {})
    loop = TimedLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(agent.run(configuration, lambda: configuration))
    steps = sorted(loop.steps, key=lambda step: -float(step["ms"]))
    Path(sys.argv[2]).write_text(json.dumps(steps[:_MOST_TOLD]))


if __name__ == "__main__":
    main()
