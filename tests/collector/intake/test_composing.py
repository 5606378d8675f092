"""Whatever a container asks for is refused, or gives a composer that breaks on no line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.container_settings.keys import KEYS
from collector.container_settings.policy import Policy
from collector.container_settings.statement import Asking
from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, Chunk, FileId, Position
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import log_stream, raw
from tests.integration.test_hostile_labels import HOSTILE

GOOD = [key.example for key in KEYS.values()]
NAMES = [*KEYS, "format.lift", "format.pattern", "format.keys", "format.types"]
VALUES = (
    st.sampled_from([*HOSTILE.values(), *GOOD, "(a+)+$", "1/2 by \x1f", "9" * 400, "regexp", "csv", "auto"]) | st.text()
)
JSON = '{"level":"error","time":"2026-11-23T02:12:59Z","a":{"b":1}}'
LINES = ["plain", "", JSON, "a=b c=d", "x" * 3_000, "\x1b[31mERROR: x", *(value[:2_000] for value in HOSTILE.values())]
DATA = b"".join(raw(f"{line}\n", time=f"2026-11-23T02:13:{number % 60:02}Z") for number, line in enumerate(LINES * 3))
COUNT = DATA.count(b"\n")


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8))
def test_no_setting_makes_a_line_break_anything(said: dict[str, str]) -> None:
    labels = {f"pilotfish.{name}": value for name, value in said.items()}
    settings = Policy().settings(Asking("0" * 64, "web", "web", labels, {}, "web"), select="all")
    for entry in settings.entries:
        stream = replace(log_stream("/none"), reading=entry.reading)
        file = FileId("c0ffee", "head", 0)
        chunk = Chunk(
            stream=stream, data=DATA, start=Position(file, 0, 0), end=Position(file, len(DATA), COUNT), ended=True
        )
        taken = JsonFiles(Stamps()).transform(stream, BEGINNING).take(chunk)
        for segment in taken.segments:
            for document in segment.documents:
                members = json.loads(document, object_pairs_hook=list)
                assert len({name for name, _ in members}) == len(members)
                assert dict(members)["@target"] == "shop"


@pytest.mark.parametrize("name", KEYS)
def test_the_example_of_each_setting_can_be_used(name: str) -> None:
    labels = {f"pilotfish.{name}": KEYS[name].example}
    labels |= {"pilotfish.limit": "1/s"} if name == "on_excess" else {}
    labels |= {"pilotfish.multiline": "auto"} if name.startswith("multiline.") else {}
    settings = Policy().settings(Asking("0" * 64, "web", "web", labels, {}, "web"), select="all")
    faults = [fault for fault in settings.faults if name != "redact" and not name.startswith("multiline.")]
    assert faults == []
