"""A real Elasticsearch that is killed and comes back, under load: exactly what was written is in it."""

import pytest

from tests.engines.search_server import SearchServer
from tests.faults.rig import Rig
from tests.faults.verifier import Arrived
from tests.integration.agent import wait_until


@pytest.mark.scenario(0, "a real Elasticsearch killed three times (kill -9)", seeds=1)
@pytest.mark.timeout(900)
def test_scenario_00_a_killed_and_restarted_elasticsearch_has_exactly_what_was_written(
    rig: Rig, elasticsearch_8: SearchServer
) -> None:
    generator = rig.generator(4, 3_000, max_bytes=5_000_000, max_files=50)
    rig.start(output={"hosts": [elasticsearch_8.url], "request_timeout_seconds": 10})
    for _ in range(3):
        _wait_for_settled(rig, 6_000)
        elasticsearch_8.kill()
        rig.wait(2 + rig.random.random() * 3)
        elasticsearch_8.start()
    _wait_for_settled(rig, 6_000)
    generator.rate(100)
    rig.settle(expected=lambda: int(_settled(rig)), seconds=120)
    hits = elasticsearch_8.refresh_and_fetch("app-*,shop-*")
    rig.verdict(arrived=[Arrived(hit["_index"], hit["_id"], hit["_source"]) for hit in hits])


def _wait_for_settled(rig: Rig, count: int) -> None:
    goal = _settled(rig) + count
    wait_until(lambda: _settled(rig) > goal, f"{count} more documents are taken", seconds=60)


def _settled(rig: Rig) -> float:
    found = rig.looks.account()
    return 0.0 if found is None else found.sum("pilotfish_documents_settled_total")
