"""The formats by their names."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from collector.formats.format import Format
from collector.text.bounds import shown

_OTHERS = frozenset({"__init__", "format", "known"})
FORMATS = frozenset(path.stem for path in Path(__file__).parent.glob("*.py")) - _OTHERS


def kind_of(name: str) -> type[Format]:
    """The class of a format.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in FORMATS:
        raise ValueError(f"there is no format {shown(name)}; the formats are {', '.join(sorted(FORMATS))}")
    found: type[Format] = import_module(f"collector.formats.{name}").Format
    return found


def make(name: str, options: Mapping[str, str]) -> Format:
    """A format with its options.

    Raises:
        ValueError: there is no such format, or an option is unknown, missing or cannot be used.
    """
    for option in sorted(options):
        if reason := unknown_option(name, option):
            raise ValueError(reason)
    return kind_of(name)(options)


def unknown_option(name: str, option: str) -> str:
    """What is wrong with naming such an option of a format; "" if it has it.

    Raises:
        ValueError: there is no such format.
    """
    known = kind_of(name).OPTIONS
    if option in known:
        return ""
    has = f"its options are {', '.join(known)}" if known else "it has no options"
    return f"the format {name} has no option {shown(option)}; {has}"
