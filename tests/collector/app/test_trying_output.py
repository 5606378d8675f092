"""What `pilotfish output test` tells: a step each, and for the one that fails why, and what helps."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Literal

import pytest

from collector.app import trying_output
from collector.app.trying_output import TARGET, try_output
from collector.errors import Unauthorized
from collector.model import Batch, Receipt, Rejected, Segment
from collector.ports import Finding, OutputContext, Shipper, ShipperSettings
from collector.transform.stamps import UTC_STAMPS
from shippers import ndjson_file, null, store

Answers = Literal["takes", "refuses", "waits", "is busy", "may not", "breaks", "forgets"]


class Settings(ShipperSettings):
    """An output that answers as it is told to."""

    answers: Answers

    def open(self, context: OutputContext) -> Shipper:
        return Asked(self.answers)


class Asked:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._kept: list[str] = []

    async def ship(self, batch: Batch) -> Receipt:
        (segment,) = batch.segments
        assert segment.stream.target == TARGET
        match self._answers:
            case "refuses":
                return Receipt(rejected=(Rejected(segment, 0, "mapper_exception", "no such field"),))
            case "waits":
                return Receipt(retry=batch, waits={TARGET: "the index is closed: open it"})
            case "is busy":
                return Receipt(retry=batch)
            case "may not":
                raise Unauthorized("the user may not write (403)", "grant the privilege create_doc")
            case "breaks":
                raise KeyError("s3cret")
        self._kept = list(segment.ids) * (self._answers != "forgets")
        return Receipt(delivered=1)

    async def read_back(self, segment: Segment) -> Collection[str]:
        return self._kept

    async def aclose(self) -> None:
        pass


async def tried(settings: ShipperSettings, directory: Path) -> list[Finding]:
    return [step async for step in try_output("out", settings, directory, host="moby", stamps=UTC_STAMPS)]


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ("refuses", "the document is refused: mapper_exception: no such field"),
        ("waits", "the document has to wait: the index is closed: open it"),
        ("is busy", "the output is too busy to take the document"),
        ("may not", "the user may not write (403)"),
        ("breaks", "raised an unexpected error (KeyError at test_trying_output.py:48)"),
    ],
)
async def test_a_document_that_is_not_taken_is_told_with_the_reason(
    tmp_path: Path, answers: Answers, text: str
) -> None:
    *_, last = await tried(Settings(type="asked", answers=answers), tmp_path)
    assert (last.verdict, last.subject, last.text) == ("fail", "send", text)
    assert last.fix
    assert "s3cret" not in str(last)


async def test_a_document_that_is_taken_is_read_back(tmp_path: Path) -> None:
    steps = await tried(Settings(type="asked", answers="takes"), tmp_path)
    assert [(step.verdict, step.subject) for step in steps] == [("ok", "open"), ("ok", "send"), ("ok", "read back")]


async def test_a_document_that_was_taken_and_is_not_found_is_a_fault(tmp_path: Path) -> None:
    settings = Settings(type="asked", answers="forgets")
    found = try_output("out", settings, tmp_path, host="moby", stamps=UTC_STAMPS, found_seconds=0.0)
    assert [step.verdict async for step in found][-1] == "fail"


@pytest.mark.parametrize("settings", [ndjson_file.Settings(), store.Settings(commit_seconds=0.02), null.Settings()])
async def test_our_own_outputs_take_it(tmp_path: Path, settings: ShipperSettings) -> None:
    async with asyncio.timeout(20):
        steps = await tried(settings, tmp_path)
    assert {step.verdict for step in steps} == {"ok"}
    assert steps[-1].text.startswith("not possible" if settings.type == "null" else "found after")


def test_the_document_tells_who_sent_it() -> None:
    segment = trying_output.marked("moby", UTC_STAMPS)
    assert b'"@target":"pilotfish-test"' in segment.documents[0]
    assert b"sent by moby at 20" in segment.documents[0]
    assert segment.ids != trying_output.marked("moby", UTC_STAMPS).ids
