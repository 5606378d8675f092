"""The values that flow: statements with their origins, the settings that they become, and what is wrong with one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct, structs

from collector.reading import AS_WRITTEN, Reading
from collector.text.bounds import shown

Kind = Literal["environment", "label", "rule", "default"]
SOURCE = "source"  # the key that names a stream
STDOUT = "stdout"  # the place of lines that are in the container's log
_MOST_FAULTS = 16
PRECEDENCE: tuple[Kind, ...] = ("environment", "label", "rule", "default")  # the first wins


class Origin(NamedTuple):
    """Who says something: `name` is the variable, the label, or the number of the rule."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        word = {"environment": "environment variable ", "label": "label ", "rule": "rule ", "default": "default"}
        return f"{word[self.kind]}{shown(self.name)}"


DEFAULT = Origin("default")


class Statement(NamedTuple):
    """One thing that is asked for: `key` is one of `keys.KEYS`, `entry` the name of a stream; "" is for all of them."""

    entry: str
    key: str
    value: object
    origin: Origin


class Asking(NamedTuple):
    """A container and all that may ask for something; `default` is its target if nothing names one."""

    id: str
    name: str
    image: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    default: str


class Fault(NamedTuple):
    """A statement that has no effect, and why; `key` is what it is about, `source` if a stream is not followed."""

    entry: str
    key: str
    origin: Origin
    reason: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.reason}"


class Entry(Struct, frozen=True, kw_only=True):
    """One stream of a container: `name` is "" where it names none; `source` is `STDOUT`, or a path with wildcards.

    `fields` are the members that its documents have besides those that all have; `labels`, `variables` and `about` say
    where those come from that are no tags. `outputs`
    names those that get the lines, () for all. `reading` is what becomes of its lines. `origins` has who said each key.
    """

    name: str
    target: str
    source: str = STDOUT
    tags: Mapping[str, str] = {}
    labels: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    fields: Mapping[str, str] = {}
    reading: Reading = AS_WRITTEN
    origins: Mapping[str, Origin] = {}

    @property
    def has_asked_target(self) -> bool:
        """Whether somebody names its target; else it has that of its container, which may be renamed."""
        return self.origins.get("target", DEFAULT).kind != "default"


class Settings(Struct, frozen=True, kw_only=True):
    """What a container gets, and the first of its `fault_count` faults.

    Nothing of it is followed if `excluded_by` says who wants that.
    """

    entries: tuple[Entry, ...] = ()
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0
    excluded_by: Origin | None = None

    def told(self, key: str = "") -> list[str]:
        """The faults in words, or those of one key."""
        found = [str(fault) for fault in self.faults if key in ("", fault.key)]
        more = self.fault_count - len(self.faults)
        return [*found, f"and {more} more"] if found and more > 0 else found


def settings(
    entries: Iterable[Entry] = (), faults: Sequence[Fault] = (), excluded_by: Origin | None = None
) -> Settings:
    """Settings with no more faults than a message bears, first those for which a stream is not followed."""
    kept = tuple(sorted(faults, key=lambda fault: fault.key != SOURCE)[:_MOST_FAULTS])
    return Settings(entries=tuple(entries), faults=kept, fault_count=len(faults), excluded_by=excluded_by)


def with_faults(found: Settings, more: Sequence[Fault]) -> Settings:
    """The settings, and further faults of streams that are not followed, which come first."""
    kept = (*more, *found.faults)[:_MOST_FAULTS]
    return structs.replace(found, faults=kept, fault_count=found.fault_count + len(more))


def rank(said: Statement) -> tuple[int, bool]:
    """Sorts statements: who says it first, then what is said of one stream before what is said of all."""
    return PRECEDENCE.index(said.origin.kind), said.entry == ""
