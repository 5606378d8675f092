"""Laws of the way to one destination."""

import pytest

from collector.backoff import Backoff
from collector.concurrency import Concurrency
from collector.ledger import Ledger
from collector.link import Link
from collector.model import Batch, Receipt
from tests.contract.segments import batch, plain_segment

SECRET = "s3cret-in-a-test"


class Broken:
    """A shipper whose library takes an option for wrong, at the first batch."""

    def __init__(self, error: Exception) -> None:
        self._errors = [error]

    async def ship(self, batch: Batch) -> Receipt:
        if self._errors:
            raise self._errors.pop()
        return Receipt(delivered=batch.count)

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize("error", [ValueError(SECRET), UnicodeError("label empty or too long")])
async def test_a_value_that_a_library_refuses_makes_the_output_away_and_ends_nothing(error: Exception) -> None:
    ledger = Ledger()
    link = Link("out", Broken(error), ledger, Concurrency(1))
    sent = batch(plain_segment(2))
    answer = await link.ship(sent, set(), Backoff())
    assert (answer.is_away, answer.receipt.retry) == (True, sent)
    assert ledger.error.startswith(f"the options of the output make no request ({type(error).__name__}): correct")
    assert SECRET not in ledger.error
    assert (await link.ship(sent, set(), Backoff())).receipt.delivered == 2
    assert ledger.error == ""
