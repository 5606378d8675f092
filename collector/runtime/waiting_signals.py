"""Signals that come before the agent can stop in order → they wait until it can. Light: loaded before all the rest.

By their default they would end a process that is half started, or, where it is the first of a container, be lost:
`docker stop` would then end it the hard way ten seconds later.
"""

import signal

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGXCPU, signal.SIGPWR)
OTHERS = (
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO),
    *range(signal.SIGRTMIN, signal.SIGRTMAX + 1),
)


def hold() -> None:
    """Let all of them wait from now on; to be called before there are threads or other processes."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (*STOPS, *OTHERS))


def release() -> None:
    """Let those come that wait, and all that follow."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*STOPS, *OTHERS))
