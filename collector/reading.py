"""How the lines of a stream are read: which of them are one, what they say, and which become documents.

Each is a value that a container or the operator asks for: `container_settings.keys` has the words for it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

Excess = Literal["drop", "sample", "wait", "store_only"]
EXCESS: tuple[Excess, ...] = get_args(Excess)


class Multiline(NamedTuple):
    """Which lines are one event: patterns of its first, its further and its last; with none of them, usual traces."""

    start: str = ""
    more: str = ""
    end: str = ""
    max_lines: int = 500
    gap: float = 1.0


class LineTime(NamedTuple):
    """Where a line has its own time: a member of its `log`, in this format ("": a usual one), of this zone."""

    key: str = "time"
    format: str = ""
    zone: str = "UTC"


class Sample(NamedTuple):
    """One of so many lines is kept: by the value of a member of its `log`, "": by its id."""

    one_of: int
    key: str = ""


class Limit(NamedTuple):
    """So many lines or bytes are delivered in each span of so many seconds, by Docker's time of the lines."""

    most: int
    unit: Literal["lines", "bytes"]
    seconds: int


class Reading(NamedTuple):
    """What becomes of a stream's lines: a change of it needs another transform.

    `format` says how they are written, with its `options`; "" is no format. `multiline` says which lines are one,
    `redact` names what is taken out of them, and `redactor` makes what does that, by the rules that there were. `time`
    says where they have their own time. `adds` are members that are found in lines and stand beside `log`: `level`,
    `line`. Of the rest each leaves documents out: lines of another stream than `of_stream`, that have not the pattern
    `include`, that have `exclude`, that are below `level`, beyond the `limits`, or not in the `sample`; those that say
    the same within `fold` seconds become one. Of a stream with documents of other agents, those of other `containers`,
    `container_ids` and `targets` are left out, too: patterns and beginnings, () for all.
    """

    format: str = ""
    options: Mapping[str, str] = {}
    multiline: Multiline | None = None
    redact: tuple[str, ...] = ()
    redactor: Callable[[], Any] | None = None
    time: LineTime | None = None
    adds: tuple[str, ...] = ()
    include: str = ""
    exclude: str = ""
    of_stream: str = ""
    level: str = ""
    sample: Sample | None = None
    fold: float = 0.0
    limits: tuple[Limit, ...] = ()
    on_excess: Excess = "drop"
    containers: tuple[str, ...] = ()
    container_ids: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def is_selective(self) -> bool:
        """Whether a document may be left out, or have another time or further members."""
        rest = self._replace(format="", options={}, multiline=None, redact=(), redactor=None)
        return rest != AS_WRITTEN

    @property
    def remembers(self) -> bool:
        """Whether what becomes of a line depends on lines before it."""
        return bool(self.fold or (self.limits and self.on_excess != "wait"))


AS_WRITTEN = Reading()
