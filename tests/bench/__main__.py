"""`script/bench`: how many lines a second of CPU carries, how soon they arrive, and what quiet costs, beside others.

Without a scenario it is `catch-up`. A run that loses or doubles a line is shown as FAILED, and the exit status is 1.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import page, peers, scenarios
from tests.bench.asked import Asked, Outcome, say
from tests.bench.collectors import pilotfish
from tests.engines.process import EngineError


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, and write where that is asked for."""
    parser = _parser()
    options = parser.parse_args(words)
    names = list(scenarios.ALL) if "all" in options.scenario else options.scenario or ["catch-up"]
    try:
        asked = _asked(options)
    except EngineError as error:
        parser.exit(1, f"bench: {error}\n")
    outcomes = {}
    for name in names:
        say(f"{name}:")
        outcomes[name] = scenarios.ALL[name](asked)
        _show(name, outcomes[name])
    measured = page.as_json(outcomes, asked)
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n")
    if options.write:
        page.write(measured)
    sys.exit(0 if all(outcome.complete for outcome in outcomes.values()) else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    choices = [*scenarios.ALL, "all"]
    parser.add_argument("scenario", nargs="*", choices=[*choices, []], metavar="SCENARIO", help=", ".join(choices))
    parser.add_argument("--runs", type=int, default=3, help="of each collector, in turns (default: 3)")
    parser.add_argument("--lines", type=int, help="lines, or lines a second where it is about time")
    parser.add_argument("--containers", type=int, default=8)
    parser.add_argument("--seconds", type=float, help="of each run, or of each step, where it is about time")
    parser.add_argument("--many", type=int, default=10_000, help="containers of `idle` (default: 10000, and a tenth)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1], metavar="N", help="Pilotfish's `workers`, each")
    parser.add_argument("--peer", action="append", default=[], type=_peer, metavar="NAME=PATH",
                        help=f"where a peer is that is not on the path: {', '.join(peers.NAMES)}")  # fmt: skip
    parser.add_argument("--without-peers", action="store_true", help="Pilotfish and the reference loop only")
    parser.add_argument("--directory", type=Path, help="where workloads are kept (default: the temporary directory)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of each run")
    parser.add_argument("--write", action="store_true", help="write the tables in docs/ again")
    return parser


def _peer(word: str) -> tuple[str, Path]:
    name, _, path = word.partition("=")
    if name not in peers.NAMES or not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{word}: NAME is one of {', '.join(peers.NAMES)}, PATH a program")
    return name, Path(path)


def _asked(options: argparse.Namespace) -> Asked:
    """Raises EngineError: a peer that is always measured cannot be installed."""
    ours = [pilotfish(compress=compress, workers=workers) for workers in options.workers for compress in (True, False)]
    return Asked(
        directory=options.directory or Path(tempfile.gettempdir()) / "pilotfish-bench",
        ours=ours,
        peers=[] if options.without_peers else peers.found(dict(options.peer)),
        runs=options.runs,
        lines=options.lines,
        containers=options.containers,
        seconds=options.seconds,
        many=options.many,
    )


def _show(name: str, outcome: Outcome) -> None:
    say(f"\n{name}\n{page.text(outcome.head, outcome.rows)}")
    for remark in outcome.remarks:
        say(remark)
    say("")


if __name__ == "__main__":
    main()
