"""How late the loop calls what is due: a part that holds it delays everybody."""

import asyncio

from collector.histogram import LAG_SECONDS, Histogram

_EVERY_SECONDS = 1.0


class Lag:
    """Measures while `run` runs."""

    def __init__(self) -> None:
        self.seconds = Histogram(LAG_SECONDS)

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _EVERY_SECONDS
            await asyncio.sleep(_EVERY_SECONDS)
            self.seconds.observe(max(loop.time() - due, 0.0))
