"""Laws of the way to a destination: when it is asked again after a failure, and what is told of it."""

import asyncio

import pytest
from structlog.testing import capture_logs

from collector.delivery.backoff import Backoff
from collector.delivery.concurrency import Concurrency
from collector.delivery.sender import Sender
from collector.errors import ConfigurationError, ShippingError, Unavailable
from collector.ledger import Ledger
from collector.model import Batch, Receipt
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.contract.segments import batch, plain_segment

SECRET = "s3cret-in-a-test"


class Road:
    """A link, and its two ends."""

    def __init__(self, shipper: RecordingShipper | None = None) -> None:
        self.shipper = shipper or RecordingShipper()
        self.ledger = Ledger()
        self.sender = Sender("out", self.shipper, self.ledger, Concurrency(2))

    async def fail(self, words: str = "away") -> None:
        self.shipper.raises = [Unavailable(words)]
        await self.ship()

    async def ship(self) -> None:
        await self.sender.ship(batch(plain_segment(1)), set(), Backoff())


@pytest.fixture
def road() -> Road:
    return Road()


async def seconds_of_pause(road: Road, seconds: float, *, at_least: float | None = None) -> float:
    """How long a pause is that begins while the output is away, if it is back at once."""
    await road.fail()
    clock = asyncio.get_running_loop().time
    began = clock()
    pause = asyncio.ensure_future(road.sender.pause(seconds, at_least=at_least))
    await asyncio.sleep(0)
    await road.ship()
    await pause
    return clock() - began


async def test_an_output_that_is_back_is_asked_soon_by_those_that_would_have_waited_for_long(road: Road) -> None:
    assert await seconds_of_pause(road, 3600.0) < 10.0


async def test_a_short_pause_is_kept_though_others_succeed(road: Road) -> None:
    assert await seconds_of_pause(road, 0.3) > 0.29


async def test_the_wish_of_a_destination_is_kept_though_others_succeed(road: Road) -> None:
    assert 1.19 < await seconds_of_pause(road, 3600.0, at_least=1.2) < 10.0


async def test_an_output_that_comes_and_goes_does_not_fill_the_log(road: Road) -> None:
    with capture_logs() as told:
        for _ in range(20):
            await road.fail()
            assert road.ledger.error == "away"
            await road.ship()
            assert road.ledger.error == ""
    assert [line["event"] for line in told] == ["output unavailable", "output recovered"]


async def test_an_absence_is_told_with_its_reason_and_so_is_its_end(road: Road) -> None:
    with capture_logs() as told:
        for _ in range(3):
            await road.fail("no key")
        await road.ship()
    assert [(line["event"], line.get("error")) for line in told] == [
        ("output unavailable", "no key"),
        ("output recovered", None),
    ]


class Silent(RecordingShipper):
    """Answers nothing until it is `heard`; then the attempt fails."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = asyncio.Event()

    async def ship(self, batch: Batch) -> Receipt:
        if batch.count == 1:
            return await super().ship(batch)
        self.batches.append(batch)
        await self.heard.wait()
        raise Unavailable("no answer in time")


@pytest.mark.parametrize("is_answered_meanwhile", [False, True])
async def test_an_output_is_away_since_it_answered_nothing_more(is_answered_meanwhile: bool) -> None:
    road = Road(silent := Silent())
    clock = asyncio.get_running_loop().time
    failing = asyncio.ensure_future(road.sender.ship(batch(plain_segment(2)), set(), Backoff()))
    await until(lambda: silent.batches)
    asked = clock()
    if is_answered_meanwhile:
        await until(lambda: clock() > asked + 0.05)
        await road.ship()
    answered = clock()
    await until(lambda: clock() > answered + 0.05)
    silent.heard.set()
    await failing
    assert road.sender.away_since is not None
    assert (road.sender.away_since <= asked) is not is_answered_meanwhile
    assert road.sender.away_since <= answered


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
    sender = Sender("out", Broken(error), ledger, Concurrency(1))
    sent = batch(plain_segment(2))
    answer = await sender.ship(sent, set(), Backoff())
    assert (answer.is_away, answer.receipt.retry) == (True, sent)
    assert ledger.error.startswith(
        f"the options of the output do not make a valid request ({type(error).__name__}): correct"
    )
    assert SECRET not in ledger.error
    assert (await sender.ship(sent, set(), Backoff())).receipt.delivered == 2
    assert ledger.error == ""


class Nothing(Broken):
    """A shipper that gives no receipt, once."""

    async def ship(self, batch: Batch) -> Receipt:
        if self._errors:
            self._errors.clear()
            return None  # type: ignore[return-value]
        return await super().ship(batch)


@pytest.mark.parametrize(
    ("shipper", "place"),
    [
        (Broken(KeyError(SECRET)), "KeyError at test_sender.py:"),
        (Broken(TypeError(SECRET)), "TypeError at test_sender.py:"),
        (Broken(ShippingError(SECRET)), "ShippingError at test_sender.py:"),
        (Broken(ConfigurationError(SECRET)), "ConfigurationError at test_sender.py:"),
        (Nothing(KeyError()), "AttributeError at sender.py:"),
    ],
)
async def test_a_fault_of_an_output_makes_it_away_and_ends_nothing(shipper: Broken, place: str) -> None:
    ledger = Ledger()
    sender = Sender("out", shipper, ledger, Concurrency(1))
    sent = batch(plain_segment(2))
    answer = await sender.ship(sent, set(), Backoff())
    assert (answer.is_away, answer.receipt.retry) == (True, sent)
    assert ledger.error.startswith(f"the output raised an unexpected error ({place}")
    assert ledger.error.endswith("): report it to the authors of this type")
    assert SECRET not in ledger.error
    assert (await sender.ship(sent, set(), Backoff())).receipt.delivered == 2
