"""Objects, as they are written, and what is none."""

import re
from typing import ClassVar

from tests.contract.formats import Corpus, FormatContract


class TestJson(FormatContract):
    name = "json"
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
