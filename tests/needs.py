"""A test → its marks, given by the fixtures that it uses; and a guard: without them it starts no server.

A fixture says what it needs, below `@pytest.fixture`: `@marks("engines")`. A test that starts a server by other means
carries the mark itself. Nobody can forget it: a test without it fails as soon as it starts a program that is not on
every machine, or gives a file to another user.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

MARKS = {
    "engines": "needs a real server, or a program that python -m tests.engines.install installs",
    "root": "can pass only as root",
    "slow": "takes so long that script/test --unit leaves it out",
}
_OPENING = ("engines", "root")
# What any test may start: this Python and what is installed beside it, the project's scripts, the system's least, and
# what `ctypes.util.find_library` asks where a library is.
_EVERYWHERE = frozenset({"sh", "bash", "env", "git", "sleep", "true", "stty", "ldconfig", "gcc", "cc", "ld", "objdump"})
_ROOTS = (Path(sys.prefix), Path(__file__).parents[1] / "script")

F = TypeVar("F", bound=Callable[..., Any])


def marks(*names: str) -> Callable[[F], F]:
    """Make a fixture mark each test that uses it; pytest itself takes no mark at a fixture."""

    def decorate(function: F) -> F:
        function.__dict__["marks"] = names
        return function

    return decorate


def marks_of(item: pytest.Item) -> set[str]:
    """The marks that the fixtures of a test give it: those it names, theirs, and those it asks for by a parameter."""
    if not isinstance(item, pytest.Function):
        return set()
    info = item._fixtureinfo
    found = list(info.name2fixturedefs.values())
    if "request" in info.names_closure and hasattr(item, "callspec"):
        names = [one for one in item.callspec.params.values() if isinstance(one, str)]
        found += [item.session._fixturemanager.getfixturedefs(one, item) or () for one in names]
    return {name for definitions in found for one in definitions for name in getattr(one.func, "marks", ())}


class Guard:
    """Refuses, while a test without the mark runs, what only a test with it may do."""

    def __init__(self) -> None:
        self._is_open = True
        sys.addaudithook(self._look)  # sees every program that this process starts, by whatever call

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Close the door for a test that carries none of the marks."""
        self._is_open = any(item.get_closest_marker(name) for name in _OPENING)
        try:
            return (yield)
        finally:
            self._is_open = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Behind the last test, whichever it is, a fixture of the session ends what it has started for others."""
        self._is_open = True

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_open:
            return
        if event in ("subprocess.Popen", "os.posix_spawn"):
            program, words = str(arguments[0] or ""), [*map(os.fsdecode, arguments[1])]
            started = program_of(words) if not program or program.endswith(words[0]) else program
            if not _is_everywhere(started):
                self._refuse("root" if started == "setpriv" else "engines", f"starts {started}")
        elif event == "os.chown" and arguments[1] not in (-1, os.geteuid()):
            self._refuse("root", f"gives a file to user {arguments[1]}")

    def _refuse(self, mark: str, what: str) -> None:
        raise pytest.fail.Exception(f"the test {what} and carries no mark: pytest.mark.{mark}, see tests/needs.py")


def program_of(words: Sequence[str]) -> str:
    """The program that a command starts; `setpriv` stands for who becomes another, and not for who wants to end."""
    return words[3] if words[:2] == ["setpriv", "--pdeathsig"] else words[0]


def _is_everywhere(program: str) -> bool:
    path = Path(program)
    if path.name in _EVERYWHERE or path.name.startswith("python"):
        return True
    return any(path.is_relative_to(root) for root in _ROOTS) or program.startswith("script/")
