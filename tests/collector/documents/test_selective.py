"""What stands beside a log: members of it that are asked for, and never in place of a trusted one."""

import json

from msgspec.structs import replace

from collector.documents import document
from collector.documents.composer import FinishedLine
from collector.documents.selective import Selective
from collector.filters.steps import Steps
from collector.reading import Reading
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import log_stream

STREAM = log_stream("/none")
TIME = "2026-11-23T02:13:00Z"


def composed(log: object, *lift: str, **fields: str) -> dict[str, object]:
    composer = Selective(Steps(Reading()), Stamps().render, lift=lift)
    stream = replace(STREAM, fields={**STREAM.fields, **fields})
    (found,) = composer.finished(stream, [FinishedLine(json.dumps(log), "stdout", TIME, "a-0")], [TIME]).documents
    members = json.loads(found, object_pairs_hook=list)
    assert len({name for name, _ in members}) == len(members)
    assert document.split(found).log == json.dumps(log).encode()
    return dict(members)


def test_texts_numbers_and_truths_stand_beside_the_log_and_nothing_else() -> None:
    log = {"user": {"id": 7}, "ok": True, "name": "ada", "rate": 0.5, "list": [1], "null": None}
    found = composed(log, "user.id", "ok", "name", "rate", "list", "null", "absent", "user")
    added = {name: found[name] for name in found.keys() - {"log", "stream", "@timestamp", *STREAM.fields}}
    assert added == {"user_id": 7, "ok": True, "name": "ada", "rate": 0.5}


def test_a_tag_wins_over_a_member_of_its_name() -> None:
    assert composed({"team": "evil", "n": 1}, "team", "n", team="a")["team"] == "a"


def test_a_long_text_is_cut() -> None:
    found = composed({"x": "ä" * 1_000}, "x")["x"]
    assert isinstance(found, str)
    assert len(found.encode()) <= 512
