"""A log that was read → the reader that reads it again from an earlier position on."""

from contextlib import suppress

from collector.model import LogStream, Resume
from collector.sources.line_reader import LineReader
from collector.sources.log_reader import LogReader
from collector.sources.tail_counts import TailCounts


def gone_back(log: LogReader, resume: Resume, stream: LogStream, counts: TailCounts, *, is_told: bool) -> LogReader:
    """`log`, where its file is open still, else one that has opened it by its name; what is gone is counted.

    Files that have no name any more stay open, and what came before them is lost. `is_told`: `Successors.tell`.
    """
    if (reader := log.reader) is not None and reader.id == resume.position.file:
        if reader.file.holds(resume.position.offset, resume.fingerprint):
            log.reader = LineReader(reader.file, resume.position)
            return log
    elif reader is not None and (reader.file.is_removed or log.held_bytes):
        counts.gap(stream.container)
        log.reader = LineReader(reader.file, reader.beginning)
        return log
    log.set_down()
    live = log.live
    log = LogReader(stream, counts, resume)
    log.move(live)
    log.successors.tell(is_told=is_told)
    with suppress(OSError):  # whoever reads will meet it, too
        log.identified()
    if log.reader is None and not log.awaits_turn:
        counts.gap(stream.container)
    log.set_aside()
    return log
