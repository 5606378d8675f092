"""docs/specification.md says what the code does: its example, its formats, and the tests that it names."""

import re
from pathlib import Path

import pytest

from collector import places
from collector.dead_letters.folder import files_of
from collector.dead_letters.letter import Letter
from collector.model import Chunk, FileId, LogStream, Position
from collector.positions_file import Saved
from collector.sources.log_files import Generation, LogFile
from collector.spool_records import FILE_HEADER, RECORD_HEADER, VERSION, file_header
from collector.transform.docker_json import DockerJson
from collector.transform.ids import ID_SCHEME
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


def test_the_example_is_what_the_transform_makes(tmp_path: Path) -> None:
    raw, documents = (block.encode() for block in BLOCKS)
    log = tmp_path / "log"
    log.write_bytes(raw)
    head = LogFile(Generation(log, 0, 0, compressed=False)).head() or ""
    (container_id,) = set(re.findall(r"`([0-9a-f]{64})`", section(3)))
    file = FileId(container_id, head, 0)
    constants = '"host":"node-7","@target":"usercenter-go-ol","docker_container":"usercenter-1"'
    stream = LogStream(
        container_id=container_id,
        container="usercenter-1",
        entry="usercenter-go-ol",
        target="usercenter-go-ol",
        path=str(log),
        running=True,
        constants=constants,
    )
    chunk = Chunk(stream=stream, data=raw, start=Position(file, 0, 0), end=Position(file, len(raw), 2))
    (segment,) = DockerJson(Stamps()).segments(chunk)
    assert b"".join(document + b"\n" for document in segment.documents) == documents
    assert [f"`{name}`" in section(3) for name in segment.ids] == [True, True]


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
    ],
)
def test_every_name_in_the_state_directory_is_described(name: str) -> None:
    assert f"\n| `{name}` |" in section(11)
