"""The destination refuses, loses its answers, is slow or away: scenarios 19 to 24 of the matrix."""

import subprocess
import sys
import time

import orjson
import pytest

from tests.faults.endpoint import FaultyEndpoint
from tests.faults.rig import Rig
from tests.faults.verifier import accepted_in, dead_letters_in, verify
from tests.integration.agent import wait_until

_RATE = 5_000


@pytest.mark.scenario(19, "destination away at 5,000 lines/s", seeds=1)
@pytest.mark.timeout(2_400)
def test_scenario_19_after_an_absence_all_is_caught_up_at_five_times_the_rate(rig: Rig) -> None:
    """Scaled to a twentieth: 30 s for ten minutes, with the spool in use after a twentieth of its half minute.

    Steady memory is that of an agent that has caught up with something: it begins with as much behind it as it will
    have when it may use the spool, since one that never read at its full speed has room for fewer documents.
    """
    away = 600 if rig.full else 30
    generator = rig.generator(8, _RATE, max_bytes=10_000_000 if rig.full else 1_000_000, max_files=3)  # not enough
    spool_after = 30 if rig.full else 1.5
    spool = {"spool_after_seconds": spool_after, "spool_bytes": 4 << 30}
    rig.wait(spool_after)
    rig.start(output=spool | {"batch_bytes": 2 << 20, "request_timeout_seconds": 10})
    rig.wait_for_documents(int((spool_after + 10) * _RATE))
    steady = rig.looks.peak_rss_bytes
    rig.state_bytes = 4 << 30
    rig.endpoint.order(mode="refuse")
    rig.wait(away)
    away_bytes = rig.looks.peak_rss_bytes
    assert rig.agent.metric("pilotfish_documents_spooled_total", output="elastic") > away * _RATE / 2
    rate = _catch_up(rig, away * _RATE)
    generator.rate(_RATE / 10)
    rig.settle()
    rig.outcome.note += (
        f" caught up at {rate / _RATE:.1f} x the rate, RSS {away_bytes / steady:.2f} x while away,"
        f" {rig.looks.peak_rss_bytes / steady:.2f} x behind it"
    )
    rig.rss_bytes = int(1.2 * steady)
    rig.verdict()
    assert rate >= 5 * _RATE


def _catch_up(rig: Rig, missing: int) -> float:
    """Documents a second from the first one that comes after the absence."""
    before, mended = rig.documents(), time.monotonic()
    rig.endpoint.order()
    wait_until(lambda: rig.documents() > before, "the first document comes", seconds=60)
    first = time.monotonic()
    wait_until(lambda: rig.documents() - before >= missing, "what was missing is there", seconds=600)
    rig.outcome.catch_up_seconds = time.monotonic() - mended
    rig.outcome.note += f" {first - mended:.1f} s until it was tried again,"
    return (rig.documents() - before) / (time.monotonic() - first)


@pytest.mark.scenario(20, "items 201/429/503/400/409 mixed, 10 % each", short=1, seeds=10)
def test_scenario_20_each_item_is_judged_by_itself(rig: Rig) -> None:
    rig.endpoint.order(items={429: 0.1, 503: 0.1, 409: 0.1}, refused=0.05, refused_json=0.05)
    rig.generator(4, 1_000)
    rig.start()
    rig.wait_for_documents(2_000)
    rig.endpoint.order(refused=0.05, refused_json=0.05)
    rig.settle()
    verdict = rig.verdict()
    told = rig.endpoint.told()
    assert verdict.dead > 0
    assert verdict.dead + verdict.delivered == verdict.written
    assert told.refused > verdict.dead  # some were taken as text


@pytest.mark.scenario(21, "413 above 1 MB, one document of 2 MB", short=1, seeds=5)
def test_scenario_21_a_request_too_large_is_split_down_to_the_document(rig: Rig) -> None:
    rig.endpoint.order(largest_bytes=400_000)
    log = rig.log("large")
    rig.generator(2, 2_000, payload_bytes=400)
    log.line(b"before")
    log.line(bytes(rig.random.choices(b"abcdefgh", k=900_000)))
    log.line(b"after")
    rig.start(output={"batch_bytes": 2 << 20})
    rig.wait_for_documents(5_000)
    rig.settle(patiently=True)
    verdict = rig.verdict()
    assert verdict.dead == 1
    assert rig.endpoint.told().statuses[413] > 1


@pytest.mark.scenario(22, "late, cut, non-JSON, short answers; resets", short=1, seeds=10)
def test_scenario_22_an_answer_that_tells_nothing_is_asked_for_again(rig: Rig) -> None:
    kinds = ("late", "cut", "not_json", "short", "reset", "429", "500", "503", "401")
    rig.endpoint.order(requests=dict.fromkeys(kinds, 0.03))
    rig.generator(4, 2_000)
    rig.start(output={"request_timeout_seconds": 0.5, "batch_bytes": 64 << 10})
    rig.wait_for_documents(5_000, seconds=60)
    rig.endpoint.order()
    rig.settle()
    rig.verdict()
    assert rig.endpoint.told().duplicates > 0


