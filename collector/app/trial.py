"""Settings and lines → the documents that a container with these settings would have, without an agent."""

import time
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import orjson
from msgspec.structs import replace

from collector.config.models import Configuration
from collector.container_settings.dialects import OPTIONS
from collector.container_settings.keys import KEYS
from collector.container_settings.options import RuleTest, Sample
from collector.container_settings.policy import Policy
from collector.container_settings.rule_book import RuleBook
from collector.discovery.enrich import Described, Enricher
from collector.discovery.registry import Container
from collector.discovery.volume_files import Wanted
from collector.docker import json_file
from collector.errors import UsageError
from collector.intake.input import Reads
from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, Chunk, Counts, FileId, LogStream, Position
from collector.ports import Taken
from collector.redaction.options import OFF, RedactOptions
from collector.redaction.redaction import NO_REDACTION, Redaction
from collector.text.bounds import shown
from collector.text.times import iso
from collector.transform.stamps import Stamps

_ID = "0" * 64


class Trial:
    """A container that runs nowhere; `settings` are those that it gets, and `streams` what is followed of it."""

    def __init__(self, container: Sample, policy: Policy | None = None, redaction: Redaction = NO_REDACTION) -> None:
        known = Container(id=_ID, name=container.name, image=container.image, state="running", driver=json_file.DRIVER)
        variables = [f"{name}={value}" for name, value in container.environment.items()]
        rules = RuleBook(policy, redaction)
        enricher = Enricher("localhost", "all", "", lambda key: None, rules=rules, files=_as_its_log)
        made = enricher.container(Described(known, container.labels, variables, path=""))
        self.settings, self.streams = made.settings, made.streams
        self.counts = Counts()
        self._reads = JsonFiles(Stamps())

    def documents(self, lines: Sequence[str]) -> list[bytes]:
        """The documents of lines that the container writes now; `counts` has what is counted of them."""
        now = iso(time.time_ns())
        raw = b"".join(
            orjson.dumps({"log": f"{line}\n", "stream": "stdout", "time": now}, option=orjson.OPT_APPEND_NEWLINE)
            for line in lines
        )
        taken = [read_once(stream, self._reads, raw) for stream in self.streams]
        for one in taken:
            if one.counts is not None:
                self.counts.add(one.counts)
        return [document for one in taken for segment in one.segments for document in segment.documents]


def _as_its_log(wanted: Wanted) -> Container:
    """Files are nowhere, too: their lines are those that are given."""
    return replace(wanted.container, streams=(*wanted.container.streams, *(wish.stream for wish in wanted.wishes)))


def trial_of(settings: Mapping[str, str]) -> Trial:
    """A container that has nothing but these settings, by their names.

    Raises:
        UsageError: one of them has no effect.
    """
    labels = dict(settings)
    options = _redact(labels.pop("redact", ""))
    for name in labels:
        if name not in KEYS and not name.startswith(OPTIONS):
            near = get_close_matches(name, KEYS, 1)
            raise UsageError(f"{name}: no such setting", f"use {near[0] if near else ', '.join(KEYS)}")
    sample = Sample(labels={f"pilotfish.{name}": value for name, value in labels.items()})
    trial = Trial(sample, Policy(redact=options.names), Redaction(options))
    if faults := [f"{fault.key}: {fault.reason}" for fault in trial.settings.faults]:
        raise UsageError("; ".join(faults), "see docs/containers.md")
    if not trial.streams:
        raise UsageError("the container is excluded: its lines become no documents", "leave exclude out")
    return trial


def _redact(names: str) -> RedactOptions:
    sets = tuple(name.strip() for name in names.split(",") if name.strip())
    try:
        OFF.check(sets)
    except ValueError as error:
        raise UsageError(f"redact: {error}", "see docs/redaction.md") from None
    return RedactOptions(sets=sets)


def failures(configuration: Configuration) -> Iterator[str]:
    """What does not come out of the configuration's tests as they expect it, a line each.

    They run where the key for the tags of redaction is not, so theirs have no digits.
    """
    policy = Policy(
        configuration.labels,
        configuration.containers,
        redact=configuration.redact.names,
        outputs=configuration.outputs,
    )
    redaction = Redaction(configuration.redact.model_copy(update={"hash_key_file": None}))
    for number, test in enumerate(configuration.tests):
        yield from (f"tests.{number}: {text}" for text in _failures(test, Trial(test.container, policy, redaction)))


def _failures(test: RuleTest, trial: Trial) -> Iterator[str]:
    if trial.settings.faults and not test.faults:
        yield f"{trial.settings.told()[0]}: expect it with `faults: true`, or correct it"
    elif test.faults and not trial.settings.faults:
        yield "every setting has an effect: `faults: true` is expected"
    if test.excluded != (not trial.streams):
        yield f"the container is {'' if not trial.streams else 'not '}excluded: the contrary is expected"
        return
    targets = sorted(stream.target for stream in trial.streams)
    if test.target is not None and targets != [test.target]:
        yield f"the target is {', '.join(targets)}: {test.target} is expected"
    found = [orjson.loads(document) for document in trial.documents(test.lines)]
    if test.documents is None:
        return
    if len(found) != len(test.documents):
        yield f"there are {len(found)} documents of {len(test.lines)} lines: {len(test.documents)} are expected"
    for number, (document, expected) in enumerate(zip(found, test.documents, strict=False)):
        for path, value in _differences(document, expected):
            yield f"document {number}: {path} is {value}"


def _differences(found: Any, expected: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Where members differ from those that are expected, and what is there; others than these may be there, too."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            below = f"{path}.{name}" if path else str(name)
            if name in found:
                yield from _differences(found[name], value, below)
            else:
                yield below, "not there"
    elif found != expected or isinstance(found, bool) != isinstance(expected, bool):
        yield path, f"{_shown(found)}: {_shown(expected)} is expected"


def _shown(value: object) -> str:
    return shown(orjson.dumps(value).decode())


def read_once(stream: LogStream, reads: Reads, raw: bytes, changed: int = 0) -> Taken:
    """What raw lines become that are all that the stream has: by the transform of those that are delivered.

    `changed` is when they were written, as `Chunk.changed`.
    """
    file, count = FileId(stream.container_id, "", 0), raw.count(b"\n")
    start, end = Position(file, 0, 0), Position(file, len(raw), count)
    chunk = Chunk(stream=stream, data=raw, start=start, end=end, ended=True, changed=lambda: changed)
    return reads.transform(stream, BEGINNING).take(chunk)
