"""Where an earlier run stopped → the file to go on in, among those that are there now."""

from typing import NamedTuple

from collector.model import FileId, Position, Resume, keep_ordinal
from collector.sources.log_files import Generation, LogFile, head_of


class Match(NamedTuple):
    """The files from which on to read, oldest first; `file` is the first of them, open, if it is as it was.

    `file` None: the one that was read is gone, or `was_cut` since and begins anew as another file. `unread` is empty
    when all that is left was read before it.
    """

    unread: list[Generation]
    file: LogFile | None = None
    was_cut: bool = False


def beginning(container_id: str, first: Generation, ordinals: dict[str, int]) -> Resume | None:
    """The start of the file with which a log will begin, to know it: that it went meanwhile would not be seen."""
    if (head := head_of(first)) is None:
        return None
    keep_ordinal(ordinals, head, 0)
    return Resume(Position(FileId(container_id, head, 0), 0, 0, first.inode), dict(ordinals), is_unsettled=True)


def find(found: list[Generation], resume: Resume) -> Match:
    """Where to go on among `found`, which holds one at least. Of several that may be the file the oldest is taken.

    Raises:
        OSError: a file cannot be read.
    """
    heads = [head_of(generation) for generation in found]
    same = [index for index, head in enumerate(heads) if head == resume.position.file.head]
    known = [index for index in same if found[index].inode == resume.position.inode]
    for index in dict.fromkeys(known + same):
        if (file := _held(found[index], resume)) is not None:
            return Match(found[index:], file)
    # Those that begin as files which were read before it are these files, left over by who cut the one after them.
    # The live file is read in any case: whoever begins like it may go on in another way.
    first = 0
    while (
        first < len(found)
        and found[first].number > 0
        and found[first].inode != resume.position.inode
        and heads[first] in resume.ordinals
    ):
        first += 1
    return Match(found[first:], was_cut=bool(known))


def _held(generation: Generation, resume: Resume) -> LogFile | None:
    """The file, open, if it is as it was at the position."""
    file = LogFile(generation)
    try:
        if file.holds(resume.position.offset, resume.fingerprint):
            return file
    except OSError:
        file.close()
        raise
    file.close()
    return None
