"""Objects, as they are written, and what is none."""

import re
from typing import ClassVar

import pytest

from collector.formats import make
from tests.contract.formats import Corpus, FormatContract


class TestJson(FormatContract):
    name = "json"
    options: ClassVar[dict[str, str]] = {"lift": "user, a.b"}
    fits: ClassVar[Corpus] = {
        '{"level":"info","message":"done"}': {"level": "info", "message": "done"},
        ' {"a": {"b": [1, 2.5, null, true]}} ': {"a": {"b": [1, 2.5, None, True]}},
        '{"a":1,\n"b":2}': {"a": 1, "b": 2},
        '{"half":"\\ud83d"}': {"half": "\ufffd"},
        "{}": {},
        '{"größe":"🐟"}': {"größe": "🐟"},
        '{"n":123456789012345678901234567890}': {"n": 123456789012345678901234567890},
    }
    unfit = ("", "plain", "[1]", "null", '"text"', '{"a":1', '{"a":1}}', "{'a':1}", '{"a":NaN}')

    def words(self, text: str) -> str:
        return re.sub(r"\\u....|null", " ", text)


@pytest.mark.parametrize(
    ("lift", "reason"),
    [
        (",".join(f"m{number}" for number in range(17)), "lift names 17 members: 16 are allowed"),
        ("user, host", "lift: name 2: its name is that of a field of Pilotfish's own"),
        ('a"b', "lift: name 1: use the name of a member"),
        ("1a", "lift: name 1: no field can have its name"),
    ],
)
def test_a_member_that_cannot_stand_beside_the_log_is_refused_with_its_place(lift: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make("json", {"lift": lift})
