"""docs/specification.md says what the code does: its example, its formats, and the tests that it names.

What the agent writes is read here by what the page says alone, with the standard library: so could another program.
"""

import gzip
import json
import re
import struct
from base64 import urlsafe_b64encode
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from collector.dead_letters.folder import files_of
from collector.dead_letters.letter import Letter
from collector.delivery.spool.entries import Entry
from collector.delivery.spool.files import Spool
from collector.delivery.spool.records import FILE_HEADER, RECORD_HEADER, VERSION, file_header
from collector.documents.ids import ID_SCHEME
from collector.model import Chunk, FileId, LogStream, Position, Segment
from collector.sources.log_files import Generation, LogFile
from collector.state import places
from collector.state.positions_file import PositionsFile, Saved
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.reference import ROOT

PAGE = (ROOT / "docs" / "specification.md").read_text("utf-8")
BLOCKS = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def section(number: int) -> str:
    return PAGE.partition(f"\n## {number}. ")[2].partition("\n## ")[0]


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    shared = re.findall(r"def (test_\w+)", (ROOT / "tests/contract/shippers.py").read_text("utf-8"))
    assert len(named) > 100
    assert named - there - set(shared) == set()


def test_every_section_names_code_and_tests() -> None:
    numbers = [int(number) for number in re.findall(r"^## (\d+)\. ", PAGE, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [number for number in numbers if "\nCode: `" not in section(number)] == []
    assert [number for number in numbers if not re.search(r"\bTests: `test_", section(number))] == []


def test_the_rules_of_a_section_are_numbered_in_order() -> None:
    for number in range(1, 15):
        rules = [int(rule) for rule in re.findall(r"^(\d+)\. ", section(number), re.MULTILINE)]
        assert rules == list(range(1, len(rules) + 1)), number


def test_a_rule_that_is_cited_exists() -> None:
    for cited, rule in re.findall(r"rule (\d+)\.(\d+)", PAGE):
        assert re.search(rf"^{rule}\. ", section(int(cited)), re.MULTILINE), (cited, rule)


def example(tmp_path: Path) -> tuple[FileId, Segment]:
    """The file of the page's example, and what the transform makes of it."""
    raw = BLOCKS[0].encode()
    log = tmp_path / "log"
    log.write_bytes(raw)
    head = LogFile(Generation(log, 0, 0, compressed=False)).head() or ""
    (container_id,) = set(re.findall(r"`([0-9a-f]{64})`", section(3)))
    file = FileId(container_id, head, 0)
    stream = LogStream(
        container_id=container_id,
        container="usercenter-1",
        entry="usercenter-go-ol",
        target="usercenter-go-ol",
        path=str(log),
        running=True,
        fields={"host": "node-7", "@target": "usercenter-go-ol", "docker_container": "usercenter-1"},
    )
    chunk = Chunk(stream=stream, data=raw, start=Position(file, 0, 0), end=Position(file, len(raw), 2))
    (segment,) = DockerJson(Stamps()).segments(chunk)
    return file, segment


def test_the_example_is_what_the_transform_makes(tmp_path: Path) -> None:
    _, segment = example(tmp_path)
    assert b"".join(document + b"\n" for document in segment.documents) == BLOCKS[1].encode()
    assert [f"`{name}`" in section(3) for name in segment.ids] == [True, True]


def test_an_id_can_be_made_by_the_page_alone(tmp_path: Path) -> None:
    file, segment = example(tmp_path)
    first_line = BLOCKS[0].encode().partition(b"\n")[0] + b"\n"
    head = blake2b(first_line, digest_size=16).hexdigest()
    parts = json.dumps([1, file.container_id, head, 0, segment.stream.entry], separators=(",", ":"), ensure_ascii=False)
    short_hash = urlsafe_b64encode(blake2b(parts.encode(), digest_size=9).digest()).decode()
    assert list(segment.ids) == [f"{short_hash}-0", f"{short_hash}-1"]


def test_positions_can_be_read_by_the_page_alone(tmp_path: Path) -> None:
    saved = Saved("c0ffee", "web", "shop", 1.5, head="ab", ordinal=2, offset=300, line=4)
    file = PositionsFile(tmp_path, "elastic")
    file.write(*file.encode([saved]))
    file.write(*file.encode([saved]))
    assert {path.name for path in tmp_path.iterdir()} == {"elastic.positions", "elastic.positions.old"}
    checksum, body, rest = (tmp_path / "elastic.positions").read_bytes().split(b"\n")
    assert (checksum.decode(), rest) == (blake2b(body, digest_size=16).hexdigest(), b"")
    assert json.loads(body) == {
        "version": 1,
        "id_scheme": 1,
        "streams": [
            {"container_id": "c0ffee", "entry": "web", "target": "shop", "seen": 1.5}
            | {"head": "ab", "ordinal": 2, "offset": 300, "line": 4}
        ],
    }


def test_a_spool_can_be_read_by_the_page_alone(tmp_path: Path) -> None:
    _, segment = example(tmp_path)
    directory = tmp_path / "spool" / "elastic"
    spool = Spool(directory, 1 << 20)
    spool.append([segment], [segment.ids[1]])
    content = (directory / "00000001.spool").read_bytes()
    magic, version, mark, checksum = struct.unpack_from("<8sI8sI", content)
    assert (magic, version, checksum) == (b"pilotfsp", 1, crc32(content[:20] + bytes(4)))
    count, length, of_payload, of_header = struct.unpack_from("<IIII", content, 24)
    payload = content[40:]
    assert (count, length, of_payload) == (2, len(payload), crc32(payload))
    assert of_header == crc32(content[24:36] + bytes(4))
    stream = segment.stream
    kept = [stream.container_id, stream.container, stream.entry, stream.target, segment.day]
    documents = [[*kept, list(segment.ids), segment.documents]]
    assert msgspec.msgpack.decode(gzip.decompress(payload)) == [documents, [segment.ids[1]]]
    entry = spool.take()
    assert isinstance(entry, Entry)
    spool.append([segment], [])
    spool.done(entry)
    cursor = (directory / "cursor").read_bytes()
    assert struct.unpack("<8sQI", cursor) == (mark, len(content), crc32(cursor[:16] + bytes(4)))


def test_formats_of_files_are_those_of_the_code(tmp_path: Path) -> None:
    assert f"[{ID_SCHEME}, container id, head, ordinal, entry name]" in section(5)
    assert f"`{FILE_HEADER.format}`" in section(8)
    assert f"`{RECORD_HEADER.format}`" in section(8)
    assert file_header(VERSION, b"").startswith(b"pilotfsp")
    assert f"`pilotfsp`, version {VERSION}" in section(8)
    assert f"CRC-32 of these {FILE_HEADER.size} bytes" in section(8)
    (tmp_path / "00000001.ndjson").touch()
    assert len(files_of(tmp_path)) == 1


@pytest.mark.parametrize(
    "member", [name for name in Saved.__struct_fields__ if name not in ("container_id", "entry", "target")]
)
def test_every_member_of_a_position_is_described(member: str) -> None:
    rows = [line for line in section(9).splitlines() if line.startswith("| `")]
    assert [row for row in rows if f"`{member}`" in row.split("|")[1]], member


@pytest.mark.parametrize("member", Letter.__struct_encode_fields__)
def test_every_member_of_a_dead_letter_is_described(member: str) -> None:
    assert f"`{member}`" in section(7)


@pytest.mark.parametrize(
    "name",
    [
        places.LOCK,
        places.TOKEN_FILE,
        places.ADDRESS_FILE,
        places.HOST_FILE,
        places.POSITIONS,
        places.SPOOL,
        places.DEAD_LETTERS,
        places.OUTPUTS,
        places.WORKERS,
        places.ROUTES,
    ],
)
def test_every_name_in_the_state_directory_is_described(name: str) -> None:
    assert f"\n| `{name}` |" in section(11)
