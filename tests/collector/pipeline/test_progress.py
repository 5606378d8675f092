"""What is said of a backlog is worked out from bytes and speed."""

import pytest

from collector.ledger import Ledger
from collector.pipeline.progress import Rate, duration, estimate


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (90.0, "1 min 30 s"),
        (3600.0, "1 h 0 min"),
        (90_061.0, "25 h 1 min"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_an_estimate_tells_share_rest_speed_and_time() -> None:
    assert estimate(300 << 20, 100 << 20, 10 << 20) == {
        "done": "25%",
        "left_to_read": "300 MiB",
        "speed": "10.0 MiB/s",
        "time_left": "about 30 s",
    }


def test_a_backlog_that_does_not_shrink_has_no_time_left() -> None:
    assert estimate(300 << 20, 0, 0.0)["time_left"] == "unknown: no progress"


def test_a_rate_is_the_average_of_the_last_minutes() -> None:
    ledger = Ledger()
    rate = Rate(ledger)
    for _ in range(120):
        ledger.document_bytes += 5_000
        ledger.read += 15
        ledger.left_out({"rule": 5})
        rate.look(5.0)
    assert ledger.document_bytes_per_second == pytest.approx(1_000)
    assert ledger.documents_per_second == pytest.approx(3)
    for _ in range(480):
        rate.look(5.0)
    assert ledger.document_bytes_per_second < 20
    assert ledger.documents_per_second < 0.1
