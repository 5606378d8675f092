"""Lines such as `2026-11-23T02:13:00Z WARN disk is full` → documents with a time, a level and a message."""

import json

from collector.transform.line_format import LineFormat


class StampedLines(LineFormat):
    """The time stands first, then the level."""

    def read(self, text: str) -> tuple[str, str]:
        time, _, rest = text.partition(" ")
        level, _, message = rest.partition(" ")
        return time, json.dumps({"level": level.lower(), "message": message})
