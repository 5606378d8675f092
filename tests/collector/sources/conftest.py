"""What the tests of sources share."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from collector.sources.watcher import Watcher


@pytest.fixture
async def watcher() -> AsyncIterator[Watcher]:
    """A watcher that delivers events while the test runs."""
    with Watcher() as found:
        task = asyncio.create_task(found.run())
        yield found
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
