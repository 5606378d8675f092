"""The first lines of a log decide its format, the same one however often they are read."""

from typing import ClassVar

import pytest

from collector.formats.auto import CANDIDATES, LINES, Format
from tests.collector.formats.test_apache2 import TestApache2
from tests.collector.formats.test_apache_error import TestApacheError
from tests.collector.formats.test_klog import TestKlog
from tests.collector.formats.test_logfmt import TestLogfmt
from tests.collector.formats.test_nginx import TestNginx
from tests.collector.formats.test_syslog import TestSyslog
from tests.contract.formats import Corpus, FormatContract

OTHERS = (TestKlog, TestApacheError, TestNginx, TestApache2, TestSyslog, TestLogfmt)


class TestAuto(FormatContract):
    name = "auto"
    fits: ClassVar[Corpus] = {
        line: members for each in (TestKlog, TestApacheError) for line, members in list(each.fits.items())[:6]
    }
    unfit: ClassVar[tuple[str, ...]] = ("plain", "", "a b c", "[1]", "2026-11-23 x")

    def words(self, text: str) -> str:
        return TestKlog().words(text)


@pytest.mark.parametrize("of", OTHERS, ids=lambda one: one.name)
def test_lines_of_one_format_decide_for_it(of: type[FormatContract]) -> None:
    reader = Format({})
    lines = [line for line in of.fits if not line.startswith("{")]
    for number in range(LINES):
        assert reader.decision == ""
        reader.log(lines[number % len(lines)])
    assert reader.decision == ("nginx" if of is TestApache2 else of.name)  # both write the same access log
    assert reader.log("no line of any format") is None


def test_text_decides_for_none_and_is_no_more_looked_at() -> None:
    reader = Format({})
    for number in range(LINES):
        assert reader.log(f"line {number} of prose") is None
    assert reader.decision == "none"
    assert reader.log('{"a":1}') is None


def test_a_few_lines_of_another_kind_change_nothing_and_many_leave_it_undecided() -> None:
    line = next(iter(TestKlog.fits))
    for others, decision in ((10, "klog"), (11, "none")):
        reader = Format({})
        for number in range(LINES):
            reader.log("text" if number < others else line)
        assert reader.decision == decision


@pytest.mark.parametrize("cut", range(0, 61, 6))
def test_what_is_carried_goes_on_where_it_was(cut: int) -> None:
    lines = [*TestKlog.fits, "text", *TestNginx.fits] * 9
    whole = Format({})
    expected = [whole.log(line) for line in lines]
    first = Format({})
    found = [first.log(line) for line in lines[:cut]]
    rest = Format({})
    rest.resume(first.carried)
    assert found + [rest.log(line) for line in lines[cut:]] == expected


@pytest.mark.parametrize("carried", ["", "x", "1,2/3", "/", "a," * 6 + "a/1", f"{','.join('1' * len(CANDIDATES))}/-1"])
def test_what_another_version_carried_is_no_hindrance(carried: str) -> None:
    reader = Format({})
    reader.resume(carried)
    assert reader.carried == Format({}).carried
