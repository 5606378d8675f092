"""Statements, the best first → entries: of each key the first that can be used; each that cannot is a fault."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import cast

from collector import formats
from collector.container_settings.dialects import OPTIONS
from collector.container_settings.keys import (
    ABOUT,
    KEYS,
    MOST_FIELDS,
    MOST_TAGS,
    MOST_VALUE_BYTES,
    MOST_WAIT_SECONDS,
    globs_of,
    is_chosen,
    plain,
    read_source,
    size_of,
    tags,
)
from collector.container_settings.statement import (
    DEFAULT,
    SOURCE,
    STDOUT,
    Asking,
    Entry,
    Fault,
    Origin,
    Statement,
    rank,
)
from collector.reading import Limit, LineTime, Multiline, Reading
from collector.text.bounds import MOST_BYTES, bounded, is_cut, shown
from collector.text.masking import mask_url


class Judged:
    """What one container says. `faults` is filled with what has no effect, each once.

    `target_of` gives the target that a stream has already, which stays; `target_refusal` why it may not name one.
    """

    def __init__(
        self,
        said: Iterable[Statement],
        target_refusal: Callable[[str], str | None],
        target_of: Callable[[str], str | None],
        faults: dict[Fault, None],
    ) -> None:
        self._said: dict[tuple[str, str], list[Statement]] = {}
        self._options_of: dict[str, set[str]] = {}
        self._target_refusal = target_refusal
        self._target_of = target_of
        self._faults = faults
        for one in sorted(said, key=rank):
            if one.key.startswith(OPTIONS):
                self._options_of.setdefault(one.entry, set()).add(one.key)
            elif one.key != SOURCE and one.key not in KEYS:
                self._fault(one, f"there is no setting {shown(one.key)}")
                continue
            self._said.setdefault((one.entry, one.key), []).append(one)
        self._sources = {name: self._said[name, key][0].origin for name, key in self._said if key == SOURCE}

    def names(self) -> tuple[list[str], bool]:
        """The streams that it names and that can be followed, by name; and whether it names any at all.

        The best that is said of a stream counts here: a place that cannot be read is a wish like others.
        """
        found = []
        is_naming = False
        for name in sorted(self._sources):
            (best, *_) = self._said[name, SOURCE]
            try:
                _source(best)
            except ValueError as error:
                self._fault(best, str(error))
                is_naming |= not _is_slip(best)
                continue
            if is_cut(name):
                self._fault(best, f"a name has {MOST_BYTES} bytes at most")
                continue
            is_naming = True
            found.append(name)
        for (name, key), (one, *_) in self._said.items():
            if name and name not in self._sources:
                self._fault(one, f"there is no stream {shown(name)}: name it by {_base_of(one, key)}=stdout")
        if found and (whole := self._said.get(("", "target"))) and whole[0].origin.kind != "rule":
            self._fault(whole[0], "it has no effect: each stream of the container has a name")
        return found, is_naming

    def source(self, name: str) -> str:
        """Where the lines of a stream are that can be followed."""
        return _source(self._said[name, SOURCE][0]) if name else STDOUT

    def source_of(self, name: str) -> Origin:
        """Who names the stream."""
        return self._sources.get(name, DEFAULT)

    def excluded_by(self, name: str) -> Origin | None:
        """Who wants that a stream, or ("") the whole container, is not followed."""
        found = self._best(name, "exclude")
        return found.origin if found is not None and found.value else None

    def target(self, name: str, default: str) -> tuple[str, Origin]:
        """That of a stream, and who wants it; what is said of the whole container is not for a stream with a name."""
        wanted, origin = self._wanted(name, default)
        if origin.kind == "default":
            return wanted, origin
        known = self._target_of(name)
        if known is not None and known != bounded(wanted):
            kept = Statement(name, "target", wanted, origin)
            self._fault(kept, f"the stream keeps the target {shown(known)}, which it had before")
            return known, origin
        return wanted, origin

    def _wanted(self, name: str, default: str) -> tuple[str, Origin]:
        for said in self._said.get((name, "target"), []):
            try:
                return str(self._read(said)), said.origin
            except ValueError as error:
                self._fault(said, str(error))
        if name == "":
            return default, DEFAULT
        if reason := self._target_refusal(name):
            named = Statement(name, "target", name, self.source_of(name))
            self._fault(named, f"{reason}; its lines go to {shown(default)}")
            return default, DEFAULT
        return name, self.source_of(name)

    def entry(self, name: str, target: str, target_origin: Origin, asking: Asking) -> Entry:
        """A stream, with its values; `target` gave the first of them."""
        found = {key: best for key in (*_PLAIN, *_READING, *_ADDS) if (best := self._best(name, key)) is not None}
        values = {_PLAIN[key]: one.value for key, one in found.items() if key in _PLAIN}
        self._drop_unused(found)
        said_of_lines = {_READING[key]: one for key, one in found.items() if key in _READING}
        made, options = self._format(name)
        multiline, said = self._multiline(name)
        time, about_time = self._time(name)
        said |= about_time
        tagged, origins = self._tags(name)
        origins |= {key: one.origin for key, one in (found | said).items()} | (
            {} if made is None else {"format": made.origin}
        )
        return Entry(
            name=name,
            target=target,
            source=self.source(name),
            tags=tagged,
            fields=self._fields(found, asking) | tagged,
            reading=Reading(
                format="" if made is None else str(made.value),
                options=options,
                multiline=multiline,
                time=time,
                adds=tuple(key.removeprefix("fields.") for key in _ADDS if key in found and found[key].value),
                **{key: one.value for key, one in said_of_lines.items()},  # type: ignore[arg-type]  # the same
            ),
            origins={"source": self.source_of(name), "target": target_origin} | origins,
            **values,  # type: ignore[arg-type]  # each is what its key reads
        )

    def _drop_unused(self, found: dict[str, Statement]) -> None:
        """What becomes of an excess has no effect without a limit, and nobody waits for the next day."""
        limit, excess = found.get("limit"), found.get("on_excess")
        if excess is not None and limit is None:
            self._fault(found.pop("on_excess"), "it has no effect without a limit")
        elif limit is not None and excess is not None and excess.value == "wait":
            longest = max(one.seconds for one in cast(Sequence[Limit], limit.value))
            if longest > MOST_WAIT_SECONDS:
                self._fault(found.pop("on_excess"), "wait needs limits per s or min; lines beyond them are dropped")

    def _fields(self, said: Mapping[str, Statement], asking: Asking) -> dict[str, str]:
        """Members that tell of the container: of those that become one member, or are too many, the first by name."""
        found: dict[str, str] = {}
        for key, start, values in (
            ("fields.container", "", {"id": asking.id, "image": asking.image}),
            ("fields.labels", "docker_label_", asking.labels),
            ("fields.env", "docker_env_", asking.environment),
        ):
            if (one := said.get(key)) is None:
                continue
            chosen = [name for name in sorted(values) if is_chosen(name, globs_of(one.value), key)]
            left_out = []
            for name in chosen:
                member = f"{start}{plain(name)}" if start else ABOUT[name]
                if member in found or len(found) == MOST_FIELDS:
                    left_out.append(name)
                else:
                    found[member] = bounded(mask_url(values[name]))
            if left_out:
                why = f"a document has {MOST_FIELDS} such fields, each of another name"
                self._fault(one, f"{len(left_out)} fields are left out, {shown(left_out[0])} first: {why}")
        return found

    def _format(self, name: str) -> tuple[Statement | None, dict[str, str]]:
        """The best format that can be made, with its options: those said by who names it, or by who is above."""
        said = self._options(name)
        for best in self._of(name, "format"):
            kind = rank(best)[0]
            mine = {key: one for key, one in said.items() if rank(one)[0] <= kind}
            said = {key: one for key, one in said.items() if rank(one)[0] > kind}
            try:
                made = best._replace(value=self._read(best))
                options = self._known(str(made.value), mine)
                formats.make(str(made.value), options)
            except ValueError as error:
                self._fault(best, str(error))
            else:
                return made, options
        for one in said.values():
            self._fault(one, "it has no effect without a format")
        return None, {}

    def _known(self, name: str, said: Mapping[str, Statement]) -> dict[str, str]:
        """The options that the format has; one that it has not disables no other."""
        found = {}
        for key, one in said.items():
            option = key.removeprefix(OPTIONS)
            if reason := formats.unknown_option(name, option):
                self._fault(one, reason)
            else:
                found[option] = str(one.value)
        return found

    def _multiline(self, name: str) -> tuple[Multiline | None, dict[str, Statement]]:
        """Which lines are one: as the best statement has it, by patterns or without any."""
        mode = self._best(name, "multiline")
        keys = {key: best for key in _MULTILINE if (best := self._best(name, key)) is not None}
        patterns = {key: one for key, one in keys.items() if key in _PATTERNS}
        if mode is not None and patterns and min(map(rank, patterns.values()))[0] < rank(mode)[0]:
            mode = None  # who is above has said patterns
        unused = keys if not patterns and mode is None else {}
        if mode is not None:
            unused = patterns if mode.value == "auto" else keys
        why = "without multiline" if mode is None else f"with multiline={mode.value}"
        for said in unused.values():
            self._fault(said, f"it has no effect {why}")
        used = {key: one for key, one in keys.items() if key not in unused}
        if mode is not None:
            used["multiline"] = mode
        if not used or (mode is not None and mode.value == "off"):
            return None, used
        values = {_MULTILINE[key]: one.value for key, one in used.items() if key in _MULTILINE}
        return Multiline(**values), used  # type: ignore[arg-type]  # each is what its key reads

    def _time(self, name: str) -> tuple[LineTime | None, dict[str, Statement]]:
        """Where lines have their own time."""
        found = {key: best for key in _TIME if (best := self._best(name, key)) is not None}
        values = {_TIME[key]: one.value for key, one in found.items()}
        return (LineTime(**values) if found else None), found  # type: ignore[arg-type]  # each is what its key reads

    def _options(self, name: str) -> dict[str, Statement]:
        keys = self._options_of.get("", set()) | self._options_of.get(name, set())
        return {key: self._of(name, key)[0] for key in sorted(keys)}

    def _tags(self, name: str) -> tuple[dict[str, str], dict[str, Origin]]:
        found: dict[str, str] = {}
        origins: dict[str, Origin] = {}
        for said in self._of(name, "tags"):
            if size_of(said.value) > MOST_VALUE_BYTES:
                self._fault(said, f"it has more than {MOST_VALUE_BYTES} bytes")
                continue
            for one in tags(said.value):
                if isinstance(one, ValueError):
                    self._fault(said, str(one))
                elif one[0] not in found and len(found) == MOST_TAGS:
                    self._fault(said, f"a stream has {MOST_TAGS} tags: those behind them are left out")
                else:
                    found.setdefault(*one)
                    origins.setdefault(f"tags.{one[0]}", said.origin)
        return found, origins

    def _best(self, name: str, key: str) -> Statement | None:
        for said in self._of(name, key):
            try:
                return said._replace(value=self._read(said))
            except ValueError as error:
                self._fault(said, str(error))
        return None

    def _read(self, said: Statement) -> object:
        value = KEYS[said.key].read(said.value)
        if said.key == "target":
            if said.origin.kind != "rule" and (reason := self._target_refusal(str(value))):
                raise ValueError(reason)
        elif size_of(said.value) > MOST_VALUE_BYTES:
            raise ValueError(f"it has more than {MOST_VALUE_BYTES} bytes")
        return value

    def _of(self, name: str, key: str) -> list[Statement]:
        """What is said of a stream or of all, the best first."""
        found = self._said.get((name, key), [])
        more = self._said.get(("", key), []) if name else []
        return sorted([*found, *more], key=rank) if more else found

    def _fault(self, said: Statement, reason: str) -> None:
        self._faults[Fault(said.entry, said.key, said.origin, reason)] = None


_PATTERNS = {"multiline.start": "start", "multiline.continue": "more", "multiline.end": "end"}
_MULTILINE = _PATTERNS | {"multiline.max_lines": "max_lines", "multiline.gap": "gap"}
_PLAIN = {"fields.labels": "labels", "fields.env": "variables", "fields.container": "about", "outputs": "outputs"}
_ADDS = ("fields.level", "fields.line")
_TIME = {"time.key": "key", "time.format": "format", "time.zone": "zone"}
_READING = {
    "lines.include": "include",
    "lines.exclude": "exclude",
    "limit": "limits",
    **{key: key for key in ("redact", "level", "sample", "fold", "on_excess")},
}


def _source(said: Statement) -> str:
    try:
        return read_source(said.value)
    except ValueError as error:
        near = get_close_matches(said.entry, KEYS, 1) if _is_slip(said) else ()
        meant = f"; did you mean pilotfish.{near[0]}?" if near else ""
        raise ValueError(f"{error}{meant}") from None


def _is_slip(said: Statement) -> bool:
    """Whether a setting of ours was meant: no place is called so."""
    return said.origin.name.startswith("pilotfish") and not str(said.value).strip().startswith("/")


def _base_of(said: Statement, key: str) -> str:
    """The label or variable that names the stream of another."""
    separator = "." if said.origin.kind == "label" else "_"
    return said.origin.name.removesuffix(separator + key.replace(".", separator))
