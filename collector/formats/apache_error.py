"""`apache_error`: Apache's error log, as 2.2 and as 2.4 write it.

`[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:4242] File does not…`.
The names are those of fluentd's parser `apache_error`: `time`, `level`, `pid`, `client`, `message`. The module, which
2.4 writes before the level, is `module`, so that `level` has the word alone.
"""

import re

from collector.formats.parts.members import MemberFormat, Members, filled

_error = re.compile(
    r"\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})? [0-9]{4})\] "
    r"\[(?:([^\]:]*+):)?([a-z]++[0-9]?)\]"
    r"(?: \[pid ([0-9]{1,18})(?::tid ([0-9]{1,18}))?\])?(?: \[client ([^\]]*+)\])?(?: (.*))?",
    re.DOTALL,
).fullmatch


class Format(MemberFormat):
    """Reads error logs of Apache."""

    def members(self, text: str) -> Members | None:
        """Those of an error."""
        if (found := _error(text)) is None:
            return None
        time, module, level, pid, tid, client, message = found.groups()
        return filled(
            {
                "time": time,
                "module": module if module != "-" else None,
                "level": level,
                "pid": pid and int(pid),
                "tid": tid and int(tid),
                "client": client,
                "message": message,
            }
        )
