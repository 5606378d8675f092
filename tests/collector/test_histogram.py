"""Laws of a histogram: each value falls into one bucket, and the sum is theirs."""

from collector.histogram import LATENCY_SECONDS, REQUEST_SECONDS, Histogram


def test_a_duration_falls_at_or_below_its_bound() -> None:
    durations = Histogram()
    for seconds in (0.0, REQUEST_SECONDS[0], REQUEST_SECONDS[0] * 1.01, REQUEST_SECONDS[-1], 1e6):
        durations.observe(seconds)
    assert durations.counts[:2] == [2, 1]
    assert durations.counts[-2:] == [1, 1]
    assert sum(durations.counts) == 5
    assert durations.sum > 1e6


def test_several_of_one_length_count_as_so_many() -> None:
    durations = Histogram(LATENCY_SECONDS)
    durations.observe(0.2, 3)
    durations.observe(0.2, 0)
    assert (durations.counts[1], sum(durations.counts)) == (3, 3)
    assert round(durations.sum, 6) == 0.6
