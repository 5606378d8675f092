"""What is measured: Pilotfish in its variants and the peers, each a name, a version, and how it is started."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where a run happens: the logs, a folder for state, the endpoint's port and one that is free."""

    tree: Path
    scratch: Path
    port: int
    http_port: int


class Collector(NamedTuple):
    """`words` writes the configuration into the scratch folder and returns the command line."""

    name: str
    version: str
    words: Callable[[Place], list[str]]


def pilotfish(*, compress: bool = True, workers: int = 1, rules: Sequence[Mapping[str, Any]] = ()) -> Collector:
    """As it is run, with its defaults, and with these rules for containers."""
    several = f"{workers} workers, " if workers > 1 else ""

    def words(place: Place) -> list[str]:
        path = configure(place, compress=compress, workers=workers, rules=rules)
        return [sys.executable, "-m", "collector", "run", "-c", str(path)]

    return Collector(f"pilotfish ({several}{'gzip' if compress else 'plain'})", version("pilotfish"), words)


def configure(
    place: Place, *, compress: bool = True, workers: int = 1, rules: Sequence[Mapping[str, Any]] = ()
) -> Path:
    """Write Pilotfish's configuration."""
    output = {"type": "elasticsearch", "hosts": [f"http://127.0.0.1:{place.port}"], "compress": compress}
    found = {
        "state_dir": str(place.scratch / "state"),
        "inputs": {"directory": {"path": str(place.tree)}},
        "outputs": {"bench": output},
        "http": {"listen": f"127.0.0.1:{place.http_port}"},
    }
    path = place.scratch / "pilotfish.yml"
    more = ({"workers": workers} if workers > 1 else {}) | ({"containers": list(rules)} if rules else {})
    path.write_text(json.dumps(found | more))
    return path


def _reference(name: str, *allocator: str) -> Collector:
    def words(place: Place) -> list[str]:
        return ["env", *allocator, sys.executable, "-m", "tests.bench.reference", str(place.tree)]

    return Collector(name, "", words)


# The plain loop, which sends nothing. Half of its time goes to the kernel: with glibc's defaults, each large buffer
# that igzip asks for is mapped anew (1.6 page faults a line). The second one has an allocator that keeps them.
REFERENCES = (
    _reference("reference loop"),
    _reference("reference, malloc tuned", "MALLOC_MMAP_THRESHOLD_=67108864", "MALLOC_TRIM_THRESHOLD_=134217728"),
)
