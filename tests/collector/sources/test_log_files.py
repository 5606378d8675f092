"""Laws of a log's files: which belong to it and in which order, who is who, and what may be opened."""

import gzip
import os
from pathlib import Path

import pytest

from collector.sources.log_files import Generation, LogFile, generations, head_of, size_of


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


@pytest.mark.parametrize("content", [b"", b"no gzip at all\n", gzip.compress(b"x" * 9)[:12]])
def test_a_compressed_file_that_is_torn_just_ends(tmp_path: Path, content: bytes) -> None:
    assert content_of(written(tmp_path / "a.gz", content)) == b""


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
    assert size_of(written(tmp_path / "a", b"12345")) == 5
    assert size_of(written(tmp_path / "a.gz", gzip.compress(b"12345"))) == 0
    assert size_of(Generation(tmp_path / "none", 1, 0, False)) == 0
