"""`json`: the line is a JSON object, whose members are those of `log`; this is so without a format, too.

With the format a line that is no object counts as one that does not fit.
"""

from collector.documents.json_text import object_of
from collector.formats import format as base


class Format(base.Format):
    """Reads JSON objects."""

    def log(self, text: str) -> str | None:
        """The object as it is written, on one line."""
        return object_of(text)