@pytest.mark.scenario(23, "one of three nodes dead, a black hole, slow", seeds=2, nodes=3)
@pytest.mark.parametrize("fault", [{"mode": "refuse"}, {"mode": "hold"}, {"latency_seconds": 10.0}])
def test_scenario_23_a_node_that_is_ill_slows_nobody_and_comes_back(rig: Rig, fault: dict[str, object]) -> None:
    for node in range(3):
        rig.endpoint.order(node=node, latency_seconds=0.02)
    generator = rig.generator(4, 4_000)
    rig.start(output={"request_timeout_seconds": 3})
    rig.wait_for_documents(4_000)
    rig.endpoint.order(node=1, **fault)
    ill_since = time.monotonic()
    wait_until(lambda: time.monotonic() - ill_since > 10, "it knows of the node", seconds=20)
    started, before = time.monotonic(), rig.documents()
    rig.wait_for_documents(20_000, seconds=60)
    rate = (rig.documents() - before) / (time.monotonic() - started)
    rig.outcome.note += f" {rate:.0f} lines/s of 4,000 while ill"
    rig.endpoint.order(node=1)
    served = rig.endpoint.told().requests[1]
    wait_until(lambda: rig.endpoint.told().requests[1] > served + 3, "the node is used again", seconds=60)
    generator.rate(100)
    rig.settle()
    rig.verdict()
    assert rate >= 0.6 * 4_000


@pytest.mark.scenario(23, "one of three nodes dead, a black hole, slow", seeds=2)
def test_scenario_23_an_output_that_is_away_delays_no_other(rig: Rig) -> None:
    second = FaultyEndpoint(rig.directory / "second", rig.seed)
    rig.defer(second.close)
    second.order(mode="hold")
    rig.generator(3, 3_000)
    rig.start(others={"second": {"type": "elasticsearch", "hosts": second.urls, "request_timeout_seconds": 2}})
    rig.wait_for_documents(10_000)
    rig.finish()
    wait_until(lambda: rig.documents() == rig.written.count, "the one that is there has all", seconds=10)
    assert second.told().documents == 0
    second.order()
    rig.settle(expected=lambda: second.told().documents)
    rig.verdict()
    verdict = verify(rig.written, accepted_in(second.accepted), [], set(), ended=rig.agent.ended)
    assert not verdict.faults
    assert verdict.lost == 0


@pytest.mark.scenario(24, "a poison document in each batch", seeds=2)
def test_scenario_24_a_poison_document_holds_nobody_up(rig: Rig) -> None:
    rig.endpoint.order(poison="POISON")
    log = rig.log("poisoned")
    rig.generator(3, 3_000)
    rig.start()
    poisons = 40 if rig.full else 20
    for number in range(poisons):
        log.line(b"well %d" % number)  # an index that takes nothing would wait for the operator
        log.line(b'{"conflict": {"POISON": %d}}' % number)
        rig.wait_for_documents(1_000)
    rig.settle(patiently=True)
    verdict = rig.verdict()
    assert verdict.dead == poisons
    assert rig.endpoint.told().requests[0] < verdict.written / 5  # no loop of retries


@pytest.mark.scenario(37, "documents that the server dies of", short=1, seeds=3)
def test_scenario_37_a_document_that_the_server_dies_of_is_given_up_and_no_other(rig: Rig) -> None:
    rig.endpoint.order(deadly="DEADLY")
    log = rig.log("deadly")
    rig.generator(3, 1_000)
    rig.start(output={"spool_after_seconds": 2})
    for number in range(2):
        log.line(b"before %d" % number)
        log.line(b'{"DEADLY": %d}' % number)
        log.line(b"after %d" % number)
        rig.wait_for_documents(1_000, seconds=60)
    rig.settle(patiently=True, seconds=180)
    rig.endpoint.order()
    folder = rig.agent.state / "dead_letters/elastic"
    letters = [orjson.loads(line) for path in folder.glob("*.ndjson") for line in path.read_bytes().splitlines()]
    assert [letter["reason"] for letter in letters] == ["kills_destination"] * 2
    deaths = rig.endpoint.told().deaths
    rig.outcome.note += f" {deaths} deaths"
    assert deaths <= 20
    assert rig.verdict().dead == 2


@pytest.mark.scenario(38, "an endpoint that takes no gzip for a while", short=1, seeds=2)
def test_scenario_38_where_every_request_is_refused_no_document_loses_its_fields(rig: Rig) -> None:
    rig.endpoint.order(no_gzip=True)
    rig.generator(3, 1_000)
    rig.start(output={"spool_after_seconds": 3})
    wait_until(lambda: b"set compress: false" in rig.agent.get("/readyz"), "the remedy is told", seconds=20)
    rig.wait(40 if rig.full else 8)
    refused = rig.endpoint.told().statuses[400]
    rig.outcome.note += f" {refused} requests refused"
    assert refused < 300
    rig.endpoint.order()
    rig.wait_for_documents(3_000)
    rig.settle()
    assert rig.verdict().dead == 0
    assert b'"delivery_error"' not in rig.endpoint.accepted.read_bytes()


@pytest.mark.scenario(24, "a poison document in each batch", seeds=2)
def test_scenario_24_replayed_dead_letters_are_delivered_under_their_own_ids(rig: Rig) -> None:
    rig.endpoint.order(poison="POISON")
    log = rig.log("poisoned")
    for number in range(50):
        log.line(b'{"conflict": {"POISON": %d}}' % number if number % 2 else b"well %d" % number)
    rig.start()
    rig.settle(patiently=True)
    ids = {letter.id for letter in dead_letters_in(rig.agent.state / "dead_letters")}
    assert len(ids) == 25
    rig.endpoint.order()
    command = [sys.executable, "-m", "collector", "dead-letters", "replay", "-c", str(rig.agent.config)]
    replayed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert replayed.returncode == 0, replayed.stderr
    wait_until(lambda: rig.documents() == 50, "all are there", seconds=20)
    rig.settle(patiently=True)
    assert ids <= {document.id for document in accepted_in(rig.endpoint.accepted)}
    assert rig.verdict().dead == 0
