"""The notes on transactions of `shippers.kafka`: one process at a time has them, whatever becomes of it."""

from pathlib import Path

import pytest

from shippers.kafka.journal import Journal


def test_notes_that_are_open_elsewhere_are_left_alone(tmp_path: Path) -> None:
    agent, test = Journal(tmp_path), Journal(tmp_path)
    agent.open()
    agent.intend("topic", ["token"], {})
    with pytest.raises(BlockingIOError):
        test.open()
    test.close()
    agent.settle(is_committed=True)
    agent.close()
    test.open()
    assert (test.name, test.number, test.doubt, test.refused_of("token")) == (agent.name, 1, None, [])
    test.close()


def test_notes_stay_ours_when_they_become_too_large(tmp_path: Path) -> None:
    agent, test = Journal(tmp_path), Journal(tmp_path)
    agent.open()
    for number in range(3):
        agent.intend("topic", [f"{number}" * (1 << 20)], {})
        agent.settle(is_committed=True)
    assert (tmp_path / "journal.1").exists()
    with pytest.raises(BlockingIOError):
        test.open()
    test.close()
    agent.close()
