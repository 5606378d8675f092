"""Written lines and what a destination has → what is lost, doubled, wrong, refused: sets, so that nothing hides."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from msgspec import Struct

from tests.faults.written import Line, Written, digest_of_log, is_readable

HOST = "faults-host"
_MEMBERS = {"log", "stream", "@timestamp", "host", "@target", "docker_container"}
_EXAMPLES = 5

Key = tuple[str, str]  # container, time


class Arrived(NamedTuple):
    """One document where it was found."""

    stored_in: str
    id: str
    source: dict[str, Any]

    @property
    def key(self) -> Key:
        """Which line it stands for."""
        return self.source["docker_container"], self.source["@timestamp"]


class Verdict(Struct):
    """What came of it; `readable` are lost lines whose bytes could have been read. Examples tell the first of each."""

    written: int = 0
    delivered: int = 0
    dead: int = 0
    lost: int = 0
    lost_bytes: int = 0
    readable: int = 0
    duplicates: int = 0
    unknown: int = 0
    wrong: int = 0
    both: int = 0
    dead_twice: int = 0
    dead_unasked: int = 0
    lost_in: set[str] = set()
    examples: list[str] = []

    def note(self, kind: str, what: object) -> None:
        """Keep an example, if there are not enough of this kind."""
        if sum(example.startswith(f"{kind}: ") for example in self.examples) < _EXAMPLES:
            self.examples.append(f"{kind}: {what}")

    @property
    def faults(self) -> dict[str, int]:
        """What may never be, and how often it was."""
        kinds = ("readable", "duplicates", "unknown", "wrong", "both", "dead_twice", "dead_unasked")
        return {kind: getattr(self, kind) for kind in kinds if getattr(self, kind)}


def accepted_in(path: Path) -> Iterator[Arrived]:
    """The documents of an endpoint's file: an action line, a source line."""
    with path.open("rb") as file:
        for action in file:
            target = orjson.loads(action)["create"]
            yield Arrived(target["_index"], target["_id"], orjson.loads(next(file)))


def keys_in(path: Path) -> Iterator[Key]:
    """The lines of the documents in an endpoint's file; `log` is not read, since it may be no JSON."""
    with path.open("rb") as file:
        for _ in file:
            source = next(file)
            trusted = orjson.loads(b"{" + source[source.rindex(b',"stream":"') + 1 :])
            yield trusted["docker_container"], trusted["@timestamp"]


def dead_letters_in(directory: Path) -> list[Arrived]:
    """The dead letters of all outputs below a state directory's `dead_letters`."""
    letters = []
    for path in sorted(directory.glob("*/*.ndjson")):
        for line in path.read_bytes().splitlines():
            letter = orjson.loads(line)
            letters.append(Arrived("", letter["_id"], letter["document"]))
    return letters


def without_strange(arrived: Iterable[Arrived], written: Written) -> tuple[list[Arrived], list[Arrived]]:
    """Those that stand for a line, and those that stand for none: what was no line takes over the time of one."""
    lines = {(name, line.time): line for name, each in written.lines.items() for line in each}
    known: list[Arrived] = []
    strange: list[Arrived] = []
    for document in arrived:
        line = lines.get(document.key)
        fits = line is not None and (line.oversized or line.digest == digest_of_log(document.source["log"]))
        (known if fits else strange).append(document)
    return known, strange


def verify(
    written: Written,
    arrived: Iterable[Arrived],
    dead: Iterable[Arrived],
    refused: Collection[tuple[str, str]],
    *,
    ended: Collection[int],
) -> Verdict:
    """Hold them against each other. `refused` are (container, time) of the documents that the destination refused."""
    verdict = Verdict(written=written.count)
    lines = {(name, line.time): line for name, each in written.lines.items() for line in each}
    places = _places(arrived, lines, written, verdict)
    letters = Counter(letter.key for letter in dead)
    _judge_dead(letters, places, refused, lines, verdict)
    containers = {container.name: container for container in written.containers}
    for key, line in lines.items():
        if key in places or key in letters:
            continue
        verdict.lost += 1
        verdict.lost_bytes += line.size
        verdict.lost_in.add(key[0])
        verdict.note("lost", (*key, f"files {line.first}-{line.last}"))
        if is_readable(containers[key[0]], line, ended):
            verdict.readable += 1
            verdict.note("readable", (*key, f"files {line.first}-{line.last}"))
    return verdict


def _places(
    arrived: Iterable[Arrived], lines: dict[Key, Line], written: Written, verdict: Verdict
) -> dict[Key, tuple[str, str]]:
    places: dict[Key, tuple[str, str]] = {}
    containers = {container.name: container for container in written.containers}
    for document in arrived:
        verdict.delivered += 1
        line = lines.get(document.key)
        if line is None:
            verdict.unknown += 1
            verdict.note("unknown", document)
            continue
        if document.key in places and not line.oversized:
            verdict.duplicates += 1
            verdict.note("duplicates", (document.key, places[document.key], document[:2]))
        places[document.key] = document[:2]
        container = containers[document.key[0]]
        if (amiss := _amiss(document, line, container.target, container.index)) and not line.oversized:
            verdict.wrong += 1
            verdict.note("wrong", (amiss, document))
    return places


def _amiss(document: Arrived, line: Line, target: str, index: str) -> str:
    source = document.source
    day = document.key[1][:10].replace("-", ".")
    found = {
        "members": set(source) - {"delivery_error"} != _MEMBERS,
        "stream": source.get("stream") != line.stream,
        "host": source.get("host") != HOST,
        "target": source.get("@target") != target,
        "index": document.stored_in != f"{index}-{day}",
        "text": digest_of_log(source["log"]) != line.digest,
    }
    return ", ".join(what for what, wrong in found.items() if wrong)


def _judge_dead(
    letters: Counter[Key],
    places: Collection[Key],
    refused: Collection[Key],
    lines: Collection[Key],
    verdict: Verdict,
) -> None:
    verdict.dead = len(letters)
    for key, times in letters.items():
        if key not in lines:
            verdict.unknown += 1
            verdict.note("unknown", ("dead", key))
        if times > 1:
            verdict.dead_twice += 1
            verdict.note("dead_twice", (key, times))
        if key in places:
            verdict.both += 1
            verdict.note("both", key)
        if key not in refused:
            verdict.dead_unasked += 1
            verdict.note("dead_unasked", key)
