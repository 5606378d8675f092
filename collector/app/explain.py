"""One container → what becomes of its lines here and why: each setting with its origin, faults, and its last lines.

The lines are read from the log once more and go through the same transform as those that are delivered.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from collector.app.trial import read_once
from collector.container_settings.keys import ABOUT
from collector.container_settings.statement import Entry
from collector.discovery.registry import Container, Registry
from collector.errors import UNREADABLE
from collector.files import beneath
from collector.files.regular import open_regular
from collector.intake.input import Reads
from collector.model import LogStream
from collector.pipeline.pipeline import Pipeline
from collector.reading import Multiline, Reading
from collector.redaction.redactor import Redactor

MOST_LINES = 5
_TAIL_BYTES = 64 << 10
_MOST_CONTAINERS = 20
_MOST_SECONDS = 0.5  # nobody else is served meanwhile: those that come later go without their lines
_TAIL_LINES = 200  # of which the last events are shown
_SPANS = {1: "s", 60: "min", 3600: "hour", 86400: "day"}
_NUMBER = re.compile(r"-(\d+)")  # of the line that a document begins with, the last in its id
_WITHHELD = "withheld: there is too much in the line that looks like a secret"
_PIECE = "withheld: a piece of a line that Docker cut"
_EVENT = "withheld: there is a secret in the event, perhaps over several of its lines"


def explained(
    registry: Registry,
    pipelines: Sequence[Pipeline],
    inputs: Mapping[str, Reads],
    shown: Callable[[LogStream], LogStream],
    is_meant: Callable[[str], bool],
    sees: Callable[[Sequence[LogStream]], bool],
) -> list[dict[str, Any]]:
    """The containers of this process whose names are meant, at most 20, as JSON can hold them. Reads their logs.

    `shown` gives a stream as its lines may be seen, `sees` tells whether who asks may see all of some streams.
    """
    ours = [one for one in registry.containers.values() if registry.share.has(one.id) and is_meant(one.name)]
    ours = [one for one in ours if sees(one.streams)]
    until = time.monotonic() + _MOST_SECONDS
    ours.sort(key=lambda one: one.name)
    return [_container(one, registry, pipelines, inputs, shown, until) for one in ours[:_MOST_CONTAINERS]]


def _container(
    one: Container,
    registry: Registry,
    pipelines: Sequence[Pipeline],
    inputs: Mapping[str, Reads],
    shown: Callable[[LogStream], LogStream],
    until: float,
) -> dict[str, Any]:
    owner = registry.owner(one.id)
    entries = {(entry.target, entry.source): entry for entry in one.settings.entries}
    excluded = one.settings.excluded_by
    return {
        "container": one.name,
        "id": one.id,
        "image": one.image,
        "state": one.state,
        "input": owner.name if owner is not None else "",
        "not_followed": f"excluded by {excluded}" if excluded is not None else "" if one.streams else _why(one),
        "faults": one.settings.told(),
        "streams": [
            _stream(stream, entries.get((stream.target, stream.source)), pipelines, inputs, shown, until)
            for stream in one.streams
        ],
    }


def _why(one: Container) -> str:
    told = "it is the agent's own container, its streams are excluded, or nothing names it and `select` is labelled"
    return one.problem or told


def _stream(
    stream: LogStream,
    entry: Entry | None,
    pipelines: Sequence[Pipeline],
    inputs: Mapping[str, Reads],
    shown: Callable[[LogStream], LogStream],
    until: float,
) -> dict[str, Any]:
    seen = shown(stream)
    redact = None if seen.reading.redactor is None else seen.reading.redactor()
    readers = {one.output: reader for one in pipelines if (reader := one.readers.get(stream.key)) is not None}
    return {
        "name": stream.entry if entry is None else entry.name,
        "settings": [] if entry is None else list(_settings(entry, redact)),
        "outputs": {
            output: {
                "documents": reader.documents,
                "backlog_bytes": reader.source.backlog_bytes,
                "level": reader.source.stream.reading.level,
                "redact": [name for name in reader.source.stream.reading.redact if name not in stream.reading.redact],
                "format": reader.counts.format,
                "unparsed_lines": reader.counts.misfits,
                "refused_times": reader.counts.refused_times,
                "left_out": dict(reader.counts.filtered),
            }
            for output, reader in readers.items()
        },
        "not_for": [one.output for one in pipelines if not one.wanted.has(stream)],
        "lines": _lines(seen, inputs[stream.input], redact, until) if stream.input in inputs and stream.path else [],
    }


def _settings(entry: Entry, redact: Redactor | None) -> Iterable[dict[str, str]]:
    """Each setting that has a value, with who says it."""
    values = {
        "source": entry.source,
        "target": entry.target,
        **{f"tags.{name}": redact.member(name, value) if redact else value for name, value in entry.tags.items()},
        "fields.labels": ", ".join(entry.labels),
        "fields.env": ", ".join(entry.variables),
        "fields.container": ", ".join(one for one in ABOUT if one in entry.about),
        "format": entry.reading.format,
        **{f"format.{name}": value for name, value in entry.reading.options.items()},
        **_multiline(entry.reading.multiline),
        **_choice(entry.reading),
        "outputs": ", ".join(entry.outputs),
        "redact": ", ".join(entry.reading.redact),
    }
    for key, value in values.items():
        if value and (key != "on_excess" or key in entry.origins):
            origin = entry.origins.get(key) or entry.origins.get(key.partition(".")[0])
            yield {"key": key, "value": value, "origin": str(origin) if origin is not None else ""}


def _choice(asked: Reading) -> dict[str, str]:
    """Which lines are delivered, and what is found in them."""
    time = asked.time._asdict() if asked.time is not None else {}
    sample = asked.sample
    return {
        **{f"time.{name}": value for name, value in time.items()},
        **{f"fields.{name}": "true" for name in asked.adds},
        "lines.include": asked.include,
        "lines.exclude": asked.exclude,
        "level": asked.level,
        "sample": "" if sample is None else f"1/{sample.one_of}{f' by {sample.key}' if sample.key else ''}",
        "fold": f"{asked.fold:g}s" if asked.fold else "",
        "limit": ", ".join(f"{one.most} {one.unit} per {_SPANS[one.seconds]}" for one in asked.limits),
        "on_excess": asked.on_excess if asked.limits else "",
    }


def _multiline(asked: Multiline | None) -> dict[str, str]:
    if asked is None:
        return {}
    patterns = {"start": asked.start, "continue": asked.more, "end": asked.end}
    more = {f"multiline.{name}": value for name, value in patterns.items()}
    bounds = {"multiline.max_lines": str(asked.max_lines), "multiline.gap": f"{asked.gap:g}s"}
    return ({} if any(patterns.values()) else {"multiline": "auto"}) | more | bounds


def _lines(stream: LogStream, reads: Reads, redact: Redactor | None, until: float) -> list[dict[str, str]]:
    """The last lines as they stand in the log, each with its document; without their secrets, where they lose them.

    Of a line that Docker cut a piece may have half of a secret, which no rule knows.
    """
    if stream.reading.multiline is not None:
        return _events(stream, reads, redact) if time.monotonic() <= until else []
    found = []
    lines, changed = _last_lines(stream, before=1)
    for before, line in pairwise(lines):
        if time.monotonic() > until:
            break
        if redact is not None and (_is_piece(before) or _is_piece(line)):
            found.append({"raw": _PIECE, "document": ""})
            continue
        segments = read_once(stream, reads, line, changed).segments
        document = b"\n".join(document for segment in segments for document in segment.documents)
        raw = _shown(line[:-1].decode(errors="replace"), redact)
        found.append({"raw": raw, "document": document.decode(errors="replace")})
    return found


def _events(stream: LogStream, reads: Reads, redact: Redactor | None) -> list[dict[str, str]]:
    """As `_lines`, of the last events, each with all of its lines."""
    found_lines, changed = _last_lines(stream, before=_TAIL_LINES)
    lines = [line for line in found_lines if line]
    segments = read_once(stream, reads, b"".join(lines), changed).segments
    named = [one for each in segments for one in zip(each.ids, each.documents, strict=True)]
    made = sorted((int(_NUMBER.findall(name)[-1]), document) for name, document in named)
    ends = [first for first, _ in made[1:]] + [len(lines)]
    found = []
    for (first, document), end in list(zip(made, ends, strict=True))[-MOST_LINES:]:
        if redact is not None and any(map(_is_piece, lines[max(0, first - 1) : end])):
            found.append({"raw": _PIECE, "document": ""})
            continue
        raw = _EVENT
        if redact is None or not _is_secret_in(lines[first:end], redact):
            raw = "\n".join(_shown(line[:-1].decode(errors="replace"), redact) for line in lines[first:end])
        found.append({"raw": raw, "document": document.decode(errors="replace")})
    return found


def _is_secret_in(lines: Sequence[bytes], redact: Redactor) -> bool:
    """Whether there is a secret in what several lines say together: it may be whole in none of them."""
    text = "".join(log or line.decode(errors="replace") for line in lines for log in [_log(line)]).removesuffix("\n")
    return len(lines) > 1 and redact.text(text) != text


def _shown(raw: str, redact: Redactor | None) -> str:
    seen = raw if redact is None else redact.broken(raw)
    return _WITHHELD if seen is None else seen


def _is_piece(line: bytes) -> bool:
    """Whether a line of the same stream goes on behind it."""
    log = _log(line)
    return log is not None and not log.endswith("\n")


def _log(line: bytes) -> str | None:
    """What the application wrote; None if the line is no envelope: it is taken for a line by itself."""
    try:
        log = orjson.loads(line)["log"]
    except (*UNREADABLE, KeyError, TypeError):
        return None
    return log if isinstance(log, str) else None


def _last_lines(stream: LogStream, *, before: int) -> tuple[list[bytes], int]:
    """The last `MOST_LINES`, and so many before them, b"" where the log has none; and when it was written."""
    path = Path(stream.path)
    try:
        with os.fdopen(beneath.open_file(stream.root, path) if stream.root else open_regular(path), "rb") as file:
            changed = os.fstat(file.fileno()).st_mtime_ns
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            data = file.read(_TAIL_BYTES)
    except OSError:
        return [], 0
    whole = [line + b"\n" for line in data.split(b"\n")[:-1]]
    return [*[b""] * before, *whole[1 if size > _TAIL_BYTES else 0 :]][-MOST_LINES - before :], changed
