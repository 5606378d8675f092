"""Laws of the spool: what was taken in is given back until it is done, in order and unchanged, or told as lost."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.delivery.spool.entries import Entry, Lost, SpoolFull
from collector.delivery.spool.files import Spool
from collector.delivery.spool.records import FILE_HEADER, RECORD_HEADER, encode, file_header
from collector.errors import StateError
from collector.model import Segment
from tests.contract.faults import Unsyncable, file_size_limit
from tests.contract.segments import batch, by_id, plain_segment

MANY = 1 << 30


def spool(directory: Path, *, max_bytes: int = MANY, file_bytes: int = MANY) -> Spool:
    return Spool(directory / "out", max_bytes, file_bytes=file_bytes)


def files(directory: Path) -> list[Path]:
    return sorted((directory / "out").glob("*.spool"))


def records(count: int, *, first: int = 0) -> list[Segment]:
    return [plain_segment(3, first=100 * n) for n in range(first, first + count)]


def filled(directory: Path, count: int, *, file_bytes: int = MANY) -> list[Segment]:
    """A spool of an earlier run with so many records of a segment each."""
    earlier = spool(directory, file_bytes=file_bytes)
    for each in (found := records(count)):
        earlier.append([each], [])
    return found


def taken(found: Spool) -> list[Entry | Lost]:
    return list(iter(found.take, None))


def documents(entries: Sequence[Entry | Lost]) -> dict[str, bytes]:
    return by_id(batch(*one.record.segments) for one in entries if isinstance(one, Entry))


def test_what_is_spooled_comes_back_in_order_and_unchanged(tmp_path: Path) -> None:
    found = spool(tmp_path)
    first, second = [plain_segment(3), plain_segment(2, "till")], [plain_segment(4, first=10)]
    found.append(first, first[0].ids[:1])
    found.append(second, [])
    one, two = (entry for entry in taken(found) if isinstance(entry, Entry))
    assert [list(by_id([batch(*it.record.segments)]).items()) for it in (one, two)] == [
        list(by_id([batch(*segments)]).items()) for segments in (first, second)
    ]
    assert one.record.texts == {first[0].ids[0]}
    segment = one.record.segments[1]
    assert (segment.stream.target, segment.stream.container, segment.stream.key, segment.day, segment.size) == (
        "till",
        first[1].stream.container,
        first[1].stream.key,
        first[1].day,
        first[1].size,
    )


def test_what_is_not_done_is_there_after_a_restart_and_what_is_done_is_not(tmp_path: Path) -> None:
    found = spool(tmp_path)
    sent = records(4)
    for each in sent:
        found.append([each], [])
    entries = [entry for entry in taken(found) if isinstance(entry, Entry)]
    found.done(entries[0])
    found.done(entries[2])  # behind one that is not: it may come again
    again = taken(spool(tmp_path))
    assert documents(again) == by_id([batch(*sent[1:])])


def test_files_are_removed_when_all_of_their_records_are_done(tmp_path: Path) -> None:
    found = spool(tmp_path, file_bytes=1)
    for each in records(3):
        found.append([each], [])
    assert len(files(tmp_path)) == 3
    for entry in taken(found):
        assert isinstance(entry, Entry)
        found.done(entry)
    assert files(tmp_path) == []
    assert (found.is_empty, found.size_bytes) == (True, 0)
    found.append(records(1), [])
    assert len(taken(found)) == 1


def test_a_file_that_is_being_written_goes_too_once_it_is_done(tmp_path: Path) -> None:
    found = spool(tmp_path)
    for round_ in range(3):
        found.append(records(1, first=round_), [])
        (entry,) = taken(found)
        assert isinstance(entry, Entry)
        found.done(entry)
        assert files(tmp_path) == []


def test_files_are_the_owners_only(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    assert files(tmp_path)[0].stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert len(taken(spool(tmp_path))) == 1
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


# ------------------------------------------------------------------ no room, no disk


def test_the_cap_counts_bytes_on_disk_and_ends_when_there_is_room_again(tmp_path: Path) -> None:
    size = len(encode(records(1), []))
    found = spool(tmp_path, max_bytes=int(2.7 * size))
    found.append(records(1), [])
    found.append(records(1), [])
    assert found.size_bytes == sum(path.stat().st_size for path in files(tmp_path))
    with pytest.raises(SpoolFull):
        found.append(records(1), [])
    for entry in taken(found):
        assert isinstance(entry, Entry)
        found.done(entry)
    found.append(records(1), [])


def test_a_full_disk_takes_nothing_spoils_nothing_and_is_left_behind(tmp_path: Path) -> None:
    found = spool(tmp_path)
    sent = records(3)
    found.append(sent[:1], [])
    with file_size_limit(found.size_bytes + 20), pytest.raises(OSError, match="large"):
        found.append(sent[1:2], [])
    assert found.size_bytes == sum(path.stat().st_size for path in files(tmp_path))
    found.append(sent[2:], [])
    assert len(files(tmp_path)) == 2  # never to the file whose write failed
    for reader in (found, spool(tmp_path)):
        assert documents(taken(reader)) == by_id([batch(sent[0], sent[2])])


def test_a_disk_that_takes_not_even_a_header_leaves_no_file(tmp_path: Path) -> None:
    found = spool(tmp_path)
    with file_size_limit(FILE_HEADER.size - 1), pytest.raises(OSError, match="large"):
        found.append(records(1), [])
    assert (files(tmp_path), found.size_bytes) == ([], 0)
    found.append(records(1), [])


def test_a_directory_that_cannot_be_made_is_an_error_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(StateError, match="cannot be read"):
        spool(tmp_path)
    (tmp_path / "out").unlink()
    found = spool(tmp_path)
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="irectory"):
        found.append(records(1), [])


def test_a_record_counts_when_the_directories_above_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    state = Unsyncable(tmp_path)
    found = spool(state.below)
    for _ in range(2):
        with pytest.raises(OSError, match="Invalid argument"):
            found.append(records(1), [])
        assert (files(state.below), found.is_empty) == ([], True)
    state.mend()
    found.append(records(1), [])
    assert len(taken(found)) == 1


# ------------------------------------------------------------------ what became of it on disk


def test_a_torn_last_record_is_cut_off_in_silence(tmp_path: Path) -> None:
    sent = filled(tmp_path, 3)
    (path,) = files(tmp_path)
    os.truncate(path, path.stat().st_size - 1)
    found = spool(tmp_path)
    assert found.size_bytes == path.stat().st_size
    assert documents(entries := taken(found)) == by_id([batch(*sent[:2])])
    assert len(entries) == 2


def test_blocks_that_were_reserved_and_never_written_are_a_torn_tail(tmp_path: Path) -> None:
    sent = filled(tmp_path, 1)
    (path,) = files(tmp_path)
    with path.open("ab") as file:
        file.write(bytes(100_000))
    assert documents(entries := taken(spool(tmp_path))) == by_id([batch(*sent)])
    assert len(entries) == 1


def test_a_file_that_was_only_just_begun_is_a_torn_tail(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    for name, size in (("00000002", FILE_HEADER.size), ("00000003", 5)):
        (tmp_path / "out" / f"{name}.spool").write_bytes(file_header(1, bytes(8))[:size])
        assert len(taken(spool(tmp_path))) == 1
        assert len(files(tmp_path)) == 1


def test_a_damaged_record_is_told_with_its_documents_and_the_others_come(tmp_path: Path) -> None:
    sent = filled(tmp_path, 3)
    (path,) = files(tmp_path)
    flip(path, FILE_HEADER.size + RECORD_HEADER.size + 5)
    entries = taken(found := spool(tmp_path))
    assert [one.documents for one in entries if isinstance(one, Lost)] == [3]
    assert documents(entries) == by_id([batch(*sent[1:])])
    for entry in entries[1:]:
        assert isinstance(entry, Entry)
        found.done(entry)
    assert files(tmp_path) == []


def test_a_damaged_header_ends_its_file_and_no_other(tmp_path: Path) -> None:
    sent = filled(tmp_path, 3, file_bytes=1)
    flip(files(tmp_path)[1], FILE_HEADER.size + 1)
    entries = taken(spool(tmp_path))
    assert [one.documents for one in entries if isinstance(one, Lost)] == [1]
    assert documents(entries) == by_id([batch(sent[0], sent[2])])


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    found = spool(tmp_path)
    files(tmp_path)[0].unlink()
    assert [one.documents for one in taken(found) if isinstance(one, Lost)] == [1]
    assert found.is_empty


def test_a_damaged_cursor_only_means_that_more_is_sent_again(tmp_path: Path) -> None:
    found = spool(tmp_path)
    sent = records(2)
    for each in sent:
        found.append([each], [])
    (entry, _) = taken(found)
    assert isinstance(entry, Entry)
    found.done(entry)
    assert documents(taken(spool(tmp_path))) == by_id([batch(sent[1])])
    flip(tmp_path / "out" / "cursor", 9)
    assert documents(taken(spool(tmp_path))) == by_id([batch(*sent)])


def test_a_spool_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    (path,) = files(tmp_path)
    path.write_bytes(file_header(2, bytes(8)) + path.read_bytes()[FILE_HEADER.size :])
    with pytest.raises(StateError, match="newer pilotfish: run that version"):
        spool(tmp_path)


@given(st.integers(1, 4), st.booleans(), st.data())
def test_any_cut_leaves_a_prefix(
    tmp_path_factory: pytest.TempPathFactory, count: int, in_many_files: bool, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    sent = filled(directory, count, file_bytes=1 if in_many_files else MANY)
    path = files(directory)[-1]
    os.truncate(path, data.draw(st.integers(0, path.stat().st_size)))
    found = list(documents(taken(spool(directory))).items())
    assert found == list(by_id([batch(*sent)]).items())[: len(found)]
    assert len(found) % 3 == 0


@given(st.integers(1, 4), st.booleans(), st.data())
def test_any_flipped_byte_forges_nothing_and_is_told_unless_it_is_in_the_last_record(
    tmp_path_factory: pytest.TempPathFactory, count: int, in_many_files: bool, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    sent = filled(directory, count, file_bytes=1 if in_many_files else MANY)
    path = data.draw(st.sampled_from(files(directory)))
    offset = data.draw(st.integers(0, path.stat().st_size - 1))
    last_begins = path.stat().st_size - len(encode([sent[-1]], []))
    flip(path, offset, data.draw(st.integers(1, 255)))
    is_newest = path == files(directory)[-1]
    entries = taken(spool(directory))
    everything = by_id([batch(*sent)])
    found = documents(entries)
    assert found.items() <= everything.items()
    if offset < FILE_HEADER.size:
        assert found == everything
    elif not is_newest or offset < last_begins:
        lost = sum(one.documents for one in entries if isinstance(one, Lost))
        assert 1 <= lost <= len(everything) - len(found)


def flip(path: Path, offset: int, mask: int = 0xFF) -> None:
    body = bytearray(path.read_bytes())
    body[offset] ^= mask
    path.write_bytes(body)
