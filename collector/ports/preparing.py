"""The seam of an output whose destination holds objects of ours: templates, lifecycle."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from msgspec import Struct

from collector.net.waiting import Tell
from collector.ports.shipping import OutputContext


class Setup(Struct, frozen=True, kw_only=True):
    """What an operator wants of a destination; `wait_seconds` is how long it may take to come up.

    `targets` narrows it to the documents of these targets, which may hold `*`; `retention` None keeps them for ever.
    `profile` names what the destination is to index, "" what the output's options say.
    `overwrite` replaces what somebody changed, `dry_run` changes nothing.
    """

    targets: tuple[str, ...] = ()
    retention: timedelta | None = None
    data_stream: bool = False
    profile: str = ""
    overwrite: bool = False
    dry_run: bool = False
    wait_seconds: float = 0.0


Outcome = Literal["created", "unchanged", "updated", "kept", "skipped", "failed"]


class SetupStep(Struct, frozen=True):
    """What became of one object of a server's, in a dry run what would; `text` and `remedy` say why.

    `request` and `body` are what is sent for it, or would be; "" when nothing is.
    """

    subject: str
    outcome: Outcome
    text: str = ""
    remedy: str = ""
    request: str = ""
    body: bytes = b""


class SetupFile(NamedTuple):
    """A body of `setup`, with the request that it is sent by; `path` is a relative one."""

    request: str
    path: str
    body: bytes


@runtime_checkable
class Preparable(Protocol):
    """Settings of an output whose destination holds objects of ours: templates, lifecycle."""

    @classmethod
    def example(cls) -> "Preparable":
        """Defaults for what asks no server: `setup_files` without a configuration."""
        ...

    def servers(self) -> Sequence[str]:
        """The kinds of server that `setup_files` knows, the usual one first."""
        ...

    def set_up(self, context: OutputContext, setup: Setup, tell: Tell) -> AsyncIterator[SetupStep]:
        """Install what is missing or ours and outdated, and give what became of each object.

        A second run changes nothing. `tell` is given what is waited for.

        Raises:
            UsageError: `setup` asks for what these settings cannot have.
            ConfigurationError: a file that the options name cannot be read.
        """
        ...

    def setup_files(self, setup: Setup, server: str) -> Sequence[SetupFile]:
        """What `set_up` would send to a server of this kind, in its order; asks nobody.

        Raises:
            UsageError: `setup` asks for what these settings, or such a server, cannot have.
        """
        ...
