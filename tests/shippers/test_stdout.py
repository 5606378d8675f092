"""Standard output: the laws of every shipper, then what a reader that goes or stands still does."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.documents.forms import form_of
from collector.errors import Unavailable
from collector.ports import OutputContext, Shipper
from shippers.stdout import Settings, Stdout
from tests.contract.faults import file_size_limit
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import Destination, ShipperContract


class OutputFile:
    """Standard output directed to a file: what was written can be read back."""

    settings = Settings()

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        self.path = path
        self.descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def open(self) -> Shipper:
        return Stdout(self.descriptor)

    async def stored(self) -> dict[str, list[bytes]]:
        return documents(self.path.read_bytes())


def documents(text: bytes) -> dict[str, list[bytes]]:
    """Lines beginning with `_id` → the documents without it, by id."""
    found: dict[str, list[bytes]] = {}
    for line in text.splitlines():
        head, _, rest = line.partition(b",")
        found.setdefault(json.loads(head + b"}")["_id"], []).append(b"{" + rest)
    return found


class TestStdoutKeepsTheLawsOfShippers(ShipperContract):
    deduplicates = False
    takes_anything = True

    @pytest.fixture
    def destination(self, site: OutputContext) -> Iterator[Destination]:
        output = OutputFile(site.directory / "output")
        yield output
        os.close(output.descriptor)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_the_settings_open_a_shipper_to_descriptor_one(tmp_path: Path) -> None:
    assert isinstance(Settings().open(OutputContext("out", tmp_path)), Stdout)


async def test_a_reader_that_has_gone_makes_the_output_unavailable_with_a_remedy(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    shipper = Stdout(writing)
    with pytest.raises(Unavailable) as caught:
        await shipper.ship(batch(plain_segment(1)))
    assert "no program reads" in caught.value.cause
    assert caught.value.remedy
    await shipper.aclose()


async def test_a_closed_standard_output_is_unavailable(pipe: tuple[int, int]) -> None:
    _, writing = pipe
    os.close(writing)
    shipper = Stdout(writing)
    with pytest.raises(Unavailable):
        await shipper.ship(batch(plain_segment(1)))
    await shipper.aclose()


async def test_a_reader_that_stands_still_holds_neither_the_loop_nor_closing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    shipper = Stdout(writing)
    under_way = asyncio.create_task(shipper.ship(batch(plain_segment(10_000))))
    await asyncio.to_thread(os.read, reading, 10)  # it has begun, and the rest is more than a pipe holds
    await shipper.aclose()
    with pytest.raises(Unavailable):
        await under_way


async def test_a_slow_reader_gets_every_line_whole(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    shipper = Stdout(writing)
    parts = [batch(plain_segment(1_000, first=1_000 * n)) for n in range(4)]

    async def read_all() -> bytes:
        text = b""
        while text.count(b"\n") < 4_000:
            text += await asyncio.to_thread(os.read, reading, 3_000)
        return text

    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(read_all())
        for part in parts:
            tasks.create_task(shipper.ship(part))
    assert len(documents(reader.result())) == 4_000
    await shipper.aclose()


async def test_after_a_torn_line_the_batch_begins_on_a_line_of_its_own(
    tmp_path: Path,
) -> None:
    output = tmp_path / "output"
    sent = batch(plain_segment(100))
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    shipper = Stdout(descriptor)
    with file_size_limit(5_000), pytest.raises(Unavailable):
        await shipper.ship(sent)
    await shipper.ship(sent)
    await shipper.aclose()
    os.close(descriptor)
    lines = output.read_bytes().splitlines()
    whole = [line for line in lines if line.endswith(b"}")]
    assert len(lines) == len(whole) + 1
    assert set(documents(b"\n".join(whole))) == set(sent.segments[0].ids)


async def test_the_lines_are_documents_in_the_form_that_is_asked_for(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    sent = batch(plain_segment(1))
    shipper = Stdout(writing, Settings(document="ecs").form)
    await shipper.ship(sent)
    await shipper.aclose()
    (wanted,) = form_of("ecs").written(sent.segments[0].documents)
    assert json.loads(os.read(reading, 1 << 16)) == {"_id": sent.segments[0].ids[0]} | json.loads(wanted)
