"""What the operator wants of containers now, which a configuration that is read again replaces.

Whoever describes containers compares versions, as readers of the registry do: `changed(version)` returns when what was
described is to be described again.
"""

import asyncio

from collector.container_settings.policy import Policy
from collector.redaction.redaction import NO_REDACTION, Redaction


class RuleBook:
    """The policy and the redaction, which change together."""

    def __init__(self, policy: Policy | None = None, redaction: Redaction = NO_REDACTION) -> None:
        self.policy = policy or Policy()
        self.redaction = redaction
        self.version = 0
        self._changed = asyncio.Event()

    def replace(self, policy: Policy, redaction: Redaction) -> None:
        """From now on these hold. Streams whose rules of redaction stay as they were go on with them."""
        self.policy = policy
        if not self.redaction.is_as(redaction):
            self.redaction = redaction
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, version: int) -> int:
        """Wait until they are newer than `version`; their version then."""
        while self.version == version:
            await self._changed.wait()
        return self.version
