"""Lines that nobody reads."""

import json
from typing import ClassVar

from tests.contract.formats import Corpus, FormatContract


class TestNone(FormatContract):
    name = "none"
    fits: ClassVar[Corpus] = {
        text: {"message": text}
        for text in ("", " ", "plain", "größe 日本 🐟", '{"level":"info"}', "[1]", "null", "tab\there", "two\nlines",
                     'quote"s', "back\\slash", "nul\x00", "\u2028")
    }  # fmt: skip
    unfit = ()

    def test_json_stays_text(self) -> None:
        assert json.loads(self.format().log('{"a":1}') or "") == {"message": '{"a":1}'}
