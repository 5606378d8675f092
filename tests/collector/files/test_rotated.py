"""Laws of the names of rotated files: which are part of a log, and in which order they were written."""

import pytest

from collector.files.rotated import generation, is_rotated

OLDEST_FIRST = [
    ("app.log.12.gz", "app.log.2", "app.log.1", "app.log"),
    ("app.log-20251231.gz", "app.log-20261129", "app.log-20261130", "app.log"),
    ("app.log-2026112923", "app.log-2026113000", "app.log"),
    ("app.log-1732924800", "app.log-1732928400.gz", "app.log"),
    ("app.log.2026-11-29", "app.log.2026-11-30", "app.log"),
    ("app.log.2026-11-30_09-59-59", "app.log.2026-11-30_10-00-00", "app.log"),
    ("app.2026-11-29.1.log.gz", "app.2026-11-30.0.log", "app.2026-11-30.9.log", "app.2026-11-30.10.log",
     "app.2026-11-30.24.log", "app.log"),
    ("app-2026-11-30-1.log.gz", "app-2026-11-30-2.log.gz", "app.log"),
    ("app-2026-11-30T09-20-30.123.log", "app-2026-11-30T10-20-30.001.log.gz", "app.log"),
    ("messages-20261129", "messages.1", "messages"),
    ("c0ffee-json.log.2.gz", "c0ffee-json.log.1", "c0ffee-json.log"),
]  # fmt: skip
STRANGERS = (
    "app.log2", "app.log.", "app.log.old", "app.log.1.bz2", "app.log.gz", "app.log.x1", "xapp.log", "app.log.²",
    "app.log~", ".app.log.swp", "app.2026-13-30.log", "app-error.log", "app-1.log", "app.log-99999999", "app.txt",
    "app.log-2026-11-30.txt", "app", "ap.log.1", "app.log.1-2",
)  # fmt: skip


@pytest.mark.parametrize("names", OLDEST_FIRST, ids=lambda names: names[0])
def test_files_are_in_the_order_in_which_they_were_written(names: tuple[str, ...]) -> None:
    *_, live = names
    ages = [generation(name, live) for name in names]
    assert ages[-1] == 0
    assert None not in ages
    assert ages == sorted(ages, key=lambda age: -(age or 0))
    assert len(set(ages)) == len(ages)


@pytest.mark.parametrize("name", STRANGERS)
def test_nothing_else_is_part_of_a_log(name: str) -> None:
    assert generation(name, "app.log") is None


def test_a_name_of_many_digits_costs_nothing() -> None:
    assert generation(f"app.log.{'1' * 10_000}", "app.log") is None
    assert generation(f"app.log-20261130{'.1' * 5000}", "app.log") is None


@pytest.mark.parametrize("names", OLDEST_FIRST, ids=lambda names: names[0])
def test_a_rotated_file_is_known_by_the_log_beside_it(names: tuple[str, ...]) -> None:
    *rotated, live = names
    for name in rotated:
        assert is_rotated(f"/logs/{name}", {f"/logs/{live}", f"/logs/{name}"})
        assert not is_rotated(f"/logs/{name}", {f"/other/{live}", f"/logs/{name}"})
    assert not is_rotated(f"/logs/{live}", {f"/logs/{one}" for one in names})


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_is_a_log_of_its_own(name: str) -> None:
    assert not is_rotated(f"/logs/{name}", {"/logs/app.log", f"/logs/{name}"})
