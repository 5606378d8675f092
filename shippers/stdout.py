"""Batch → standard output: one JSON document per line, `_id` first, so that a reader can drop what comes twice.

At least once: a batch that was cut off in the middle is written again as a whole, on a line of its own. One thread
waits for the reader, so the loop never does; batches do not mix.
"""

import asyncio
import select
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from os import write
from typing import Literal

from pydantic import Field

from collector.documents.form import Form
from collector.documents.form_option import FormOption
from collector.documents.forms.pilotfish import FORM
from collector.errors import Unavailable
from collector.model import Batch, Receipt
from collector.ports import LogPilot, OutputContext, Promise, ShipperSettings, Translated

STDOUT = 1

PIPE_BUF = 4096
"""What a pipe that is ready takes without blocking (pipe(7)); `select.PIPE_BUF` promises only 512."""

CLOSING_MILLISECONDS = 100
"""Between looks, while the reader stands still, at whether the output is being closed."""


class Settings(FormOption, ShipperSettings):
    """Standard output: a terminal or a pipe."""

    type: Literal["stdout"] = Field("stdout", description="one JSON document per line on standard output")

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """Its output to the console."""
        if said.output not in ("console", "stdout"):
            return None
        pretty = "a document is one line of JSON; `pilotfish tail` shows it as text"
        return Translated({}, idle={name: pretty for name in ("CONSOLE_PRETTY",) if said.variables.get(name)})

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise("at_least_once", "a batch that was cut off is written again, with the same ids")

    def open(self, context: OutputContext) -> "Stdout":
        """Make the shipper."""
        return Stdout(form=self.form)

    def writes(self, context: OutputContext) -> Collection[str]:
        """Standard output: the lines of two would mix."""
        return ["standard output"]


class Stdout:
    """A shipper (`collector.ports.Shipper`) to the open file `descriptor`, which it does not close."""

    def __init__(self, descriptor: int = STDOUT, form: Form = FORM) -> None:
        self._descriptor = descriptor
        self._form = form
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stdout")
        self._torn = False
        self._closed = False

    async def ship(self, batch: Batch) -> Receipt:
        """Write the batch and wait until all of it is taken; that is all a pipe can tell.

        Raises:
            Unavailable: nobody reads, or what is behind standard output cannot be written.
        """
        if self._closed:
            raise Unavailable("standard output is closed")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, batch)
        return Receipt(delivered=batch.count)

    async def aclose(self) -> None:
        """Finish the write under way, or give it up if its reader stands still; may be called twice."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)
        self._thread.shutdown(wait=False)

    def _write(self, batch: Batch) -> None:
        rest = memoryview((b"\n" if self._torn else b"") + batch.lines(self._form.written))
        ready = select.poll()
        ready.register(self._descriptor, select.POLLOUT)
        try:
            while rest:
                if ready.poll(CLOSING_MILLISECONDS):
                    rest = rest[write(self._descriptor, rest[:PIPE_BUF]) :]
                    self._torn = bool(rest)
                elif self._closed:
                    raise Unavailable("standard output was closed while its reader was not reading")
        except BrokenPipeError as error:
            raise Unavailable(
                "no program reads standard output any more", "start the agent together with the program that reads it"
            ) from error
        except OSError as error:
            raise Unavailable(
                f"standard output cannot be written: {error.strerror}", "check where it is redirected to"
            ) from error
