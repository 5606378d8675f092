"""Configuration → what an input is told, in an agent or by a command that only looks at it."""

from collections.abc import Callable

from collector.config.models import Configuration
from collector.discovery.registry import Listing
from collector.intake.input import EventSink, Fields, InputContext
from collector.model import StreamKey
from collector.transform.stamps import Stamps


def context_of(
    configuration: Configuration,
    listing: Listing,
    *,
    target_of: Callable[[StreamKey], str | None] = lambda key: None,
    events: Callable[[str, Fields], EventSink | None] = lambda cutoff, fields: None,
) -> InputContext:
    """What the input of this listing is told; without the rest nothing is kept of it, and no event goes anywhere."""
    return InputContext(
        name=listing.name,
        listing=listing,
        state=configuration.state_dir,
        host=configuration.host,
        stamps=Stamps(configuration.timezone),
        with_attrs=configuration.fields.attrs,
        target_of=target_of,
        events=events,
    )
