"""Columns: quoted as RFC 4180 has it, too few, too many, with types."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from collector.formats import make
from tests.contract.formats import Corpus, FormatContract

OPTIONS = {"keys": "time, level,took,text", "types": "took=float"}


class TestCsv(FormatContract):
    name = "csv"
    options: ClassVar[Mapping[str, str]] = OPTIONS
    fits: ClassVar[Corpus] = {
        "2024-01-02 15:04:05,info,0.25,request done": {
            "time": "2024-01-02 15:04:05", "level": "info", "took": 0.25, "text": "request done",
        },
        '2024-01-02 15:04:05,info,1,"hello, ""world"""': {
            "time": "2024-01-02 15:04:05", "level": "info", "took": 1.0, "text": 'hello, "world"',
        },
        "t,info,-12,x": {"time": "t", "level": "info", "took": -12.0, "text": "x"},
        "t,info,-,x": {"time": "t", "level": "info", "text": "x"},
        "t,info,n/a,x": {"time": "t", "level": "info", "text": "x", "message": "t,info,n/a,x"},
        "t,info,inf,x": {"time": "t", "level": "info", "text": "x", "message": "t,info,inf,x"},
        "t,,,": {"time": "t"},
        '"t","","1","größe 🐟"': {"time": "t", "took": 1.0, "text": "größe 🐟"},
        "t,info,1,x,more": {"time": "t", "level": "info", "took": 1.0, "text": "x", "message": "t,info,1,x,more"},
        "t,info,n/a,x,more": {"time": "t", "level": "info", "text": "x", "message": "t,info,n/a,x,more"},
        't,info,1,say "hi"': {"time": "t", "level": "info", "took": 1.0, "text": 'say "hi"'},
        't,"two\nlines",1,x': {"time": "t", "level": "two\nlines", "took": 1.0, "text": "x"},
        " t , info , 1 ,x": {"time": " t ", "level": " info ", "text": "x", "message": " t , info , 1 ,x"},
        "::1,info,1e3,x": {"time": "::1", "level": "info", "took": 1000.0, "text": "x"},
    }  # fmt: skip
    unfit = (
        "",
        "\tat com.example.Main.main(Main.java:5)",
        "t,info,1",
        ",,,",
        't,info,1,"not closed',
        't,info,"1"5,x',
        '"t,info,1,x',
    )

    @pytest.mark.parametrize(
        ("said", "written"), [("tab", "\t"), (r"\t", "\t"), ("\t", "\t"), ("space", " "), (";", ";"), ("|", "|"),
                              ("^", "^"), ("]", "]"), ("-", "-"), ("\\", "\\")]
    )  # fmt: skip
    def test_a_delimiter_is_any_character(self, said: str, written: str) -> None:
        reader = make("csv", {"keys": "a,b", "delimiter": said})
        assert self.read(reader, f"x,{written}y") == {"a": "x,", "b": "y"}
        assert self.read(reader, f'"x{written}"{written}y') == {"a": f"x{written}", "b": "y"}

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({}, "keys is missing"),
            ({"keys": " "}, "keys is missing"),
            ({"keys": "a,,b"}, "is no name"),
            ({"keys": "a,b.,c"}, "is no name"),
            ({"keys": "a\x00"}, "is no name"),
            ({"keys": "a,b,a"}, "name 1 is there twice"),
            ({"keys": "x" * 129}, "129 characters"),
            ({"keys": ",".join(map(str, range(101)))}, "101 names"),
            ({"keys": "a", "delimiter": ",,"}, "one character"),
            ({"keys": "a", "delimiter": '"'}, "one character"),
            ({"keys": "a", "delimiter": "x"}, "one character"),
            ({"keys": "a", "types": "b=integer"}, "member 1 is none that the format gives"),
            ({"keys": "a", "types": "a=int"}, "integer, float, boolean"),
            ({"keys": "message", "types": "message=integer"}, "always text"),
        ],
    )
    def test_an_option_that_cannot_be_used_is_refused_with_the_reason(
        self, options: dict[str, str], reason: str
    ) -> None:
        with pytest.raises(ValueError, match=reason):
            make("csv", options)

    def test_what_is_not_of_its_type_has_no_place_where_a_column_is_the_message(self) -> None:
        reader = make("csv", {"keys": "code,message", "types": "code=integer"})
        assert self.read(reader, "200,done") == {"code": 200, "message": "done"}
        assert reader.log("n/a,done") is None
        assert reader.log("200,done,more") is None
