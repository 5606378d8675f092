"""The file of JSON lines: the laws of every shipper, then rotation, mending and what others do to the file."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from collector.documents.forms import FORMS, form_of
from collector.errors import ConfigurationError, Unavailable
from collector.ports import LogPilot, OutputContext, Shipper
from shippers.ndjson_file import NdjsonFile, Settings
from tests.contract.faults import file_size_limit
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import Destination, ShipperContract

SENT = batch(plain_segment(100))
LINES_BYTES = SENT.size + sum(len(name) + len('"_id":"",\n') for name in SENT.segments[0].ids)


def file_at(path: Path, *, max_bytes: int = 1 << 30, keep: int = 3) -> NdjsonFile:
    return NdjsonFile(path, max_bytes=max_bytes, keep=keep)


def left_behind(path: Path, text: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(text)


def moved(path: Path) -> None:
    path.rename(path.with_name("moved"))


def removed(path: Path) -> None:
    path.unlink()


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def ids(path: Path) -> list[str]:
    """The `_id` of each line, all of which are whole."""
    return [json.loads(line)["_id"] for line in lines(path)]


class FileDestination:
    settings = Settings()

    def __init__(self, site: OutputContext) -> None:
        self.site = site

    def open(self) -> Shipper:
        return self.settings.open(self.site)

    async def stored(self) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        for line in (self.site.directory / f"{self.site.output}.ndjson").read_bytes().splitlines():
            head, _, rest = line.partition(b",")
            found.setdefault(json.loads(head + b"}")["_id"], []).append(b"{" + rest)
        return found


class TestNdjsonFileKeepsTheLawsOfShippers(ShipperContract):
    deduplicates = False
    takes_anything = True

    @pytest.fixture
    def destination(self, site: OutputContext) -> Destination:
        return FileDestination(site)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "logs.ndjson"


async def test_a_relative_path_stands_below_the_outputs_directory_and_an_absolute_one_where_it_says(
    tmp_path: Path,
) -> None:
    for configured, expected in ((Path("a/b"), tmp_path / "site/a/b"), (tmp_path / "c", tmp_path / "c")):
        shipper = Settings(path=configured).open(OutputContext("out", tmp_path / "site"))
        await shipper.ship(SENT)
        await shipper.aclose()
        assert ids(expected) == SENT.segments[0].ids


def test_a_directory_as_path_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a directory"):
        Settings(path=tmp_path).open(OutputContext("out", tmp_path))


@pytest.mark.parametrize("is_there_first", [True, False])
async def test_what_is_no_file_is_refused_and_nothing_is_written_to_it(tmp_path: Path, is_there_first: bool) -> None:
    """A pipe that nobody reads would hold the thread, and with it the end of the process, for ever."""
    pipe = tmp_path / "pipe"
    if is_there_first:
        os.mkfifo(pipe)
        for path in (pipe, Path("/dev/null")):
            with pytest.raises(ConfigurationError, match=f"{path} is a pipe, a device or a socket: name a file"):
                Settings(path=path).open(OutputContext("out", tmp_path))
        return
    shipper = Settings(path=pipe).open(OutputContext("out", tmp_path))
    os.mkfifo(pipe)
    with pytest.raises(Unavailable, match="is a pipe"):
        await asyncio.wait_for(shipper.ship(SENT), 5)
    await shipper.aclose()


@pytest.mark.parametrize("kept_of_the_tail", [1, 8, 40, 80_000])
async def test_half_a_line_left_by_a_crash_is_taken_away(path: Path, kept_of_the_tail: int) -> None:
    torn = b'{"_id":"x-2","log":{"message":"' + b"m" * 100_000
    left_behind(path, b'{"_id":"x-1"}\n' + torn[:kept_of_the_tail])
    shipper = file_at(path)
    await shipper.ship(SENT)
    await shipper.aclose()
    assert ids(path) == ["x-1", *SENT.segments[0].ids]


async def test_what_others_wrote_without_a_newline_stays_on_a_line_of_its_own(path: Path) -> None:
    left_behind(path, b"# not ours")
    shipper = file_at(path)
    await shipper.ship(SENT)
    await shipper.aclose()
    assert lines(path)[0] == b"# not ours"
    assert len(lines(path)) == 101


async def test_the_file_is_rotated_before_it_grows_over_its_size_and_the_newest_are_kept(path: Path) -> None:
    shipper = file_at(path, max_bytes=2 * LINES_BYTES + 1_000, keep=2)
    parts = [plain_segment(100, first=100 * n) for n in range(7)]
    for part in parts:
        await shipper.ship(batch(part))
    await shipper.aclose()
    assert sorted(file.name for file in path.parent.iterdir()) == [f"{path.name}{end}" for end in ("", ".1", ".2")]
    files = [path.with_name(path.name + end) for end in (".2", ".1", "")]
    assert [name for file in files for name in ids(file)] == [name for part in parts[2:] for name in part.ids]


async def test_with_nothing_kept_the_file_begins_anew(path: Path) -> None:
    shipper = file_at(path, max_bytes=LINES_BYTES, keep=0)
    await shipper.ship(SENT)
    await shipper.ship(SENT)
    await shipper.aclose()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert len(ids(path)) == 100


async def test_a_batch_over_the_size_has_a_file_of_its_own(path: Path) -> None:
    shipper = file_at(path, max_bytes=10)
    await shipper.ship(SENT)
    await shipper.ship(SENT)
    await shipper.aclose()
    assert len(ids(path)) == len(ids(path.with_name(path.name + ".1"))) == 100


async def test_a_file_moved_or_removed_by_others_is_made_anew(path: Path) -> None:
    shipper = file_at(path)
    await shipper.ship(SENT)
    moved(path)
    await shipper.ship(SENT)
    assert len(ids(path)) == len(ids(path.with_name("moved"))) == 100
    removed(path)
    await shipper.ship(SENT)
    await shipper.aclose()
    assert len(ids(path)) == 100


async def test_a_path_that_cannot_be_is_unavailable_until_it_can(path: Path) -> None:
    path.parent.write_text("a file where a directory is needed")
    shipper = file_at(path)
    with pytest.raises(Unavailable) as caught:
        await shipper.ship(SENT)
    assert str(path) in caught.value.cause
    assert caught.value.remedy
    path.parent.unlink()
    await shipper.ship(SENT)
    await shipper.aclose()
    assert len(ids(path)) == 100


async def test_a_check_tells_whether_the_file_can_be_written_and_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "out.ndjson"
    assert await file_at(path).probe() == f"{path}: will be created"
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").touch()
    with pytest.raises(Unavailable, match=f"^{path} cannot be created: {tmp_path}/a is not a directory: set path to"):
        await file_at(path).probe()
    assert await file_at(tmp_path / "a").probe() == f"{tmp_path}/a: exists"


async def test_a_full_disk_is_unavailable_and_leaves_whole_lines_only(path: Path) -> None:
    shipper = file_at(path)
    await shipper.ship(SENT)
    with file_size_limit(LINES_BYTES + 5_000), pytest.raises(Unavailable):
        await shipper.ship(batch(plain_segment(100, first=100)))
    assert ids(path) == SENT.segments[0].ids
    await shipper.ship(batch(plain_segment(100, first=100)))
    await shipper.aclose()
    assert len(ids(path)) == len(set(ids(path))) == 200


async def test_a_file_that_another_writes_is_unavailable_until_that_one_has_ended(path: Path) -> None:
    first, second = file_at(path), file_at(path)
    await first.ship(SENT)
    with pytest.raises(Unavailable, match="another process"):
        await second.ship(SENT)
    await first.aclose()
    await second.ship(SENT)
    await second.aclose()


async def test_a_closed_file_takes_nothing_more(path: Path) -> None:
    shipper = file_at(path)
    await shipper.aclose()
    with pytest.raises(Unavailable):
        await shipper.ship(SENT)


def test_log_pilots_files_become_one_file_of_its_size_and_number() -> None:
    variables = {"FILE_PATH": "/data", "FILE_ROTATE_SIZE": "1000", "FILE_NUMBER_OF_FILES": "7", "FILE_COMPRESS": "gzip"}
    found = Settings.from_log_pilot(LogPilot("file", variables))
    assert found is not None
    assert found.options == {"path": "/data/pilotfish.ndjson", "max_bytes": 1_024_000, "keep": 7}
    assert found.idle.keys() == {"FILE_COMPRESS"}
    assert Settings.from_log_pilot(LogPilot("kafka", variables)) is None
    with pytest.raises(ConfigurationError, match="FILE_PATH: is missing"):
        Settings.from_log_pilot(LogPilot("file", {"FILE_NAME": "x"}))


@pytest.mark.parametrize("form", FORMS)
async def test_the_lines_are_documents_in_the_form_that_is_asked_for(path: Path, form: str) -> None:
    shipper = Settings(path=path, document=form).open(OutputContext("out", path.parent))
    await shipper.ship(SENT)
    await shipper.aclose()
    wanted = form_of(form).written(SENT.segments[0].documents)
    assert [json.loads(line) for line in lines(path)] == [
        {"_id": name} | json.loads(document) for name, document in zip(SENT.segments[0].ids, wanted, strict=True)
    ]
