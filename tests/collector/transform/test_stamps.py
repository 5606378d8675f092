"""Laws of times: only what Docker writes is taken, a zone moves it, and its digits stay."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.transform.stamps import Stamps

DIGITS = ("", ".5", ".768123456", ".000000001", ".100")
moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda found: found.replace(microsecond=0))


def rendered(time: str, zone: str) -> str:
    return Stamps(ZoneInfo(zone)).render([time])[0]


@pytest.mark.parametrize(
    "time",
    [
        "2017-11-27T02:13:00.768123456Z",
        "2017-11-27T02:13:00Z",
        "2017-11-27T02:13:00.1Z",
        "2016-02-29T23:59:59Z",
        "1970-01-01T00:00:00Z",
    ],
)
def test_dockers_times_are_taken(time: str) -> None:
    assert Stamps().are_times([time])


@pytest.mark.parametrize(
    "time",
    [
        "",
        "2017-02-30T00:00:00Z",
        "2017-02-29T00:00:00Z",
        "2017-13-01T00:00:00Z",
        "2017-00-01T00:00:00Z",
        "2017-11-31T00:00:00Z",
        "2017-11-27T25:00:00Z",
        "2017-11-27T24:00:00Z",
        "2017-11-27T00:60:00Z",
        "2017-11-27T00:00:60Z",
        "2017-11-27T00:00:00",
        "2017-11-27T00:00:00.Z",
        "2017-11-27T00:00:00.1234567890Z",
        "2017-11-27T00:00:00+00:00",
        "2017-11-27 00:00:00Z",
        "2017-11-27T00:00:00Z\n",
        "\uff12\uff10\uff11\uff17-11-27T00:00:00Z",
        '2017-11-27T00:00:00","x":"Z',
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_nothing_else_is_taken_for_a_time(time: str) -> None:
    for times in ([time], ["2017-11-27T02:13:00Z", time], [time, "2017-11-27T02:13:00Z"]):
        assert not Stamps().are_times(times)
        assert Stamps().stamp(times) is None


@given(st.lists(moments, min_size=1, max_size=5), st.lists(st.sampled_from(DIGITS), min_size=5, max_size=5))
def test_lines_of_one_day_are_stamped_as_each_by_itself(found: list[datetime], digits: list[str]) -> None:
    times = [f"{moment:%Y-%m-%dT%H:%M:%S}{each}Z" for moment, each in zip(found, digits, strict=False)]
    for zone in ("UTC", "Asia/Kathmandu"):
        stamped = Stamps(ZoneInfo(zone)).stamp(times)
        assert stamped is not None
        assert stamped.stamps == [rendered(time, zone) for time in times]
        assert {stamped.day} in ({""}, {stamp[:10] for stamp in stamped.stamps})


def test_the_day_that_all_lines_have_is_told() -> None:
    of_one, of_two = (["2017-11-27T02:13:00Z", f"2017-11-2{day}T23:59:59.5Z"] for day in (7, 8))
    assert Stamps().stamp(of_one) == (of_one, "2017-11-27")
    assert Stamps().stamp(of_two) == (of_two, "")


def test_two_times_in_one_are_none() -> None:
    assert Stamps().stamp(["2017-11-27T02:13:00Z\n2017-11-27T02:13:00Z", "2017-11-27T02:13:00Z"]) is None


def test_utc_keeps_the_text() -> None:
    for zone in (None, ZoneInfo("UTC")):
        assert Stamps(zone).render(["2017-11-27T02:13:00.768123456Z"]) == ["2017-11-27T02:13:00.768123456Z"]


@pytest.mark.parametrize(
    ("time", "zone", "stamp"),
    [
        ("2017-11-27T02:13:00.768123456Z", "Asia/Shanghai", "2017-11-27T10:13:00.768123456+08:00"),
        ("2017-11-27T16:00:00Z", "Asia/Shanghai", "2017-11-28T00:00:00+08:00"),
        ("2026-01-01T00:30:00.5Z", "America/New_York", "2025-12-31T19:30:00.5-05:00"),
        ("2026-06-01T00:30:00.5Z", "America/New_York", "2026-05-31T20:30:00.5-04:00"),
        ("2026-03-29T00:59:59.999999999Z", "Europe/Berlin", "2026-03-29T01:59:59.999999999+01:00"),
        ("2026-03-29T01:00:00Z", "Europe/Berlin", "2026-03-29T03:00:00+02:00"),
        ("2026-10-25T00:59:59Z", "Europe/Berlin", "2026-10-25T02:59:59+02:00"),
        ("2026-10-25T01:00:00Z", "Europe/Berlin", "2026-10-25T02:00:00+01:00"),
        ("2026-11-23T12:00:00Z", "Asia/Kathmandu", "2026-11-23T17:45:00+05:45"),
    ],
)
def test_a_zone_moves_the_clock_and_tells_its_offset(time: str, zone: str, stamp: str) -> None:
    assert rendered(time, zone) == stamp


@given(
    moments,
    st.sampled_from(DIGITS),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Chatham"]),
)
def test_a_stamp_is_the_same_moment_with_the_lines_own_digits(moment: datetime, digits: str, zone: str) -> None:
    stamp = rendered(f"{moment:%Y-%m-%dT%H:%M:%S}{digits}Z", zone)
    assert stamp[19 : 19 + len(digits)] == digits
    found = datetime.fromisoformat(stamp[:19] + stamp[19 + len(digits) :])
    assert found == moment.replace(tzinfo=UTC)
    assert found.utcoffset() == found.astimezone(ZoneInfo(zone)).utcoffset()


@given(moments)
def test_days_never_go_back_while_time_goes_on_in_a_zone_without_clock_changes(moment: datetime) -> None:
    times = [f"{moment + timedelta(minutes=7 * n):%Y-%m-%dT%H:%M:%S}Z" for n in range(300)]
    stamps = Stamps(ZoneInfo("Asia/Kathmandu")).render(times)
    assert sorted(stamps) == stamps


def test_a_backlog_of_years_is_rendered_right_to_its_end() -> None:
    stamps = Stamps(ZoneInfo("Asia/Shanghai"))
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    for n in range(0, 3 * 4096, 7):
        moment = begin + timedelta(minutes=n)
        (stamp,) = stamps.render([f"{moment:%Y-%m-%dT%H:%M:%S}Z"])
        assert datetime.fromisoformat(stamp) == moment
