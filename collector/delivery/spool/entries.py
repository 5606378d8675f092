"""What the spool gives and takes: records with their places, and what cannot be read back."""

from typing import NamedTuple

from collector.delivery.spool.records import Record


class SpoolFull(OSError):
    """The cap is reached: what is there has to be delivered first."""


class Entry(NamedTuple):
    """A record that was taken, and where it lies; `is_live`: no outage has kept it."""

    record: Record
    file: int
    offset: int
    is_live: bool = False


class Stored(NamedTuple):
    """Where a record lies."""

    file: int
    offset: int
    end: int


class Lost(NamedTuple):
    """So many documents, at least, cannot be read back: those of the records of a file from `offset` to `end`."""

    documents: int
    file: int = 0
    offset: int = 0
    end: int = 0
