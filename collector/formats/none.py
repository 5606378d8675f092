"""`none`: the line stays text, also where it is JSON."""

from collector.documents.json_text import message
from collector.formats import format as base


class Format(base.Format):
    """Reads nothing."""

    def log(self, text: str) -> str | None:
        """`{"message": text}`."""
        return message(text)
