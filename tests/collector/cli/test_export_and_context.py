"""`export` and `context` against an agent that answers as told."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector.cli.answering import Answering
from tests.collector.cli.pilotfish import pilotfish

pytestmark = pytest.mark.slow  # a process each

SIZE = "/api/v1/export/size"
EXPORT = "/api/v1/export"
FOUND = b'{"_id":"a-1","log":{"message":"before"},"stream":"stdout","@timestamp":"2026-11-23T04:05:06Z"}'


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Answering]:
    with Answering(tmp_path) as started:
        yield started


def test_an_export_is_what_the_agent_sends(answering: Answering, tmp_path: Path) -> None:
    answering.answers = {SIZE: b'{"documents":2,"bytes":2500000}', EXPORT: b"one\ntwo\n"}
    asked = ["export", "level:error", "--since", "2026-11-23T04:00Z", "--format", "csv", "--state-dir", str(tmp_path)]
    ended = pilotfish(tmp_path, *asked)
    assert (ended.code, ended.out, ended.errors) == (0, "one\ntwo\n", "")
    assert answering.asked[-1][0] == EXPORT
    assert answering.asked[-1][1] == {
        "q": ["level:error"],
        "format": ["csv"],
        "since": ["2026-11-23T04:00:00.000000000Z"],
    }
    assert pilotfish(tmp_path, *asked, "--size").out == "2 documents, about 2.5 MB\n"
    assert pilotfish(tmp_path, *asked, "--to", str(tmp_path / "x")).out == ""
    assert (tmp_path / "x").read_text() == "one\ntwo\n"


def test_an_export_that_breaks_off_is_an_error_and_leaves_no_file(answering: Answering, tmp_path: Path) -> None:
    answering.answers = {SIZE: b'{"documents":2,"bytes":100}', EXPORT: b"half"}
    answering.is_cut = True
    ended = pilotfish(tmp_path, "export", "--to", str(tmp_path / "x"), "--state-dir", str(tmp_path))
    assert (ended.code, "broke off" in ended.complaint) == (2, True)
    assert not (tmp_path / "x").exists()


def test_an_export_of_nothing_is_1(answering: Answering, tmp_path: Path) -> None:
    answering.answers = {SIZE: b'{"documents":0,"bytes":0}'}
    ended = pilotfish(tmp_path, "export", "--state-dir", str(tmp_path))
    assert (ended.code, ended.complaint) == (1, "nothing found")


def test_context_shows_what_stands_around_a_document(answering: Answering, tmp_path: Path) -> None:
    answering.answers = {"/api/v1/context": b'{"documents":[%b],"at":0}' % FOUND}
    ended = pilotfish(
        tmp_path, "context", "a-1", "-B", "3", "--all", "--template", "{id} {message}", "--state-dir", str(tmp_path)
    )
    assert (ended.code, ended.out) == (0, "a-1 before\n")
    assert answering.asked[-1][1] == {"id": ["a-1"], "before": ["3"], "after": ["10"], "of": ["all"]}


def test_context_of_a_search_joins_what_meets(answering: Answering, tmp_path: Path) -> None:
    bodies = [FOUND.replace(b"a-1", b"a-%d" % number) for number in range(2)]
    answering.answers = {
        "/api/search": b'{"total":2,"documents":[%b,%b]}' % (bodies[1], bodies[0]),
        "/api/v1/context": b'{"documents":[%b,%b],"at":0}' % (bodies[0], bodies[1]),
    }
    ended = pilotfish(tmp_path, "search", "x", "--context", "1", "-o", "json", "--state-dir", str(tmp_path))
    assert [json.loads(line)["_id"] for line in ended.out.splitlines()] == ["a-0", "a-1"]
