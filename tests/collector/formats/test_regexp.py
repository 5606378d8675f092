"""Patterns as log-pilot's users and others write them, and what becomes of what no group holds."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from collector.formats import make
from tests.contract.formats import Corpus, FormatContract

PATTERN = r"/^(?<time>[^ ]* [^ ]*) \[(?<level>\w+)\](?: \((?P<took>[^)]*)\))? (?<text>.*)$/"


class TestRegexp(FormatContract):
    name = "regexp"
    options: ClassVar[Mapping[str, str]] = {"pattern": PATTERN, "types": "took=float"}
    fits: ClassVar[Corpus] = {
        "2024-01-02 15:04:05 [INFO] (0.25) request done": {
            "time": "2024-01-02 15:04:05", "level": "INFO", "took": 0.25, "text": "request done",
        },
        "2024-01-02 15:04:05 [INFO] request done": {
            "time": "2024-01-02 15:04:05", "level": "INFO", "text": "request done",
        },
        "2024-01-02 15:04:05 [INFO] (-) none": {"time": "2024-01-02 15:04:05", "level": "INFO", "text": "none"},
        "a b [x] (n/a) y": {"time": "a b", "level": "x", "text": "y", "message": "a b [x] (n/a) y"},
        "größe 日本 [x] (1) 🐟": {"time": "größe 日本", "level": "x", "took": 1.0, "text": "🐟"},
        " \u00a0 [x] \\ \"": {"time": " \u00a0", "level": "x", "text": '\\ "'},
        "::1 - [warn] (-1.5) negative": {"time": "::1 -", "level": "warn", "took": -1.5, "text": "negative"},
        "a b [x] ": {"time": "a b", "level": "x"},
        " b [x] text": {"time": " b", "level": "x", "text": "text"},
    }  # fmt: skip
    unfit = (
        "",
        "request done",
        "2024-01-02 15:04:05 [INFO",
        "2024-01-02 15:04:05 INFO request done",
        "a b [x] first\nsecond",
        "a b [x] " + "long" * 5000,
    )

    @pytest.mark.parametrize(
        ("pattern", "line", "found"),
        [
            (r"level=(?<level>\w+)", "x level=info", {"level": "info", "message": "x level=info"}),
            (r"level=(?<level>\w+)", "level=info", {"level": "info", "message": "level=info"}),
            (r"\[(?<level>\w+)\]", " -- [info] !\t", {"level": "info"}),
            (r"(?<level>\w+) .* (?<message>\w+)$", "info lost on purpose", {"level": "info", "message": "purpose"}),
            (r"(?<a>(?<b>\d)\d*)-(?<c>\w)", "12-x", {"a": "12", "b": "1", "c": "x"}),
            (r"(?<a>\w+)(?<message>!.*)?", "text", {"a": "text"}),
            (r"(?<a>\w+)(\?)(?<message>.*)", "text?", {"a": "text"}),
            (r"(?<a>a)|(?<b>b)", "b", {"b": "b"}),
            (r"(?<a>[a-z]+)", "ä text ö", {"a": "text", "message": "ä text ö"}),
        ],
    )
    def test_what_no_group_holds_is_kept_unless_it_only_separates(
        self, pattern: str, line: str, found: dict[str, str]
    ) -> None:
        assert self.read(make("regexp", {"pattern": pattern}), line) == found

    @pytest.mark.parametrize(
        ("pattern", "line", "found"),
        [
            (
                r"^\[(?<time>\d{1,4}-\d{1,2}-\d{1,2} \d{1,2}:\d{1,2}:\d{1,2},\d{1,4})\] \[(?<thread>.*)\] "
                r"\[(?<level>[^\s]+)\] (?<class>[^\s]+) (?<message>.*)$",
                "[2018-05-23 17:17:13,606] [http-bio-8080-exec-2] [INFO] web.Action:50 ### length is : 50",
                ["2018-05-23 17:17:13,606", "http-bio-8080-exec-2", "INFO", "web.Action:50", "### length is : 50"],
            ),
            (
                r"(?<time>\d{4}-\d{2}-\d{2}\s\d{2}:\d{2}:\d{2}\.\d{3})\s(?<level>[A-Z]+)\s"
                r"\[(?<servicename>[\w-_]+),(?<trackid>[a-z0-9]*),(?<spanid>[a-z0-9]*),(?<key>\w*)]"
                r"\s(?<pid>\d+)\s---\s\[(?<threadname>.+)]\s(?<loggername>[\w\.]+)\s+:\s+(?<message>.*)",
                "2017-04-07 10:11:12.123 INFO [svc-a,1a2b,3c4d,false] 17 --- [main] shop.Main   : up",
                ["2017-04-07 10:11:12.123", "INFO", "svc-a", "1a2b", "3c4d", "false", "17", "main", "shop.Main", "up"],
            ),
            (
                r"/^(?<remote>[^ ]*) (?<host>[^ ]*) (?<user>[^ ]*) \[(?<time>[^\]]*)\] \"(?<method>\S+)"
                r"(?: +(?<path>[^\\\"]*?)(?: +(?<protocol>\S*))?)?\" (?<code>[^ ]*) (?<size>[^ ]*)"
                r"(?: \"(?<referer>[^\\\"]*)\" \"(?<agent>[^\\\"]*)\"(?:\s+(?<forwarded>[^ ]+))?)?$/",
                '::1 - - [12/Apr/2018:14:18:46 +0800] "GET /x HTTP/1.1" 404 5 "-" "k6" "-"',
                ["::1", "-", "-", "12/Apr/2018:14:18:46 +0800", "GET", "/x", "HTTP/1.1", "404", "5", "-", "k6", '"-"'],
            ),
        ],
        ids=["log-pilot#116", "log-pilot#22", "log-pilot#114"],
    )  # fmt: skip
    def test_patterns_that_users_of_log_pilot_asked_about_can_be_used(
        self, pattern: str, line: str, found: list[str]
    ) -> None:
        assert list((self.read(make("regexp", {"pattern": pattern}), line) or {}).values()) == found

    def test_a_type_is_of_a_group(self) -> None:
        with pytest.raises(ValueError, match="member 1 is none that the format gives"):
            make("regexp", {"pattern": "(?<a>.)", "types": "b=integer"})
