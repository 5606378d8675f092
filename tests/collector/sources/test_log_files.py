"""Laws of a log's files: which belong to it and in which order, who is who, and what may be opened."""

import gzip
import os
import tracemalloc
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.sources.fingerprint import fingerprint
from collector.sources.log_files import Generation, LogFile, generations, head_of


def written(path: Path, content: bytes) -> Generation:
    path.write_bytes(content)
    return Generation(path, path.stat().st_ino, 0, path.suffix == ".gz")


def content_of(generation: Generation, *, size: int = 7) -> bytes:
    file = LogFile(generation)
    try:
        found = b""
        while more := file.read(len(found), size):
            found += more
        return found
    finally:
        file.close()


def test_generations_are_told_oldest_first_and_nothing_else_is_a_log(tmp_path: Path) -> None:
    names = ["x.log", "x.log.1", "x.log.2.gz", "x.log.10.gz", "x.log.9"]
    others = [
        "y.log",
        "x.log.gz",
        "x.log.1.bak",
        "x.log.",
        "x.log.-1",
        "x.log.1.gz.tmp",
        "x.logs",
        "x.log.\uff11",
        "config.v2.json",
    ]
    for name in [*names, *others]:
        (tmp_path / name).touch()
    (tmp_path / "x.log.3").mkdir()
    (tmp_path / "x.log.4").symlink_to(tmp_path / "y.log")
    found = generations(tmp_path / "x.log")
    assert [(one.path.name, one.number, one.compressed) for one in found] == [
        ("x.log.10.gz", 10, True),
        ("x.log.9", 9, False),
        ("x.log.2.gz", 2, True),
        ("x.log.1", 1, False),
        ("x.log", 0, False),
    ]


