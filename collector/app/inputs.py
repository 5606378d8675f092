"""An input in an agent: what it is told, and that it harms no other, whatever it raises."""

import asyncio
from collections.abc import Callable

import structlog

from collector.config.models import Configuration
from collector.container_settings.policy import Policy
from collector.container_settings.rule_book import RuleBook
from collector.discovery.registry import Listing
from collector.errors import REPORT_IT, place_of
from collector.intake.input import EventSink, Fields, Input, InputContext
from collector.model import StreamKey
from collector.redaction.redaction import Redaction
from collector.transform.stamps import Stamps

log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 5.0


def context_of(
    configuration: Configuration,
    listing: Listing,
    *,
    target_of: Callable[[StreamKey], str | None] = lambda key: None,
    events: Callable[[str, Fields], EventSink | None] = lambda cutoff, fields: None,
    rules: RuleBook | None = None,
) -> InputContext:
    """What the input of this listing is told; without the rest nothing is kept of it, and no event goes anywhere.

    Raises:
        ConfigurationError: the key of redaction cannot be read.
    """
    return InputContext(
        name=listing.name,
        listing=listing,
        state=configuration.state_dir,
        host=configuration.host,
        stamps=Stamps(configuration.timezone),
        with_attrs=configuration.fields.attrs,
        rules=rules or rules_of(configuration),
        target_of=target_of,
        events=events,
    )


def rules_of(configuration: Configuration) -> RuleBook:
    """What the configuration wants of containers.

    Raises:
        ConfigurationError: the key of redaction cannot be read.
    """
    policy = Policy(
        configuration.labels,
        configuration.containers,
        redact=configuration.redact.names,
        outputs=configuration.outputs,
        chosen_by=None
        if configuration.http.routes
        else {name for one in configuration.outputs.values() for name in one.container_labels},
    )
    return RuleBook(policy, Redaction(configuration.redact))


async def keep_running(one: Input, listing: Listing, again_seconds: float = _AGAIN_SECONDS) -> None:
    """Run it until cancelled, again and again if it ends: its streams stay, the other inputs go on.

    In a task of its own: a group of tasks of which one fails while it is cancelled raises the error, and the
    cancellation is lost with it (python/cpython#116720, until Python 3.13).
    """
    while True:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(_end_of(one), name=f"input {listing.name}")
        error = running.result()
        if listing.lost(error):
            log.error("input failed", input=listing.name, error=error)
        await asyncio.sleep(again_seconds)


async def _end_of(one: Input) -> str:
    """Run it; why it ended."""
    try:
        await one.run()
    except Exception as unexpected:  # noqa: BLE001 - of another package's code
        return f"it raised an unexpected error ({place_of(unexpected)}): {REPORT_IT}"
    return "it ended by itself"
