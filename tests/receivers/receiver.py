"""What tests, faults and measurements know of a server that documents are delivered to."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self


class Receiver(ABC):
    """One server on loopback, on a free port of its own. All of it blocks: call it in a thread where a loop runs.

    As a context manager it runs while the block does, and is ended however that ends.
    """

    server: ClassVar[str]
    """Its name and version, or "own server by <specification>", for tables."""

    ways: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Further ways to deliver to it: a word for each, and what its options have besides or instead."""

    def __init__(self, directory: Path) -> None:
        """All that it keeps is in `directory`, which is its own, and is made if it is missing."""
        directory.mkdir(exist_ok=True)
        self.directory = directory

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start it, and wait until it answers; after `kill` again on the same port and data."""

    @abstractmethod
    def kill(self) -> None:
        """End it by SIGKILL; what it has acknowledged, it has when it starts again, unless its page says otherwise."""

    @abstractmethod
    def stop(self) -> None:
        """End it for good; may be called twice."""

    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """The options of an output that delivers to it, `type` among them."""

    def options_of(self, word: str) -> dict[str, Any]:
        """Those of one of `ways`; of the usual one without a word."""
        return {**self.options(), **self.ways.get(word, {})}

    @abstractmethod
    def stored(self) -> dict[str, list[bytes]]:
        """Each document under its `_id`, one entry per copy; called while it runs."""

    @property
    @abstractmethod
    def port(self) -> int:
        """Where documents arrive, to count the bytes on their way; it stays the same over `kill`."""
