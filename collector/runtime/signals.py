"""The signals that a process can be sent → a stop with a drain, a reload, or nothing: none ends the agent halfway.

Those that a program sends itself by its own fault (SIGSEGV and its like) keep their meaning, and SIGKILL has its own.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog

from collector.runtime import waiting_signals
from collector.runtime.waiting_signals import OTHERS, STOPS

log = structlog.get_logger(__name__)

_CALM = {signal.SIGHUP, signal.SIGXCPU, signal.SIGPWR}  # also sent beside another: by systemd, shells and the kernel


def handle(
    stop: Callable[[str], None],
    hurry: Callable[[], None] | None,
    stops: Iterable[int] = STOPS,
    *,
    reload: Callable[[], None] | None = None,
) -> None:
    """Call `stop` with the name of the first of `stops` that comes, and `hurry` at a second one; for a running loop.

    With `reload`, SIGHUP calls that and stops nothing, also below nohup. All others change nothing and are told once.
    Without it SIGHUP, of which nohup wants to know nothing, stays ignored if it is. Those that `waiting_signals` held
    come now.
    """
    loop = asyncio.get_running_loop()
    asked: list[int] = []
    told: set[int] = set()

    def on_stop(number: int) -> None:
        is_first, is_again = not asked, number not in _CALM and any(one not in _CALM for one in asked)
        asked.append(number)
        if is_first:
            stop(name(number))
        elif is_again and hurry is not None:
            hurry()

    def on_other(number: int) -> None:
        if number not in told:
            told.add(number)
            log.warning("signal ignored: SIGTERM stops the agent", signal=name(number))

    wanted = set(stops)
    if reload is not None:
        loop.add_signal_handler(signal.SIGHUP, reload)
    for number in {*STOPS, *OTHERS} - ({signal.SIGHUP} if reload is not None else set()):
        is_wanted = number in wanted
        if number in (signal.SIGTERM, signal.SIGINT) or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, on_stop if is_wanted else on_other, number)
    waiting_signals.release()


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await what a process is for, and let signals wait from then on.

    The interpreter gives each its default back when it ends: a second SIGTERM, as a group of processes gets it, would
    end the process with another exit code, and an agent whose worker ends so kills the others.
    """
    try:
        await work
    finally:
        waiting_signals.hold()
        for number in {*STOPS, *OTHERS}:  # other threads are not held; what is ignored has no default to come back
            signal.signal(number, signal.SIG_IGN)


def name(number: int) -> str:
    """As the manual writes it."""
    if signal.SIGRTMIN < number < signal.SIGRTMAX:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
    return signal.Signals(number).name
