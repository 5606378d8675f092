"""A log that was read → the reader that reads it again from an earlier position on."""

from contextlib import suppress

from collector.model import LogStream, Resume
from collector.sources.log_reader import LogReader
from collector.sources.tail_counts import TailCounts


def gone_back(log: LogReader, resume: Resume, stream: LogStream, counts: TailCounts, *, is_told: bool) -> LogReader:
    """`log`, where its file is open still, else one that has opened it by its name; what is gone is counted.

    Files that have no name any more stay open, and what came before them is lost. `is_told`: `LogReader.tell`.
    """
    file, position = log.open_file, resume.position
    if file is not None and log.beginning is not None and log.beginning.file == position.file:
        if file.holds(position.offset, resume.fingerprint):
            log.seek(position.offset, position.line)
            return log
    elif file is not None and (file.is_removed or log.held_bytes):
        counts.gap(stream.container)
        log.seek(0, 0)
        return log
    log.set_down()
    log = LogReader(log.live, stream.container_id, counts, resume)
    log.tell(is_told=is_told)
    with suppress(OSError):  # whoever reads will meet it, too
        log.is_identified(container=stream.container, files_kept=stream.files_kept)
    if not log.is_open and not log.awaits_turn:
        counts.gap(stream.container)
    log.set_aside()
    return log
