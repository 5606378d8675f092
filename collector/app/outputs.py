"""The files in `shippers/`, and what other packages bring → the types of output. Nothing else loads one.

Another package names its types in the group `pilotfish.outputs` of its entry points, each with its `Settings`:
`loki = "pilotfish_loki:Settings"`. A type is loaded when it is asked for: one that cannot be used harms no other.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import get_args

import shippers
from collector.errors import ConfigurationError
from collector.ports import ShipperSettings

GROUP = "pilotfish.outputs"
_WORDS = 300  # characters of an error of another package that ours repeats


class ShipperTypes(Mapping[str, type[ShipperSettings]]):
    """Each `type` of output and its settings; a shipper is imported when it is asked for.

    Asking for the type of a package that cannot be used raises ConfigurationError.
    """

    def __getitem__(self, name: str) -> type[ShipperSettings]:
        brought = self._brought.get(name, [])
        if name in self._own:
            if brought:
                raise ConfigurationError(
                    f"the output type {name} is Pilotfish's own, and {_package(brought[0])} brings one of that name",
                    "remove that package",
                )
            settings: type[ShipperSettings] = import_module(f"shippers.{name}").Settings
            return settings
        if not brought:
            raise KeyError(name)
        if len(brought) > 1:
            packages = " and ".join(sorted(_package(each) for each in brought))
            raise ConfigurationError(f"{packages} each bring an output type {name}", "remove all but one of them")
        return _loaded(brought[0])

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._brought

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from sorted(self._brought.keys() - {*self._own})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @cached_property
    def _own(self) -> list[str]:
        return [module.name for module in iter_modules(shippers.__path__)]

    @cached_property
    def _brought(self) -> Mapping[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = defaultdict(list)
        for each in entry_points(group=GROUP):
            found[each.name].append(each)
        return dict(found)


def shipper_types() -> Mapping[str, type[ShipperSettings]]:
    """Each `type` of output and its settings."""
    return ShipperTypes()


def _loaded(found: EntryPoint) -> type[ShipperSettings]:
    """The settings of another package's output.

    Raises:
        ConfigurationError: the package cannot be loaded, or is no output of this name.
    """
    subject = f"the output type {found.name} of {_package(found)}"
    try:
        settings = found.load()
    except Exception as error:  # noqa: BLE001 - whatever the code of others raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:_WORDS].rstrip(": ")
        remedy = "install its dependencies, or a release of it for this version of Pilotfish"
        raise ConfigurationError(f"{subject} cannot be loaded ({reason})", remedy) from None
    if not (isinstance(settings, type) and issubclass(settings, ShipperSettings)):
        raise ConfigurationError(
            f"{subject} cannot be used: {found.value} is not a subclass of collector.ports.ShipperSettings",
            "install another release of it",
        )
    names = get_args(settings.model_fields["type"].annotation)
    if names and found.name not in names:
        raise ConfigurationError(
            f"{subject} cannot be used: its settings take {names[0]!r} for a type", "install another release of it"
        )
    return settings


def _package(found: EntryPoint) -> str:
    """The package that brings it, by name and version."""
    try:
        if found.dist and {"Name", "Version"} <= {*found.dist.metadata}:
            return f"the package {found.dist.name} {found.dist.version}"
    except (TypeError, OSError):  # by the release of Python, of metadata that is not there
        pass
    return f"the package of {found.value}"
