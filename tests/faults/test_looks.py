"""The account is held for each output by itself, from what `/metrics` says."""

import pytest

from tests.faults.looks import Account

EVEN = """\
pilotfish_documents_read_total{output="a"} 100.0
pilotfish_documents_recovered_total{output="a"} 5.0
pilotfish_documents_replayed_total{output="a"} 2.0
pilotfish_documents_settled_total{output="a",result="acknowledged"} 60.0
pilotfish_documents_settled_total{output="a",result="duplicate"} 10.0
pilotfish_documents_settled_total{output="a",result="dead_lettered"} 7.0
pilotfish_documents_dropped_total{output="a",reason="spool_corrupt"} 1.0
pilotfish_documents_dropped_total{output="a",reason="dead_letters_full"} 3.0
pilotfish_documents_spooled_total{output="a"} 9.0
pilotfish_documents_in_flight{output="a"} 20.0
pilotfish_documents_read_total{output="b"} 4.0
pilotfish_documents_settled_total{output="b",result="acknowledged"} 4.0
pilotfish_backlog_bytes{output="a",name="app"} 30.0
pilotfish_spool_bytes{output="a"} 8.0
"""


def test_an_even_account_has_no_difference() -> None:
    assert Account(EVEN).difference == 0


@pytest.mark.parametrize("line", [line for line in EVEN.splitlines() if "documents" in line and "_full" not in line])
def test_a_document_too_many_anywhere_is_a_difference(line: str) -> None:
    series, _, value = line.rpartition(" ")
    assert Account(EVEN.replace(line, f"{series} {float(value) + 1}")).difference == 1


def test_outputs_do_not_make_up_for_each_other() -> None:
    uneven = EVEN.replace('read_total{output="a"} 100', 'read_total{output="a"} 99')
    assert Account(uneven.replace('read_total{output="b"} 4', 'read_total{output="b"} 5')).difference == 2


def test_lag_is_what_waits_on_disk_in_flight_and_in_the_spool() -> None:
    assert Account(EVEN).lag == 30 + 20 + 8
