"""The agent's own log: harmless on a terminal, and never a reason to end."""

import gc
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from collector.config.models import Log
from collector.runtime import log_output


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_lines_are_json_where_no_terminal_is() -> None:
    stream = io.StringIO()
    log_output.configure(Log(format="auto"), stream)
    structlog.get_logger().warning("something", name="a")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["name"]) == ("something", "warning", "a")


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    log_output.configure(Log(level="warning"), stream)
    structlog.get_logger().info("something")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_control_character_of_others_reaches_the_terminal(form: str) -> None:
    stream = io.StringIO()
    log_output.configure(Log.model_validate({"format": form}), stream)
    structlog.get_logger().warning("from a label", value="\x1b[2J\r\u202e\x07")
    assert set(stream.getvalue()) & set("\x1b\r\u202e\x07") == set()


def test_a_full_disk_costs_a_line_and_ends_nothing() -> None:
    with Path("/dev/full").open("w", buffering=1) as full:
        log_output.configure(Log(format="json"), full)
        structlog.get_logger().warning("nobody reads this")
        log_output.configure(Log(format="json"))
        try:
            full.close()
        except OSError:
            return


def test_lines_are_counted_by_level() -> None:
    counted = log_output.configure(Log(level="warning"), io.StringIO())
    assert counted == {"debug": 0, "info": 0, "warning": 0, "error": 0}
    for _ in range(2):
        structlog.get_logger().warning("something")
    structlog.get_logger().info("left out")
    structlog.get_logger().error("something")
    assert counted == {"debug": 0, "info": 0, "warning": 2, "error": 1}


def test_a_log_that_is_given_up_flushes_nothing_behind_its_last_line() -> None:
    """As at the end of the process, when the interpreter has nothing left to flush it with: Python 3.13 told it."""

    class Counting(io.StringIO):
        flushes = 0

        def flush(self) -> None:
            self.flushes += 1

    stream = Counting()
    log_output.configure(Log(format="json"), stream)
    structlog.get_logger().warning("last")
    flushes = stream.flushes
    structlog.reset_defaults()
    gc.collect()
    assert stream.flushes == flushes
