"""`syslog`: a message of syslog in a line, as RFC 5424 or RFC 3164 has it, and as syslog daemons write to files.

The names are those of fluentd's parser `syslog`: `time`, `host`, `ident`, `pid` (text, as RFC 5424 has it), `msgid`,
`extradata` (the structured data), `message`. The number in front becomes two words: `facility` and `severity`.
"""

import re

from collector.formats.parts.members import MemberFormat, Members, filled

_SEVERITIES = ("emerg", "alert", "crit", "error", "warning", "notice", "info", "debug")
_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock", *(f"local{number}" for number in range(8))),
)
_SHORT = {"err": "error", "warn": "warning"}
_NONE = "-"
_BOM = "\ufeff"  # RFC 5424 begins a message in UTF-8 with it
_STRUCTURED = r'\[[^\]"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^\]"]*+)*+\]'
_new = re.compile(
    r"<([0-9]{1,3})>[1-9][0-9]{0,2} ([^ ]++) ([^ ]++) ([^ ]++) ([^ ]++) ([^ ]++)"
    rf" (-|(?:{_STRUCTURED})++)(?: (.*))?",
    re.DOTALL,
).fullmatch
# Without a host as glibc writes to /dev/log; with words for facility and severity as busybox's syslogd writes.
_old = re.compile(
    r"(?:<([0-9]{1,3})>)?"
    r"([A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.,Z+-]++) "
    r"(?:((?:[^ \[]*[^ :\[])) )?"
    rf"(?:({'|'.join(_FACILITIES)})\.({'|'.join((*_SEVERITIES, *_SHORT))}) )?"
    r"(?:([^ :\[\]]{1,128})(?:\[([^ \[\]]{0,128})\])?:(?: |\Z))?(.*)",
    re.DOTALL,
).fullmatch


class Format(MemberFormat):
    """Reads messages of syslog."""

    def members(self, text: str) -> Members | None:
        """Those of a message; one without a number in front needs its program, else any text with a date would fit."""
        if found := _new(text):
            number, time, host, ident, pid, msgid, extra, message = found.groups()
            members = _ranks(number)
            values = {"time": time, "host": host, "ident": ident, "pid": pid, "msgid": msgid, "extradata": extra}
            said: Members = filled({name: value for name, value in values.items() if value != _NONE})
            said |= filled({"message": (message or "").removeprefix(_BOM)})
            return None if members is None else members | said
        return _members_of_old(text)


def _members_of_old(text: str) -> Members | None:
    if (found := _old(text)) is None:
        return None
    number, time, host, facility, severity, ident, pid, message = found.groups()
    members = _ranks(number) if number else {}
    if members is None or not (number or ident):
        return None
    if facility:
        members |= {"facility": facility, "severity": _SHORT.get(severity, severity)}
    return members | filled({"time": time, "host": host, "ident": ident, "pid": pid, "message": message})


def _ranks(number: str) -> Members | None:
    """Facility and severity, which the number is made of."""
    facility, severity = divmod(int(number), len(_SEVERITIES))
    if facility >= len(_FACILITIES):
        return None
    return {"facility": _FACILITIES[facility], "severity": _SEVERITIES[severity]}
