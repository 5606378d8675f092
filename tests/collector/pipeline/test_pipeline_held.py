"""Laws of targets that wait for the operator: they keep neither descriptors nor lines from others."""

import json
from pathlib import Path

import pytest

from collector.sources.tail_counts import TailCounts
from tests.collector.docker_lines import numbered
from tests.collector.pipeline.test_pipeline import Host, log_of, messages, words
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until

_TURNS = 4
_LINES = 20_000  # more than one chunk


class Closed(RecordingShipper):
    """Takes nothing of the targets `closed…` while `is_shut`."""

    def __init__(self) -> None:
        self.is_shut = True
        super().__init__(self._said)

    def _said(self, name: str, document: bytes) -> str | None:
        return "wait" if self.is_shut and json.loads(document)["@target"].startswith("closed") else None


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.slow
async def test_logs_whose_targets_wait_leave_others_their_descriptors(host: Host) -> None:
    shipper = Closed()
    for number in range(2 * _TURNS):
        host.add(f"closed{number}", *numbered(range(_LINES)))
    pipeline = host.pipeline(shipper)
    pipeline.counts = TailCounts(most_open_files=2 * _TURNS)
    async with host.run(pipeline):
        await until(lambda: len(pipeline.ledger.waits) >= _TURNS)
        host.add("web", *numbered(range(100)))
        await until(lambda: len(messages(shipper, "web")) == 100)
        assert pipeline.counts.open_files < 2 * _TURNS
        host.logs["closed0"].rotate()
        host.logs["closed0"].write(*numbered(range(_LINES, _LINES + 10)))
        shipper.is_shut = False
        await until(lambda: len(shipper.stored) == 2 * _TURNS * _LINES + 110)
    assert messages(shipper, "closed0") == words(range(_LINES + 10))
    assert (pipeline.counts.gaps, pipeline.ledger.duplicate) == (0, 0)


async def test_what_is_removed_of_a_log_that_waits_without_a_descriptor_is_counted(host: Host) -> None:
    shipper = Closed()
    for number in range(_TURNS):
        host.add(f"closed{number}", *numbered(range(_LINES)))
    pipeline = host.pipeline(shipper)
    pipeline.counts = TailCounts(most_open_files=2 * _TURNS)
    async with host.run(pipeline):
        await until(lambda: len(pipeline.ledger.waits) == _TURNS)
        await until(lambda: pipeline.counts.open_logs < _TURNS)
        shut = next(key.container_id for key, one in pipeline.readers.items() if log_of(one).reader is None)
        host.logs[shut].live.unlink()
        host.listing.drop(shut)
        shipper.is_shut = False
        await until(lambda: len(pipeline.readers) == _TURNS - 1 and not pipeline.ledger.in_flight)
        assert pipeline.counts.gaps == 1
