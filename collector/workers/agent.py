"""Configuration → an agent of so many processes, until a signal."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from collector.app import agent
from collector.config.models import Configuration
from collector.runtime import log_output
from collector.state import places
from collector.state.directory import locked
from collector.telemetry.process import Process
from collector.telemetry.reloads import Reloads
from collector.web.api import Patience
from collector.web.dead_letters import DeadLettersApi
from collector.web.engine_metrics import engine_metrics
from collector.web.live_routes import RoutesApi
from collector.web.routes import routes
from collector.web.server import listening
from collector.workers.gateway import Gateway, ReplayByWorkers
from collector.workers.peer import peers
from collector.workers.routes import RoutesByWorkers
from collector.workers.state import arrange
from collector.workers.supervisor import Supervisor, supervisor

log = structlog.get_logger(__name__)


async def run(configuration: Configuration, load: Callable[[], Configuration]) -> None:
    """Run an agent until a signal of `signals.STOPS`, then drain; a second one exits at once.

    SIGHUP has it, and with it all workers, work by what `load` reads then.

    Raises:
        PilotfishError: it cannot start, or a worker has ended by itself.
    """
    if configuration.workers == 1:
        if (configuration.state_dir / places.WORKERS).exists():
            with locked(configuration.state_dir) as state:
                arrange(state, workers=1)
        await agent.run(configuration, load)
        return
    reloads = Reloads()
    process = Process(log_output.configure(configuration.log), reloads)
    for words in configuration.told:
        log.info("words of another collector taken over", detail=words)
    for warning in configuration.warnings:
        log.warning("configuration warning", detail=warning)
    async with AsyncExitStack() as stack:
        state = stack.enter_context(locked(configuration.state_dir))
        directories = arrange(state, configuration.workers)
        working = await stack.enter_async_context(supervisor(configuration, directories, load, reloads))
        if not working.is_stopping:
            await _serve(stack, configuration, state, working, process)
        await working.work()


async def _serve(
    stack: AsyncExitStack, configuration: Configuration, state: Path, working: Supervisor, process: Process
) -> None:
    address = configuration.http.address
    if address is None:
        return
    theirs = await stack.enter_async_context(peers(working.workers))
    engine = await stack.enter_async_context(engine_metrics(configuration.engine_metrics))
    roots = [worker.directory / places.DEAD_LETTERS for worker in working.workers]
    replays = {output: ReplayByWorkers(output, theirs) for output in configuration.outputs}
    live = RoutesApi(RoutesByWorkers(theirs) if configuration.http.routes else None)
    letters = DeadLettersApi(roots, replays, Patience())
    handlers = Gateway(theirs, process).handlers() | engine.handlers() | letters.handlers() | live.handlers()
    bound = await stack.enter_async_context(listening(address, routes("gateway", handlers), state_dir=state))
    log.info("listening", address=str(bound), paths="/metrics /healthz /readyz /api /logs", workers=len(theirs))
