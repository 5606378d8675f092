"""Statements, the best first → entries: of each key the first that can be used; each that cannot is a fault."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from collector import formats
from collector.container_settings.dialects import OPTIONS
from collector.container_settings.keys import KEYS, MOST_TAGS, read_source, tags
from collector.container_settings.statement import DEFAULT, SOURCE, Entry, Fault, Origin, Statement, rank
from collector.text.bounds import MOST_BYTES, is_cut, shown


class Judged:
    """What one container says. `faults` is filled with what has no effect, each once."""

    def __init__(
        self, said: Iterable[Statement], target_refusal: Callable[[str], str | None], faults: dict[Fault, None]
    ) -> None:
        self._said: dict[tuple[str, str], list[Statement]] = {}
        for one in sorted(said, key=rank):
            self._said.setdefault((one.entry, one.key), []).append(one)
        self._target_refusal = target_refusal
        self._faults = faults
        self._sources: dict[str, Origin] = {}

    def names(self) -> list[str]:
        """The streams that it names and that can be followed, by name."""
        found: dict[str, Origin] = {}
        asked = [name for name, key in self._said if key == SOURCE]
        for name in asked:
            if is_cut(name):
                self._fault(self._of(name, SOURCE)[0], f"a name has {MOST_BYTES} bytes at most")
            elif (source := self._best(name, SOURCE)) is not None:
                found[name] = source.origin
        for (name, _), (one, *_) in self._said.items():
            if name and (name, SOURCE) not in self._said:
                self._fault(one, f"there is no stream {shown(name)}: name it with a label {_base_of(one)}=stdout")
        self._sources = found
        return sorted(found)

    def source_of(self, name: str) -> Origin:
        """Who names the stream."""
        return self._sources.get(name, DEFAULT)

    def excluded_by(self, name: str) -> Origin | None:
        """Who wants that a stream, or ("") the whole container, is not followed."""
        found = self._best(name, "exclude")
        return found.origin if found is not None and found.value else None

    def target(self, name: str, default: str) -> str:
        """That of a stream."""
        found = self._best(name, "target")
        return default if found is None else str(found.value)

    def entry(self, name: str, default: str) -> Entry:
        """A stream, with its values."""
        found = {key: best for key in ("target", *_PLAIN) if (best := self._best(name, key)) is not None}
        values = {_PLAIN[key]: one.value for key, one in found.items() if key in _PLAIN}
        format_, options = self._format(name)
        tagged, origins = self._tags(name)
        origins |= {key: one.origin for key, one in found.items()}
        if format_ is not None:
            origins["format"] = format_.origin
        target = self.target(name, default)
        return Entry(
            name=name,
            target=target,
            tags=tagged,
            format="" if format_ is None else str(format_.value),
            options=options,
            origins=dict.fromkeys(("source", "target"), self.source_of(name)) | origins,
            **values,  # type: ignore[arg-type]  # each is what its key reads
        )

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

    def _options(self, name: str) -> dict[str, Statement]:
        keys = {key for entry, key in self._said if entry in ("", name) and key.startswith(OPTIONS)}
        return {key: self._of(name, key)[0] for key in sorted(keys)}

    def _tags(self, name: str) -> tuple[dict[str, str], dict[str, Origin]]:
        found: dict[str, str] = {}
        origins: dict[str, Origin] = {}
        for said in self._of(name, "tags"):
            for one in tags(said.value):
                if isinstance(one, ValueError):
                    self._fault(said, str(one))
                elif one[0] not in found and len(found) == MOST_TAGS:
                    self._fault(said, f"the tag {one[0]} is left out: a stream has {MOST_TAGS}")
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
        if said.key == SOURCE:
            return _source(said)
        value = KEYS[said.key].read(said.value)
        if said.key == "target" and said.origin.kind != "rule" and (reason := self._target_refusal(str(value))):
            raise ValueError(reason)
        return value

    def _of(self, name: str, key: str) -> list[Statement]:
        """What is said of a stream or of all, the best first."""
        found = self._said.get((name, key), [])
        more = self._said.get(("", key), []) if name else []
        return sorted([*found, *more], key=rank) if more else found

    def _fault(self, said: Statement, reason: str) -> None:
        self._faults[Fault(said.entry, said.key, said.origin, reason)] = None


_PLAIN = {"fields.labels": "labels", "fields.env": "variables", "fields.container": "about"}


def _source(said: Statement) -> str:
    try:
        return read_source(said.value)
    except ValueError as error:
        near = get_close_matches(said.entry, KEYS, 1) if said.origin.name.startswith("pilotfish") else ()
        meant = f"; did you mean pilotfish.{near[0]}?" if near else ""
        raise ValueError(f"{error}{meant}") from None


def _base_of(said: Statement) -> str:
    """The label that names the stream of another."""
    written = said.origin.name
    return written[: written.rfind(said.entry) + len(said.entry)]
