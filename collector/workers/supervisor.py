"""Configuration → worker processes, until a signal ends them or one of them ends.

They have no state but their own, so one that dies is not started again here: the agent ends as one process would, and
whoever runs it starts it anew.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from collector.app.reloading import Reloading
from collector.config.models import Configuration
from collector.discovery.share import Share
from collector.errors import PilotfishError
from collector.runtime import log_output, signals
from collector.state.places import Address
from collector.telemetry.reloads import Reloads
from collector.workers import child

log = structlog.get_logger(__name__)


class Worker(Struct, eq=False):
    """One process: what it listens on, None without HTTP, and its state directory."""

    share: Share
    process: asyncio.subprocess.Process
    directory: Path
    address: Address | None
    is_ready: bool = False


class Supervisor:
    """The workers, from when they are started on: at a signal of `signals.STOPS` they drain, at a second one all end.

    At SIGHUP all get what can change of the configuration that `load` reads then. Made in a running loop.
    """

    def __init__(self, configuration: Configuration, load: Callable[[], Configuration], reloads: Reloads) -> None:
        self.workers: list[Worker] = []
        self.is_stopping = False
        self._drain_seconds = configuration.drain_seconds
        self._reloading = Reloading(configuration, load, self._pass_on, reloads)
        signals.handle(self._on_signal, self._hurry, reload=self._reloading.ask)

    async def work(self) -> None:
        """Wait until all have ended.

        Raises:
            PilotfishError: one ended by itself, and the others were stopped.
        """
        async with asyncio.TaskGroup() as tasks:
            reloading = tasks.create_task(self._reloading.run(), name="reload")
            watching = [
                tasks.create_task(self._watch(worker), name=f"worker {worker.share.number}") for worker in self.workers
            ]
            if watching:
                await asyncio.wait(watching)
            reloading.cancel()

    def _pass_on(self, configuration: Configuration) -> None:
        log_output.take_level(configuration.log.level)
        for worker in self.workers:
            _send(worker, configuration)

    def _on_signal(self, name: str) -> None:
        log.info("stopping: delivering documents in flight", timeout_seconds=self._drain_seconds, signal=name)
        self._stop()

    def _hurry(self) -> None:
        _signal(self.workers, signal.SIGKILL)
        os._exit(1)

    def _stop(self) -> None:
        self.is_stopping = True
        _signal(self.workers, signal.SIGTERM)

    async def _watch(self, worker: Worker) -> None:
        code = await worker.process.wait()
        if self.is_stopping and (code == 0 or not worker.is_ready):  # a signal before its first step ends it
            return
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        error = PilotfishError(f"worker {worker.share.number} exited ({how})", "check its last lines in the log")
        if self.is_stopping:
            raise error
        log.error("worker exited: stopping the others", worker=worker.share.number, how=how)
        self._stop()
        for other in self.workers:
            await other.process.wait()
        raise error


@asynccontextmanager
async def supervisor(
    configuration: Configuration, directories: Sequence[Path], load: Callable[[], Configuration], reloads: Reloads
) -> AsyncIterator[Supervisor]:
    """One worker for each directory, all of them ready; they are gone after the block.

    Raises:
        PilotfishError: one cannot start, for the reason that it gives.
    """
    starting = Supervisor(configuration, load, reloads)
    try:
        async with asyncio.TaskGroup() as tasks:
            for number, directory in enumerate(directories):
                share = Share(number, len(directories))
                tasks.create_task(_start(configuration, share, directory, starting), name=f"start of worker {number}")
        starting.workers.sort(key=lambda one: one.share)
        yield starting
    finally:
        left = [worker for worker in starting.workers if worker.process.returncode is None]
        _signal(left, signal.SIGKILL)
        for worker in left:
            await worker.process.wait()


async def _start(configuration: Configuration, share: Share, directory: Path, starting: Supervisor) -> None:
    if starting.is_stopping:
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", child.__package__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the agent: it tells them
    )
    worker = Worker(share, process, directory, None)
    starting.workers.append(worker)
    if starting.is_stopping:  # since it was asked for
        _signal([worker], signal.SIGTERM)
    assert process.stdout is not None  # noqa: S101 - asked for
    _send(worker, configuration)
    assert process.stdin is not None  # noqa: S101 - asked for
    with suppress(ConnectionError):  # it has ended, and said why
        await process.stdin.drain()
    said = await process.stdout.readline()
    if not said:
        await process.wait()  # a signal that ended it was sent to all of the agent's processes, perhaps
        if starting.is_stopping:
            return
    word = msgspec.json.decode(said, type=child.Word) if said else child.Word(cause=f"worker {share.number} exited")
    if word.cause:
        error = PilotfishError(word.cause, word.remedy)
        error.exit_code = word.exit_code or error.exit_code
        raise error
    worker.is_ready = True
    if word.listens:
        worker.address = Address("127.0.0.1", word.listens)


def _send(worker: Worker, configuration: Configuration) -> None:
    """Have the worker work by its part of the configuration, soon."""
    stdin = worker.process.stdin
    if stdin is not None and not stdin.is_closing():  # it has ended
        stdin.write(child.order(_of_worker(configuration, worker.share, worker.directory), worker.share))


def _of_worker(configuration: Configuration, share: Share, directory: Path) -> Configuration:
    """What all may have together is divided among them."""
    outputs = {
        name: output.model_copy(
            update={"concurrency": -(-output.concurrency // share.of), "spool_bytes": output.spool_bytes // share.of}
        )
        for name, output in configuration.outputs.items()
    }
    listen = None if configuration.http.address is None else "127.0.0.1:0"
    http = configuration.http.model_copy(update={"listen": listen})
    return configuration.model_copy(update={"workers": 1, "state_dir": directory, "outputs": outputs, "http": http})


def _signal(workers: Sequence[Worker], number: int) -> None:
    for worker in workers:
        with suppress(ProcessLookupError):
            worker.process.send_signal(number)
