"""A few numbers that two processes share through memory: read at any time, at no cost to who writes them."""

import mmap
import os
from enum import IntEnum
from typing import Self


class Slot(IntEnum):
    """What each number is; who writes it stands behind."""

    DOCUMENTS = 0  # endpoint: documents taken
    REQUESTS = 1  # endpoint
    BODY_BYTES = 2  # endpoint: as they came over the wire
    LAST_NS = 3  # endpoint: when the last body came, CLOCK_MONOTONIC
    LINES = 4  # generator: lines written
    RATE = 5  # scenario → generator: lines a second
    STOP = 6  # scenario → generator: not 0 when it is to end
    MOST_RATE = 7  # scenario → endpoint: documents that it takes in a second at most, 0: as many as it can


class Board:
    """The numbers by their slots; `fd` is handed to the other process."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._numbers = memoryview(mmap.mmap(fd, 8 * len(Slot))).cast("Q")

    @classmethod
    def make(cls) -> Self:
        """A new one, all zeros."""
        fd = os.memfd_create("board", 0)
        os.ftruncate(fd, 8 * len(Slot))
        return cls(fd)

    def __getitem__(self, slot: Slot) -> int:
        return self._numbers[slot]

    def __setitem__(self, slot: Slot, number: int) -> None:
        self._numbers[slot] = number

    def close(self) -> None:
        """Give the descriptor back; the numbers can be read on."""
        os.close(self.fd)