def test_while_a_file_is_being_compressed_the_plain_one_counts(tmp_path: Path) -> None:
    for name in ("x.log", "x.log.1", "x.log.1.gz"):
        (tmp_path / name).touch()
    assert [one.path.name for one in generations(tmp_path / "x.log")] == ["x.log.1", "x.log"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        generations(tmp_path / "none" / "x.log")


def test_plain_and_compressed_files_read_the_same_at_any_offset(tmp_path: Path) -> None:
    content = b"".join(b"line %d\n" % n for n in range(3000))
    plain = written(tmp_path / "a", content)
    packed = written(tmp_path / "a.gz", gzip.compress(content))
    assert content_of(plain) == content_of(packed) == content
    file = LogFile(packed)
    for offset in (20_000, 5, 0, 20_000, len(content), len(content) + 9):
        assert file.read(offset, 100) == content[offset : offset + 100]
    file.close()


def test_a_compressed_file_of_several_members_is_read_whole(tmp_path: Path) -> None:
    packed = written(tmp_path / "a.gz", gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert content_of(packed) == b"one\ntwo\n"


NOISE = Random(1).randbytes(100_000)
PACKED = gzip.compress(NOISE, mtime=0)


@pytest.mark.parametrize("content", [b"", b"no gzip at all\n", PACKED[:9]])
def test_what_is_no_gzip_file_is_empty(tmp_path: Path, content: bytes) -> None:
    assert content_of(written(tmp_path / "a.gz", content)) == b""


@pytest.mark.parametrize("end", [50_000, len(PACKED) - 9, len(PACKED) - 1])
def test_what_stands_before_a_tear_is_read_and_the_tear_is_told(tmp_path: Path, end: int) -> None:
    generation = written(tmp_path / "a.gz", PACKED[:end])
    found = content_of(generation, size=4096)
    assert NOISE.startswith(found)
    assert len(found) > end - 9000
    file = LogFile(generation)
    assert (file.is_torn, len(file.read(0, 1 << 20)), file.is_torn) == (False, len(found), True)
    file.close()


def test_what_stands_before_a_damage_is_read_and_the_damage_is_told(tmp_path: Path) -> None:
    damaged = bytearray(PACKED)
    damaged[-8] ^= 1  # of the checksum
    file = LogFile(written(tmp_path / "a.gz", bytes(damaged)))
    found = file.read(0, 1 << 20)
    assert (NOISE.startswith(found), len(found) > 90_000, file.is_torn) == (True, True, True)
    file.close()


def test_a_whole_compressed_file_is_not_torn(tmp_path: Path) -> None:
    file = LogFile(written(tmp_path / "a.gz", PACKED + gzip.compress(b"more")))
    assert (file.read(0, 1 << 20), file.is_torn) == (NOISE + b"more", False)
    file.close()


def test_a_compressed_bomb_is_unpacked_in_small_steps(tmp_path: Path) -> None:
    file = LogFile(written(tmp_path / "a.gz", gzip.compress(bytes(200 << 20), 9)))
    tracemalloc.start()
    assert sum(len(file.read(offset, 1 << 16)) for offset in range(0, 200 << 20, 1 << 16)) == 200 << 20
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    file.close()


@given(
    content=st.binary(max_size=400).map(lambda it: it * 1000),
    reads=st.lists(st.tuples(st.integers(0, 450_000), st.integers(1, 300_000)), max_size=8),
)
def test_any_reads_of_a_compressed_file_give_what_a_plain_one_gives(
    content: bytes, reads: list[tuple[int, int]]
) -> None:
    with TemporaryDirectory() as folder:
        file = LogFile(written(Path(folder, "a.gz"), gzip.compress(content, 1)))
        for offset, size in reads:
            assert file.read(offset, size) == content[offset : offset + size]
        file.close()


def test_a_compressed_copy_is_known_by_its_content(tmp_path: Path) -> None:
    same, other = b"same length, line 1\n" * 50, b"same length, line 2\n" * 50
    file = LogFile(written(tmp_path / "a", same))
    assert file.is_compressed_in(written(tmp_path / "1.gz", gzip.compress(same)))
    assert not file.is_compressed_in(written(tmp_path / "2.gz", gzip.compress(other)))
    assert not file.is_compressed_in(written(tmp_path / "3.gz", gzip.compress(same)[:-3]))
    assert not file.is_compressed_in(written(tmp_path / "4", same))
    file.close()


@pytest.mark.parametrize("ending", ["a", "a.gz"])
def test_a_file_holds_a_position_while_the_line_before_it_is_the_same(tmp_path: Path, ending: str) -> None:
    lines = [b"line %d %b\n" % (n, b"x" * 40 * n) for n in range(20)]
    content = b"".join(lines)
    file = LogFile(written(tmp_path / ending, content if ending == "a" else gzip.compress(content)))
    for count in range(1, 21):
        offset = len(b"".join(lines[:count]))
        assert file.line_before(offset) == lines[count - 1][-257:-1]
        assert file.holds(offset, fingerprint(lines[count - 1][-257:-1]))
        assert file.holds(offset, "")
        assert not file.holds(offset, fingerprint(b"another"))
    assert not file.holds(len(content) + 1, "")
    assert file.holds(0, "")
    file.close()


def test_a_file_is_known_by_its_whole_first_line(tmp_path: Path) -> None:
    first = head_of(written(tmp_path / "a", b"first\nsecond\n"))
    assert first == head_of(written(tmp_path / "b", b"first\nother\n"))
    assert first == head_of(written(tmp_path / "c.gz", gzip.compress(b"first\n")))
    assert first != head_of(written(tmp_path / "d", b"first \n"))
    long = b"x" * 200_000
    assert head_of(written(tmp_path / "e", long + b"1\n")) != head_of(written(tmp_path / "f", long + b"2\n"))


def test_a_file_without_a_whole_line_is_not_known(tmp_path: Path) -> None:
    assert head_of(written(tmp_path / "a", b"")) is None
    assert head_of(written(tmp_path / "b", b"half")) is None
    assert head_of(Generation(tmp_path / "none", 1, 0, False)) is None


def test_links_pipes_and_folders_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret\n")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(OSError, match=r"regular|symbolic"):
            LogFile(Generation(tmp_path / name, 1, 0, False))


def test_an_open_file_outlives_its_name(tmp_path: Path) -> None:
    generation = written(tmp_path / "a", b"still here\n")
    file = LogFile(generation)
    generation.path.unlink()
    assert file.read(0, 100) == b"still here\n"
    assert Path(file.descriptor_path).read_bytes() == b"still here\n"
    assert (file.inode, file.size) == (generation.inode, 11)
    file.close()
    file.close()


def test_sizes_are_those_of_plain_content(tmp_path: Path) -> None:
    for generation, size in (
        (written(tmp_path / "a", b"12345"), 5),
        (written(tmp_path / "a.gz", gzip.compress(b"12345")), None),
    ):
        file = LogFile(generation)
        assert file.size == size
        file.close()
