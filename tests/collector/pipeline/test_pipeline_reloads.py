"""What the operator wants of a running container changes: its lines are each read once, by the old or by the new."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from collector.discovery.registry import Container
from collector.model import Batch, LogStream, Receipt
from collector.pipeline.pipeline import Pipeline
from collector.reading import Multiline, Reading
from collector.redaction.options import RedactOptions
from collector.redaction.redaction import Redaction
from tests.collector.docker_lines import log_stream, numbered, raw
from tests.collector.pipeline.test_pipeline import Host
from tests.collector.waiting import until


class Documents:
    """A destination that keeps what comes, each id once, and takes its time for it."""

    seconds = 0.0

    def __init__(self) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.again = 0

    async def ship(self, batch: Batch) -> Receipt:
        await asyncio.sleep(self.seconds)
        found = [pair for one in batch.segments for pair in zip(one.ids, one.documents, strict=True)]
        new = {name: json.loads(body) for name, body in found if name not in self.stored}
        self.stored |= new
        self.again += len(found) - len(new)
        return Receipt(delivered=len(new), duplicate=len(found) - len(new))

    async def aclose(self) -> None:
        return

    def numbers(self) -> list[int]:
        """Of the lines, in the order in which they came."""
        texts = (str(one["log"].get("message", one["log"].get("number"))) for one in self.stored.values())
        return [int(line.removeprefix("line ")) for text in texts for line in text.splitlines() if line.strip()]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def documents() -> Documents:
    return Documents()


def pipeline(host: Host, documents: Documents, **options: int) -> Pipeline:
    made = host.pipeline(documents, **options)  # type: ignore[arg-type]  # it ships, as any
    made.save_seconds = 0.02
    return made


def changed(stream: LogStream, reading: Reading) -> LogStream:
    """With a member that tells that all of it has changed."""
    return replace(stream, fields={**stream.fields, "rules": "new"}, reading=reading)


SECRETS = Redaction(RedactOptions(sets=("secrets",))).of(("secrets",))
SETTINGS = {
    "format": Reading("regexp", {"pattern": r"line (?P<number>\d+)"}),
    "redact": Reading(redact=("secrets",), redactor=SECRETS),
    "multiline": Reading(multiline=Multiline(start=r"^line \d*0$")),
}


def is_new(document: dict[str, Any], settings: str) -> bool:
    """Whether the line was read by the new settings, as far as that can be seen."""
    if settings == "format":
        return "number" in document["log"]
    if settings == "redact":
        return "hunter2" not in document["log"]["message"]
    return "\n" in document["log"]["message"]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("seconds", [0.0, 0.05])
async def test_no_document_of_a_busy_log_has_half_of_the_new_settings(
    host: Host, documents: Documents, settings: str, seconds: float
) -> None:
    documents.seconds = seconds
    text = "line {}\npassword=hunter2\n" if settings == "redact" else "line {}\n"
    log = host.add("web", raw("line 0\n"))
    stream = log_stream(log.live, container_id="web", target="web")
    one = pipeline(host, documents)
    count = 1
    async with host.run(one):
        await until(lambda: len(documents.stored) == 1)
        host.put(changed(stream, SETTINGS[settings]))
        async with asyncio.timeout(20):
            while sum("rules" in each for each in documents.stored.values()) < 50:
                log.write(*(raw(text.format(number)) for number in range(count, count + 20)))
                count += 20
                await asyncio.sleep(0.005)
    found = list(documents.stored.values())
    if settings == "multiline":  # an event of one line looks like a line
        assert not [each for each in found if is_new(each, settings) and "rules" not in each]
    else:
        told = [each for each in found if settings == "format" or "password" in str(each)]
        assert [each for each in told if ("rules" in each) != is_new(each, settings)] == []


async def test_every_line_of_a_busy_log_is_there_once_and_in_order(host: Host, documents: Documents) -> None:
    """From an event of several lines that never ends to another format, and back."""
    lines = Multiline(start="^begin", max_lines=1_000)
    several, text = Reading(multiline=lines), Reading("none")
    log = host.add("web", raw("line 0\n"), reading=several)
    stream = log_stream(log.live, container_id="web", target="web")
    one = pipeline(host, documents)
    count = 1
    async with host.run(one):
        await until(lambda: len(one.readers) == 1)
        for wanted in (text, several, several._replace(format="none")):
            host.put(replace(stream, reading=wanted))
            async with asyncio.timeout(20):
                while next(iter(one.readers.values())).source.stream.reading != wanted:
                    log.write(*numbered(range(count, count + 5)))
                    count += 5
                    await asyncio.sleep(0.005)
        host.put(stream)
        await until(lambda: documents.stored and len(documents.numbers()) == count)
    assert documents.numbers() == list(range(count))
    assert documents.again == 0


async def test_a_log_that_is_never_read_to_its_end_is_read_otherwise_too(host: Host, documents: Documents) -> None:
    documents.seconds = 0.3
    log = host.add("web", *numbered(range(60_000)))
    stream = log_stream(log.live, container_id="web", target="web")
    one = pipeline(host, documents, batch_bytes=20_000)
    async with host.run(one):
        await until(lambda: documents.stored)
        host.put(changed(stream, Reading("none")))
        await until(lambda: any("rules" in each for each in documents.stored.values()))
        assert one.backlog_bytes > 0
        documents.seconds = 0.0
        await until(lambda: len(documents.stored) == 60_000)
    assert documents.numbers() == list(range(60_000))
    rules = ["rules" in each for each in documents.stored.values()]
    assert rules == sorted(rules)


async def test_a_container_that_was_left_out_for_a_while_goes_on_where_it_was(host: Host, documents: Documents) -> None:
    log = host.add("web", *numbered(range(10)))
    stream = log_stream(log.live, container_id="web", target="web")
    one = pipeline(host, documents)
    async with host.run(one):
        await until(lambda: len(documents.stored) == 10)
        host.listing.put(Container(id="web", name=stream.container, state="running"))
        await until(lambda: not one.readers)
        log.write(*numbered(range(10, 20)))
        host.put(stream)
        await until(lambda: len(documents.stored) == 20)
    assert documents.numbers() == list(range(20))
    assert documents.again == 0
