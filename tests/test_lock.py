"""The locks hold all that an installation needs, each package in one version with hashes, as `pyproject.toml` asks."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.reference import ROOT

LOCKS = {
    "requirements.lock": "project.dependencies",
    "requirements-build.lock": "build-system.requires",
    "requirements-dev.lock": "project.optional-dependencies.dev",
}
ENTRY = re.compile(r"([A-Za-z0-9._-]+)==(\S+)(?: ; (.+?))? \\")
CLIENTS = sorted((ROOT / "tests" / "engines" / "clients").glob("*.in"))
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


class Pinned(NamedTuple):
    """One package of a lock."""

    version: Version
    marker: Marker | None
    hashes: int

    @property
    def is_for_here(self) -> bool:
        return self.marker is None or self.marker.evaluate()


def read(path: Path) -> dict[str, Pinned]:
    found: dict[str, Pinned] = {}
    name = ""
    for line in path.read_text().splitlines():
        if entry := ENTRY.fullmatch(line):
            name = canonicalize_name(entry[1])
            assert name not in found
            found[name] = Pinned(Version(entry[2]), Marker(entry[3]) if entry[3] else None, 0)
        elif HASH.fullmatch(line):
            found[name] = found[name]._replace(hashes=found[name].hashes + 1)
        else:
            assert re.fullmatch(r"\s*#.*", line), line
    return found


def asked(key: str) -> list[Requirement]:
    table, _, name = key.partition(".")
    listed: Any = tomllib.loads((ROOT / "pyproject.toml").read_text())[table]
    for part in name.split("."):
        listed = listed[part]
    return [one for one in map(Requirement, listed) if one.name != "pilotfish"]  # an extra of its own


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_asked_for_is_pinned_to_a_version_that_fits(lock: str) -> None:
    pinned = read(ROOT / lock)
    wanted = asked(LOCKS[lock])
    assert wanted
    missing = [str(one) for one in wanted if canonicalize_name(one.name) not in pinned]
    assert not missing, "run script/lock"
    wrong = [str(one) for one in wanted if pinned[canonicalize_name(one.name)].version not in one.specifier]
    assert not wrong, "run script/lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_so_that_pip_takes_no_other_file(lock: str) -> None:
    assert [name for name, one in read(ROOT / lock).items() if one.hashes == 0] == []


def test_what_the_packages_need_is_pinned_too() -> None:
    """pip refuses a lock with a gap. Followed through what is installed here, where that is what the lock names."""
    pinned = {name: one for name, one in read(ROOT / "requirements.lock").items() if one.is_for_here}
    alike = [name for name, one in pinned.items() if distribution(name).version == str(one.version)]
    assert alike, "what is installed has nothing to do with the lock: run script/lock --upgrade"
    gaps = {f"{above} needs {name}" for above in alike for name in needs(above) - pinned.keys()}
    assert not gaps, "run script/lock"


def needs(name: str) -> set[str]:
    wanted = [Requirement(line) for line in distribution(name).requires or []]
    return {canonicalize_name(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})}


@pytest.mark.parametrize("path", CLIENTS, ids=lambda path: path.stem)
def test_a_client_of_the_tests_is_locked_as_it_is_asked_for(path: Path) -> None:
    pinned = read(path.with_suffix(".lock"))
    (asked,) = (Requirement(line) for line in path.read_text().splitlines())
    assert asked.specifier.contains(pinned[asked.name].version)
    assert all(one.hashes for one in pinned.values())
