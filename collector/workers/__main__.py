"""`python -m collector.workers` is a worker's process (`child`): told to stop while it loads, it does when it can."""

from collector.runtime import waiting_signals


def main() -> None:
    """Let signals wait, load the rest, work."""
    waiting_signals.hold()
    from collector.workers import child

    child.main()


if __name__ == "__main__":
    main()
