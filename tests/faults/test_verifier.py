"""The verifier sees what it is there for; a matrix that cannot fail would prove nothing."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.container_log import ContainerLog
from tests.faults.verifier import HOST, Arrived, Verdict, verify
from tests.faults.written import Written, digest, digest_of_log


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Three lines of one container; the first one's file is gone."""
    found = Written()
    log = ContainerLog(tmp_path, "app", found, max_files=2, target="Shop")
    log.line(b'{"a": 1}')
    log.rotate()
    log.line(b"text", "stderr")
    log.rotate()
    log.line(b"more")
    log.close()
    return found


def documents(written: Written) -> list[dict[str, Any]]:
    logs: list[dict[str, Any]] = [{"a": 1}, {"message": "text"}, {"message": "more"}]
    common = {"host": HOST, "@target": "Shop", "docker_container": "app"}
    return [
        {"log": log, "stream": line.stream, "@timestamp": line.time} | common
        for log, line in zip(logs, written.lines["app"], strict=True)
    ]


def arrived(sources: list[dict[str, Any]]) -> list[Arrived]:
    return [
        Arrived(f"shop-{source['@timestamp'][:10].replace('-', '.')}", f"id-{number}", source)
        for number, source in enumerate(sources)
    ]


def judged(written: Written, found: list[Arrived], dead: list[Arrived] | None = None) -> Verdict:
    return verify(written, found, dead or [], set(), ended=set())


def test_all_of_it_once_is_without_fault(written: Written) -> None:
    verdict = judged(written, arrived(documents(written)))
    assert not verdict.faults
    assert verdict.lost == 0
    assert verdict.written == verdict.delivered == 3


def test_a_line_that_could_be_read_is_lost_otherwise_than_one_that_could_not(written: Written) -> None:
    verdict = judged(written, [])
    assert (verdict.lost, verdict.readable) == (3, 2)
    written.containers[0].files[0].held_by = 7
    assert judged(written, []).readable == 3
    assert verify(written, [], [], set(), ended={7}).readable == 2


def test_a_line_under_two_ids_or_in_two_indices_is_doubled(written: Written) -> None:
    found = arrived(documents(written))
    twice = found[1]._replace(id="other")
    elsewhere = found[1]._replace(stored_in="shop-2001.01.01")
    assert judged(written, [*found, twice]).duplicates == 1
    assert judged(written, [*found, elsewhere]).duplicates == 1


@pytest.mark.parametrize(
    "change",
    [
        {"log": {"message": "other"}},
        {"stream": "stdout"},
        {"host": "elsewhere"},
        {"@target": "shop"},
        {"more": 1},
    ],
)
def test_a_document_that_differs_in_anything_is_wrong(written: Written, change: dict[str, Any]) -> None:
    sources = documents(written)
    sources[1] |= change
    assert judged(written, arrived(sources)).wrong == 1


def test_a_line_that_nobody_wrote_is_unknown(written: Written) -> None:
    sources = documents(written)
    assert judged(written, arrived([*sources, sources[0] | {"@timestamp": "2026-01-01T00:00:00Z"}])).unknown == 1


def test_a_dead_letter_is_one_refused_line_and_nowhere_else(written: Written) -> None:
    found = arrived(documents(written))
    verdict = verify(written, found[1:], found[:1], {found[0].key}, ended=set())
    assert not verdict.faults
    assert (verdict.dead, verdict.lost) == (1, 0)
    assert judged(written, found[1:], found[:1]).dead_unasked == 1
    assert verify(written, found, found[:1], {found[0].key}, ended=set()).both == 1
    assert verify(written, found[1:], found[:1] * 2, {found[0].key}, ended=set()).dead_twice == 1


def test_json_and_its_plain_text_are_the_same_line() -> None:
    text = '{"b": 2, "a": [1, "ü"]}'
    assert digest(text) == digest_of_log({"message": text}) == digest_of_log({"a": [1, "ü"], "b": 2})
    assert digest("text") == digest_of_log({"message": "text"}) != digest_of_log({"message": "texts"})
