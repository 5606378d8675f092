"""What a format is to the rest."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar


class Format(ABC):
    """Reads lines of one format; a line's result depends on nothing but its text and the options, unless it `decides`.

    `OPTIONS` names what may be said about it, each with what it means.
    """

    OPTIONS: ClassVar[Mapping[str, str]] = {}
    is_slow: ClassVar[bool] = False  # whether a line may take a millisecond, as by a pattern of others
    decides: ClassVar[bool] = False  # whether lines decide how those behind them are read
    decision = ""  # what they decided
    lift: tuple[str, ...] = ()  # members of `log` that stand beside it, too

    def __init__(self, options: Mapping[str, str]) -> None:  # noqa: B027 - most formats have no options
        """Take only options that are in `OPTIONS`.

        Raises:
            ValueError: one is missing, or has a value that cannot be used.
        """

    @property
    def carried(self) -> str:
        """What has to be known of the lines before."""
        return ""

    def resume(self, carried: str) -> None:  # noqa: B027 - most formats know nothing of other lines
        """Go on where that was carried; a text of another version changes nothing."""

    @abstractmethod
    def log(self, text: str) -> str | None:
        """The JSON object, on one line, that stands for a line's text; None if the line does not fit.

        Whatever the text is, this raises nothing, and takes a time that grows with the text and no faster; the text is
        one that UTF-8 can hold.
        """
