"""A test → whether it needs a real server or what the tests install as root: told by what it can reach.

Nobody keeps a list: a test needs an engine if it, a fixture of it, or a function or class of `tests` that one of these
names comes from `tests.engines`.
"""

from collections.abc import Iterator, Mapping
from inspect import isclass, isfunction, unwrap
from types import CodeType, ModuleType
from typing import Any

import pytest

_ENGINES = "tests.engines"
_CHILD = "tests.engines.process"  # starts any command, mostly the agent itself


def needs_engines(item: pytest.Item) -> bool:
    """Whether `item` can pass only where `python -m tests.engines.install` was run."""
    if not isinstance(item, pytest.Function):
        return False
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    todo: list[Any] = [item.function, *(one.func for each in fixtures for one in each)]
    seen: set[int] = set()
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Mapping):
            todo += value.values()
            continue
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
        if module.startswith(_ENGINES) and module != _CHILD:
            return True
        if module.startswith("tests."):
            todo += _named(value)
    return False


def _named(value: Any) -> Iterator[Any]:
    """What a function, or the functions and bases of a class, name among the globals of their module."""
    if isclass(value):
        yield from value.__bases__
        yield from vars(value).values()
    elif isfunction(found := unwrap(getattr(value, "__func__", value))):
        for name in _names(found.__code__):
            if name in found.__globals__:
                yield found.__globals__[name]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
