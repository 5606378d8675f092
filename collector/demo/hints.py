"""Where the demo runs → what to type in another terminal: commands that find something in what the containers say."""

import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from collector.state import places

SEARCHES = (
    ("'level:error AND message:timeout'", "the field level of a JSON line, and a word of its message"),
    ("'\"connection refused\" AND stream:stderr'", "a phrase anywhere, also in stack traces"),
    ("'Cost:>=3000' --target usercenter-go-ol", "numbers are compared as numbers"),
)
TAILS = (("'shop-*' -i order", "new lines, by container and text"),)


class Hint(NamedTuple):
    """One command with what it shows."""

    command: str
    about: str


def hints(state_dir: Path, address: places.Address, environ: Mapping[str, str]) -> list[Hint]:
    """Commands that reach this demo from another shell in this directory."""
    program = _program()
    others = (places.state_dir(environ), Path("/var/lib/pilotfish"))
    where = f" --state-dir {shlex.quote(str(state_dir))}" if is_hidden(environ, others) else ""
    found = [Hint(f"{program} search {words}{where}", about) for words, about in SEARCHES]
    found += [Hint(f"{program} tail {words}{where}", about) for words, about in TAILS]
    return [*found, Hint(f"curl -s http://{address.reachable}/metrics | grep pilotfish_", "for Prometheus")]


def _program() -> str:
    """How to start this program again: by its name if the shell finds it."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m {started.parent.name}"
    found = shutil.which(started.name)
    if found is not None and Path(found).resolve() == started.resolve():
        return started.name
    return shlex.quote(str(started))


def is_hidden(environ: Mapping[str, str], others: Iterable[Path]) -> bool:
    """Whether the commands would ask another agent first: one that is configured, or runs with one of these states."""
    if any(environ.get(name) for name in ("PILOTFISH_STATE_DIR", "PILOTFISH_CONFIG")):
        return True
    return any(_exists(path / places.ADDRESS_FILE) for path in others)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # another user's: the commands cannot read it either, and go on
        return False
