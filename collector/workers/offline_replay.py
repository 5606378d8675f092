"""Configuration → the replays of its outputs with no agent there: under the state's lock, with their own shippers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from collector.config.models import Configuration
from collector.dead_letters.folder import DeadLetters
from collector.dead_letters.replay import Replay
from collector.delivery.batches import Batches
from collector.delivery.delivery import Delivery
from collector.ledger import Ledger
from collector.ports import OutputContext
from collector.state import places
from collector.state.directory import locked
from collector.workers.state import arrange


@asynccontextmanager
async def replays(configuration: Configuration, outputs: Sequence[str]) -> AsyncIterator[list[Replay]]:
    """The replay of each of `outputs`.

    Raises:
        StateInUse: an agent uses the state directory.
        StateError: it cannot be used.
        ConfigurationError: an output cannot be opened.
    """
    async with AsyncExitStack() as stack:
        state = stack.enter_context(locked(configuration.state_dir))
        arrange(state, workers=1)  # the letters of all in one place
        made = []
        for output in outputs:
            settings = configuration.outputs[output]
            shipper = settings.open(OutputContext(output, state / places.OUTPUTS / output))
            stack.push_async_callback(shipper.aclose)
            ledger = Ledger()
            letters = DeadLetters(state / places.DEAD_LETTERS / output)
            batches = Batches(batch_bytes=settings.batch_bytes, linger_seconds=0, bound_bytes=settings.batch_bytes)
            batches.close()
            delivery = Delivery(output, shipper, batches, letters, ledger, lambda _: None)
            made.append(Replay(output, letters, delivery.replay, ledger))
        yield made
