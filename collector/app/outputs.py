"""The files in `shippers/` → the types of output. Nothing else loads one, and each is loaded when it is asked for."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

import shippers
from collector.ports import ShipperSettings


class ShipperTypes(Mapping[str, type[ShipperSettings]]):
    """Each `type` of output and its settings; a shipper is imported when it is asked for."""

    def __getitem__(self, name: str) -> type[ShipperSettings]:
        if name not in iter(self):
            raise KeyError(name)
        settings: type[ShipperSettings] = import_module(f"shippers.{name}").Settings
        return settings

    def __iter__(self) -> Iterator[str]:
        return (module.name for module in iter_modules(shippers.__path__))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def shipper_types() -> Mapping[str, type[ShipperSettings]]:
    """Each `type` of output and its settings."""
    return ShipperTypes()
