"""Lines of logfmt: of Heroku's router, Go's go-kit, logrus, log/slog, and what is nearly one."""

import re
from typing import ClassVar

import pytest

from collector.formats import make
from tests.contract.formats import Corpus, FormatContract


class TestLogfmt(FormatContract):
    name = "logfmt"
    fits: ClassVar[Corpus] = {
        'at=info method=GET path="/path?a=b" host=myapp.herokuapp.com request_id=8601b555 fwd="204.204.204.204" '
        "dyno=web.1 connect=1ms service=18ms status=200 bytes=13 protocol=https": {
            "at": "info", "method": "GET", "path": "/path?a=b", "host": "myapp.herokuapp.com",
            "request_id": "8601b555", "fwd": "204.204.204.204", "dyno": "web.1", "connect": "1ms", "service": "18ms",
            "status": "200", "bytes": "13", "protocol": "https",
        },
        'ts=2024-01-02T15:04:05.123Z caller=main.go:33 level=warn component=tsdb msg="Head GC" err=null': {
            "ts": "2024-01-02T15:04:05.123Z", "caller": "main.go:33", "level": "warn", "component": "tsdb",
            "msg": "Head GC", "err": "null",
        },
        'time="2024-01-02T15:04:05Z" level=error msg="dial \\"10.0.0.1\\": refused\\n\\tat x" id=\\a': {
            "time": "2024-01-02T15:04:05Z", "level": "error", "msg": 'dial "10.0.0.1": refused\n\tat x', "id": "\\a",
        },
        "sample#memory_total=21.00MB @timestamp=1 a.b=x": {
            "sample#memory_total": "21.00MB", "@timestamp": "1", "a.b": "x",
        },
        "url=http://x/?a=b&c=d next=ok": {"url": "http://x/?a=b&c=d", "next": "ok"},
        'user= err="" n=-5': {"n": "-5"},
        "level=info  took=1.5s   ": {"level": "info", "took": "1.5s"},
        "  level=info": {"level": "info"},
        'msg="größe 日本 🐟" x="\\u65e5\\ud83d\\udc1f \\x1b[0m \\U0001f41f \\xff \\d"': {
            "msg": "größe 日本 🐟", "x": "日🐟 \x1b[0m 🐟 \\xff \\d",
        },
        "a=1 a=1 b=2": {"a": "1", "b": "2"},
        "component=web component=db": {"component": "web", "message": "component=web component=db"},
        'msg="half \\ud83d"': {"msg": "half \ufffd"},
        "a=1\tb=2": {"a": "1", "b": "2"},
    }  # fmt: skip
    unfit = (
        "",
        "Server started on port 80",
        "Connecting to host=db port=5432",
        "level=info msg=not quoted",
        'level=info msg="not closed',
        'level=info msg="closed"early',
        "=value",
        "=======",
        "user=",
        "a = b",
        "message=x a=1 a=2",
    )

    def words(self, text: str) -> str:
        return re.sub(r"\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\x1b|\\.", " ", re.sub(r"\b[\w.]+=(?=\s|\"\"|$)", "", text))

    def test_the_largest_character_can_be_written_and_what_is_larger_stays(self) -> None:
        assert self.read(self.format(), r'a="\U0010ffff" b="\U00110000"') == {"a": "\U0010ffff", "b": r"\U00110000"}

    @pytest.mark.parametrize(
        ("line", "found"),
        [
            ("status=200 took=0.5 ok=TRUE", {"status": 200, "took": 0.5, "ok": True}),
            ("status=- took=12", {"took": 12.0}),
            ("status=n/a took=-1e3", {"took": -1000.0, "message": "status=n/a took=-1e3"}),
        ],
    )
    def test_types_hold_in_every_line(self, line: str, found: object) -> None:
        reader = make("logfmt", {"types": "status=integer, took=float,ok=boolean"})
        assert self.read(reader, line) == found
