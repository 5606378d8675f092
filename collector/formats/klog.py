"""`klog`: what Kubernetes and other users of klog or glog write (github.com/kubernetes/klog, function `header`).

`E0923 14:02:11.345678       1 reflector.go:123] Failed to list: …`, with the year before the month by choice of glog.
"""

import re

from collector.formats.parts.members import MemberFormat, Members, filled

_LEVELS = {"I": "info", "W": "warn", "E": "error", "F": "fatal"}
_line = re.compile(
    r"([IWEF])((?:[0-9]{4})?[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}) ++"
    r"([0-9]{1,18}) ([^:\] ]++):([0-9]{1,18})\](?: (.*))?",
    re.DOTALL,
).fullmatch


class Format(MemberFormat):
    """Reads lines of klog."""

    def members(self, text: str) -> Members | None:
        """`time` is month, day and time of day; `thread` is a number, `file` and `line` are where the code says it."""
        if (found := _line(text)) is None:
            return None
        letter, time, thread, file, line, message = found.groups()
        return filled(
            {
                "level": _LEVELS[letter],
                "time": time,
                "thread": int(thread),
                "file": file,
                "line": int(line),
                "message": message,
            }
        )
