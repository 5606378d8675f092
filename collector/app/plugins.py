"""The modules of `collector/inputs/` and `shippers/`, and what other packages bring → the types of input and output.

Another package names its types in the groups `pilotfish.inputs` and `pilotfish.outputs` of its entry points, each with
its `Settings`: `loki = "pilotfish_loki:Settings"`. A type is loaded when it is asked for: one that cannot be used harms
no other. Nothing else loads one.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import Generic, TypeVar, get_args

from pydantic import BaseModel

import shippers
from collector import inputs
from collector.config.environment import Types
from collector.errors import ConfigurationError
from collector.intake.input import InputSettings
from collector.ports import ShipperSettings

_WORDS = 300  # characters of an error of another package that ours repeats
Settings = TypeVar("Settings", bound=BaseModel)


class InstalledTypes(Mapping[str, type[Settings]], Generic[Settings]):
    """Each `type` of input, or of output, and its settings; it is imported when it is asked for.

    Asking for the type of a package that cannot be used raises ConfigurationError.
    """

    def __init__(self, what: str, own: ModuleType, base: type[Settings]) -> None:
        """`what` they are, in a word; our own are the modules of the package `own`."""
        self._what = what
        self._package = own
        self._base = base

    def __getitem__(self, name: str) -> type[Settings]:
        brought = self._brought.get(name, [])
        if name in self._own:
            if brought:
                raise ConfigurationError(
                    f"the {self._what} type {name} is Pilotfish's own, and {_package(brought[0])} brings one of that "
                    "name",
                    "remove that package",
                )
            settings: type[Settings] = import_module(f"{self._package.__name__}.{name}").Settings
            return settings
        if not brought:
            raise KeyError(name)
        if len(brought) > 1:
            packages = " and ".join(sorted(_package(each) for each in brought))
            raise ConfigurationError(f"{packages} each bring an {self._what} type {name}", "remove all but one of them")
        return self._loaded(brought[0])

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._brought

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from sorted(self._brought.keys() - {*self._own})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @cached_property
    def _own(self) -> list[str]:
        return [module.name for module in iter_modules(self._package.__path__)]

    @cached_property
    def _brought(self) -> Mapping[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = defaultdict(list)
        for each in entry_points(group=f"pilotfish.{self._what}s"):
            found[each.name].append(each)
        return dict(found)

    def _loaded(self, found: EntryPoint) -> type[Settings]:
        """The settings of another package's type.

        Raises:
            ConfigurationError: the package cannot be loaded, or has no such type.
        """
        subject = f"the {self._what} type {found.name} of {_package(found)}"
        try:
            settings = found.load()
        except Exception as error:  # noqa: BLE001 - whatever the code of others raises
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:_WORDS].rstrip(": ")
            remedy = "install its dependencies, or a release of it for this version of Pilotfish"
            raise ConfigurationError(f"{subject} cannot be loaded ({reason})", remedy) from None
        if not (isinstance(settings, type) and issubclass(settings, self._base)):
            base = f"{self._base.__module__}.{self._base.__name__}"
            raise ConfigurationError(
                f"{subject} cannot be used: {found.value} is not a subclass of {base}", "install another release of it"
            )
        names = get_args(settings.model_fields["type"].annotation)
        if names and found.name not in names:
            raise ConfigurationError(
                f"{subject} cannot be used: its settings take {names[0]!r} for a type", "install another release of it"
            )
        return settings


def installed_types() -> Types:
    """The types of input and of output that there are."""
    return Types(
        inputs=InstalledTypes("input", inputs, InputSettings),
        outputs=InstalledTypes("output", shippers, ShipperSettings),
        defaults={"inputs": inputs.DEFAULT, "outputs": shippers.DEFAULT},
    )


def _package(found: EntryPoint) -> str:
    """The package that brings it, by name and version."""
    try:
        if found.dist and {"Name", "Version"} <= {*found.dist.metadata}:
            return f"the package {found.dist.name} {found.dist.version}"
    except (TypeError, OSError):  # by the release of Python, of metadata that is not there
        pass
    return f"the package of {found.value}"
