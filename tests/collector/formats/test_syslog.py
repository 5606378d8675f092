"""Messages of syslog: the examples of RFC 5424 (6.5) and RFC 3164 (5.4), and what daemons write to files."""

from typing import ClassVar

import pytest

from tests.contract.formats import Corpus, FormatContract


class TestSyslog(FormatContract):
    name = "syslog"
    fits: ClassVar[Corpus] = {
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed for lonvick": {
            "facility": "auth", "severity": "crit", "time": "2003-10-11T22:14:15.003Z",
            "host": "mymachine.example.com", "ident": "su", "msgid": "ID47",
            "message": "'su root' failed for lonvick",
        },
        "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.": {
            "facility": "local4", "severity": "notice", "time": "2003-08-24T05:14:15.000003-07:00", "host": "192.0.2.1",
            "ident": "myproc", "pid": "8710", "message": "%% It's time to make the do-nuts.",
        },
        '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource='
        '"Application" eventID="1011"] \ufeffAn application event log entry...': {
            "facility": "local4", "severity": "notice", "time": "2003-10-11T22:14:15.003Z",
            "host": "mymachine.example.com", "ident": "evntslog", "msgid": "ID47",
            "extradata": '[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]',
            "message": "An application event log entry...",
        },
        '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3"]'
        '[examplePriority@32473 class="hi]\\"gh"]': {
            "facility": "local4", "severity": "notice", "time": "2003-10-11T22:14:15.003Z",
            "host": "mymachine.example.com", "ident": "evntslog", "msgid": "ID47",
            "extradata": '[exampleSDID@32473 iut="3"][examplePriority@32473 class="hi]\\"gh"]',
        },
        "<0>1 - - - - - -": {"facility": "kern", "severity": "emerg"},
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8": {
            "facility": "auth", "severity": "crit", "time": "Oct 11 22:14:15", "host": "mymachine", "ident": "su",
            "message": "'su root' failed for lonvick on /dev/pts/8",
        },
        "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!": {
            "facility": "user", "severity": "notice", "time": "Feb  5 17:32:18", "host": "10.0.0.99",
            "message": "Use the BFG!",
        },
        "<30>Jan  2 15:04:05 dnsmasq[1]: started, version 2.90": {
            "facility": "daemon", "severity": "info", "time": "Jan  2 15:04:05", "ident": "dnsmasq", "pid": "1",
            "message": "started, version 2.90",
        },
        "Jan  2 15:04:05 2001:db8::5 sshd[812]: Accepted publickey for größe from 2001:db8::1 port 51812 ssh2": {
            "time": "Jan  2 15:04:05", "host": "2001:db8::5", "ident": "sshd", "pid": "812",
            "message": "Accepted publickey for größe from 2001:db8::1 port 51812 ssh2",
        },
        "2024-01-02T15:04:05.123456+01:00 mail postfix/smtpd[77]: connect from unknown[198.51.100.7]": {
            "time": "2024-01-02T15:04:05.123456+01:00", "host": "mail", "ident": "postfix/smtpd", "pid": "77",
            "message": "connect from unknown[198.51.100.7]",
        },
        "Jan  2 15:04:05 box daemon.err crond[8]: can't change directory": {
            "facility": "daemon", "severity": "error", "time": "Jan  2 15:04:05", "host": "box", "ident": "crond",
            "pid": "8", "message": "can't change directory",
        },
        "Jan  2 15:04:05 box kernel: [    0.000000] Linux version 6.1": {
            "time": "Jan  2 15:04:05", "host": "box", "ident": "kernel", "message": "[    0.000000] Linux version 6.1",
        },
        "<191>Jan  2 15:04:05 box app:": {
            "facility": "local7", "severity": "debug", "time": "Jan  2 15:04:05", "host": "box", "ident": "app",
        },
    }  # fmt: skip
    unfit = (
        "",
        "Use the BFG!",
        "<192>Oct 11 22:14:15 mymachine su: beyond the last facility",
        "<999>1 2003-10-11T22:14:15.003Z host app - - - beyond",
        "<-1>Oct 11 22:14:15 mymachine su: negative",
        "<34>1 2003-10-11T22:14:15.003Z mymachine su - ID47",
        "<34>1 2003-10-11T22:14:15.003Z mymachine su - ID47 [no end x=\"1",
        "Jan  2 15:04:05 box last message repeated 2 times",
        "2024-01-02T15:04:05Z INFO any text with a date",
        "<34>",
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("number", "facility", "severity"),
        [(0, "kern", "emerg"), (11, "user", "error"), (127, "clock", "debug"), (128, "local0", "emerg")],
    )
    def test_the_number_in_front_is_two_words(self, number: int, facility: str, severity: str) -> None:
        found = self.read(self.format(), f"<{number}>Jan  2 15:04:05 box app: text")
        assert found is not None
        assert (found["facility"], found["severity"]) == (facility, severity)
