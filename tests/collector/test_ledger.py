"""Laws of the accounts: both sides of the identity move together."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from collector.ledger import Ledger
from tests.contract.segments import plain_segment


def _come_and_stay(ledger: Ledger, count: int) -> None:
    ledger.recover(count, 10)
    ledger.give_up_recovery(count, 10)


def _replay_in_part(ledger: Ledger, count: int) -> None:
    ledger.replay(count, 10)
    ledger.delivered(count // 2, 0)
    ledger.give_up_replay(count - count // 2, 10)


def _recover(ledger: Ledger, count: int) -> None:
    ledger.recover(count, 0)
    ledger.delivered(count, 0)


WAYS: dict[str, Callable[[Ledger, int], None]] = {
    "spooled": lambda *_: None,
    "replayed": _replay_in_part,
    "recovered": _recover,
    "kept": _come_and_stay,
    "lost": Ledger.lose,
    "left out": lambda ledger, count: ledger.left_out({"debug": count, "health checks": 1}),
}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["delivered", "duplicate", "buried", "dropped", *WAYS]),
            st.integers(0, 5),
        )
    )
)
def test_the_identity_holds_after_each_step(steps: list[tuple[str, int]]) -> None:
    ledger = Ledger()
    for step, count in steps:
        ledger.entered(plain_segment(count))
        assert ledger.balance == 0
        if step == "delivered":
            ledger.delivered(count, 0)
        elif step in WAYS:
            WAYS[step](ledger, count)
            assert ledger.balance == 0
            ledger.spool(count)
        elif step == "duplicate":
            ledger.delivered(0, count)
        else:
            ledger.buried(count, 1 if step == "dropped" else 0)
        assert ledger.balance == 0
    assert ledger.in_flight == 0


def test_bytes_are_in_flight_until_their_segment_has_left() -> None:
    ledger = Ledger()
    segment = plain_segment(3)
    ledger.entered(segment)
    ledger.delivered(3, 0)
    assert ledger.in_flight_bytes == segment.size
    ledger.left(segment)
    assert ledger.in_flight_bytes == 0


def test_the_last_acknowledgement_is_that_of_a_document() -> None:
    ledger = Ledger()
    ledger.delivered(0, 0)
    assert ledger.last_acknowledged is None
    ledger.entered(plain_segment(1))
    ledger.delivered(0, 1)
    assert ledger.last_acknowledged is not None
