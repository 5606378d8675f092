"""The composition root: the only module that sees every part. It starts them in order and stops them in reverse.

lock → engine → shippers → HTTP → pipelines and discovery; a stop closes the registry, and each pipeline drains.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from collector.alerts.alerts import Alerts
from collector.app.alerting import alerts_of, keep_alerting
from collector.app.explain import explained
from collector.app.inputs import context_of, keep_running, rules_of
from collector.app.live_routes import AgentRoutes
from collector.app.plugins import installed_types
from collector.app.readiness import not_ready
from collector.app.reloading import Reloading
from collector.app.rows import ContainerRows, output_rows
from collector.app.status import numbers_of, status_of
from collector.config.models import Configuration
from collector.container_settings.rule_book import RuleBook
from collector.dead_letters.replay import Replay
from collector.discovery.registry import Registry
from collector.discovery.share import EVERYTHING, Share
from collector.intake.input import Fields, Input
from collector.model import StreamKey
from collector.pipeline.event_queue import EventFeed
from collector.pipeline.pipeline import Pipeline
from collector.pipeline.progress import Progress
from collector.pipeline.sharing import Sharing
from collector.pipeline.shown import Shown
from collector.ports import OutputContext, Searchable, Shipper
from collector.ports.content import ContentOptions
from collector.reading import AS_WRITTEN
from collector.runtime import garbage, log_output, memory, open_files, signals
from collector.state import places
from collector.state.checkpoint import Checkpoints
from collector.state.directory import locked
from collector.telemetry.containers import Containers
from collector.telemetry.exporter import Exporter, Watch
from collector.telemetry.exposition import expose
from collector.telemetry.lag import Lag
from collector.telemetry.poll import Poll
from collector.telemetry.process import Process
from collector.telemetry.reloads import Reloads
from collector.transform import docker_event
from collector.transform.stamps import Stamps
from collector.web.ahead import Reached, view_of
from collector.web.api import Views
from collector.web.live import Live
from collector.web.server import serve

log = structlog.get_logger(__name__)


class Agent:
    """A running agent's parts, for those who look on: the console of `demo`, and tests.

    It follows the containers of its `share`; `address` is where HTTP listens, None before or without it.
    """

    def __init__(
        self,
        configuration: Configuration,
        share: Share = EVERYTHING,
        *,
        messages: Mapping[str, int] | None = None,
        load: Callable[[], Configuration] | None = None,
    ) -> None:
        """`messages` are the lines of its own log so far, by level; `load` reads the configuration again."""
        self.configuration = configuration
        self._reloads = Reloads() if load is not None else None
        self.reloading = Reloading(configuration, load, self.take, self._reloads) if load and self._reloads else None
        self.registry = Registry(share, configuration.max_targets)
        self._messages = messages or {}
        self._stamps = Stamps(configuration.timezone)
        self._lag = Lag()
        self._sharing = Sharing() if len(configuration.outputs) > 1 else None
        self._containers = Containers(
            self.registry,
            most=configuration.metrics.max_containers,
            has_usage=configuration.metrics.cadvisor_names,
        )
        self.address: places.Address | None = None
        self._rules = RuleBook()
        outputs = configuration.outputs.values()
        self.shown = Shown(lambda: self._rules.redaction, outputs)
        contents = {(one.has_excess, one.model_dump_json(include={*ContentOptions.model_fields})) for one in outputs}
        self.live = Live(reached=self._reached, shown=self.shown.segment, outputs_differ=len(contents) > 1)
        self.inputs: dict[str, Input] = {}  # by name
        self.pipelines: list[Pipeline] = []
        self._routes: AgentRoutes | None = None
        self.alerts: Alerts | None = None

    def stop(self) -> None:
        """Read no more, deliver what was read, and end."""
        self.registry.close()

    def take(self, configuration: Configuration) -> None:
        """Work by this one, which differs only in what can change while the agent runs.

        Raises:
            ConfigurationError: the key of redaction cannot be read; nothing has changed.
        """
        wanted = rules_of(configuration)
        self._rules.replace(wanted.policy, wanted.redaction)
        log_output.take_level(configuration.log.level)
        self.configuration = configuration

    def not_ready(self) -> list[str]:
        """Why lines are not where they should be, one reason a line; none when all is well."""
        return not_ready(self.registry, self.pipelines)

    def status(self) -> dict[str, Any]:
        """The numbers that the commands show."""
        return status_of(self.registry, self.pipelines)

    def _reached(self) -> Iterator[Reached]:
        for pipeline in self.pipelines:
            for stream, end, time in pipeline.checkpoints.reached():
                reader = pipeline.readers.get(stream)
                view = view_of(AS_WRITTEN if reader is None else reader.source.stream.reading)
                yield Reached(pipeline.output, stream, end, time, view)

    # ------------------------------------------------------------------ life

    async def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Run until stopped.

        Raises:
            PilotfishError: it cannot start; nothing was read.
        """
        memory.limit_arenas()
        open_files.raise_open_files()
        async with AsyncExitStack() as stack:
            state = stack.enter_context(locked(self.configuration.state_dir))
            self._open_inputs(stack)
            opened = self._open_outputs(stack, state)
            for output, shipper in opened.items():
                self.pipelines.append(self._pipeline(output, shipper, state))
            self._join_fallbacks()
            watches = self._watches()
            self.alerts = alerts_of(self.configuration, state)
            await self._serve(stack, state, opened, watches)
            running = (keep_running(each, self.registry.inputs[name]) for name, each in self.inputs.items())
            looking = [*running, *(watch.poll.run() for watch in watches)]
            await self._work(looking, on_ready)

    def _open_inputs(self, stack: AsyncExitStack) -> None:
        self._rules = rules_of(self.configuration)
        for name, settings in self.configuration.inputs.items():
            context = context_of(
                self.configuration,
                self.registry.join(name, has_events=settings.has_events),
                target_of=self._target_of,
                events=partial(self._events, name),
                rules=self._rules,
            )
            self.inputs[name] = settings.open(context)
            stack.push_async_callback(self.inputs[name].aclose)

    def _open_outputs(self, stack: AsyncExitStack, state: Path) -> dict[str, Shipper]:
        opened = {}
        (state / places.OUTPUTS).mkdir(mode=0o700, exist_ok=True)  # logs: `state` may have been made for others to read
        for output, settings in self.configuration.outputs.items():
            opened[output] = settings.open(OutputContext(output, state / places.OUTPUTS / output))
            stack.push_async_callback(opened[output].aclose)
            if (promise := settings.promise()).kind == "unsafe":
                log.warning("output may lose documents", output=output, reason=promise.text)
        return opened

    def _pipeline(self, output: str, shipper: Shipper, state: Path) -> Pipeline:
        positions = state / places.POSITIONS
        positions.mkdir(mode=0o700, exist_ok=True)
        return Pipeline(
            output,
            shipper,
            self.configuration.outputs[output],
            registry=self.registry,
            checkpoints=Checkpoints(positions, output),
            directory=state,
            inputs=self.inputs,
            stamps=self._stamps,
            most_open_logs=open_files.most_open_logs(len(self.configuration.outputs)),
            tap=self.live.tap(output),
            rules=self._rules,
            sharing=self._sharing,
        )

    def _join_fallbacks(self) -> None:
        deliveries = {one.output: one.delivery for one in self.pipelines}
        for output, settings in self.configuration.outputs.items():
            if settings.fallback is not None:
                deliveries[output].fall_back_to(deliveries[settings.fallback], settings.fallback_after_seconds)

    def _events(self, name: str, cutoff: str, fields: Fields) -> EventFeed | None:
        """Where an input's events go, None if nowhere: asked for when the pipelines are there."""
        outputs = self.configuration.outputs
        queues = [one.events for one in self.pipelines if outputs[one.output].has_target(docker_event.TARGET)]
        if not queues:
            return None
        stamps, share = self._stamps, self.registry.share
        return EventFeed(queues, share, input_name=name, cutoff=cutoff, stamps=stamps, fields=fields)

    def _watches(self) -> list[Watch]:
        """What looks at daemons on a timer: one of several workers for all, nobody without a port to show it on."""
        if self.configuration.http.address is None or self.registry.share.number:
            return []
        return [self._watch(name, each) for name, each in self.inputs.items() if each.engine or each.logs_root]

    def _watch(self, name: str, one: Input) -> Watch:
        listing, metrics = self.registry.inputs[name], self.configuration.metrics
        poll = Poll(
            listing,
            partial(self._containers.shown_of, listing),
            one.logs_root,
            engine=one.engine,
            has_usage=metrics.cadvisor_names,
            has_disk_usage=metrics.disk_usage,
        )
        return Watch(poll, one.engine.calls if one.engine else None)

    def _target_of(self, key: StreamKey) -> str | None:
        return next((target for one in self.pipelines if (target := one.checkpoints.target_of(key))), None)

    async def _serve(
        self, stack: AsyncExitStack, state: Path, opened: dict[str, Shipper], watches: Sequence[Watch]
    ) -> None:
        address = self.configuration.http.address
        if address is None:
            return
        exporter = Exporter(
            version("pilotfish"),
            self.registry,
            self.pipelines,
            containers=self._containers,
            watches=watches,
            lag=self._lag.seconds,
            process=Process(self._messages, self._reloads),
            alerts=self.alerts,
        )
        if self.configuration.http.routes:
            allowed = self.configuration.http.routes_allow
            self._routes = AgentRoutes(allowed, state, self.live, installed_types().outputs)
        views = Views(
            health=lambda: None,
            not_ready=self.not_ready,
            metrics=lambda accept: expose(exporter.families(), accept),
            status=self.status,
            explain=partial(explained, self.registry, self.pipelines, self.inputs, self.shown.stream),
            search=self._searched(opened),
            live=self.live,
            dead_letters=[state / places.DEAD_LETTERS],
            replays={one.output: _replay_of(one) for one in self.pipelines},
            engine_metrics=self.configuration.engine_metrics,
            streams=lambda: self.registry.streams.values(),
            containers=ContainerRows(self.registry, self.pipelines, [one.poll for one in watches]).rows,
            outputs=partial(output_rows, self.pipelines),
            routes=self._routes,
        )
        self.address = await stack.enter_async_context(serve(address, state_dir=state, views=views))
        log.info("listening", address=str(self.address), paths="/metrics /healthz /readyz /api /logs")

    def _searched(self, opened: Mapping[str, Shipper]) -> Searchable | None:
        """What answers searches: the first store, else the first output that can."""
        first = sorted(opened, key=lambda output: not self.configuration.outputs[output].is_searched_first)
        return next((one for one in map(opened.__getitem__, first) if isinstance(one, Searchable)), None)

    async def _work(self, looking: Sequence[Coroutine[Any, Any, None]], on_ready: Callable[[], None] | None) -> None:
        async with asyncio.TaskGroup() as tasks:
            around = [
                *(tasks.create_task(one) for one in looking),
                *([tasks.create_task(self.reloading.run(), name="reload")] if self.reloading else []),
                *([tasks.create_task(self._routes.run(), name="live routes")] if self._routes else []),
                *([tasks.create_task(keep_alerting(self.alerts, self.live), name="alerts")] if self.alerts else []),
                tasks.create_task(Progress(self.pipelines).run(), name="progress"),
                tasks.create_task(self._lag.run(), name="lag of the loop"),
            ]
            delivering = [tasks.create_task(one.run(), name=one.output) for one in self.pipelines]
            if on_ready is not None:
                on_ready()
            while not self.registry.closed:
                await self.registry.changed(self.registry.version)
            await asyncio.wait(delivering, timeout=self.configuration.drain_seconds)
            for task in [*around, *delivering]:
                task.cancel()
        for pipeline in self.pipelines:
            await pipeline.checkpoints.flush()
            log.info("stopped", output=pipeline.output, **numbers_of(pipeline))


def _replay_of(one: Pipeline) -> Replay:
    return Replay(one.output, one.dead_letters, one.delivery.replay, one.ledger)


async def run(configuration: Configuration, load: Callable[[], Configuration]) -> None:
    """Run an agent until a signal of `signals.STOPS`, then drain; a second one exits at once.

    SIGHUP has it work by what `load` reads then.

    Raises:
        PilotfishError: it cannot start.
    """
    messages = log_output.configure(configuration.log)
    for words in configuration.told:
        log.info("words of another collector taken over", detail=words)
    for warning in configuration.warnings:
        log.warning("configuration warning", detail=warning)
    await run_until_signal(Agent(configuration, messages=messages, load=load))


async def run_until_signal(
    agent: Agent, on_ready: Callable[[], None] | None = None, *, is_worker: bool = False
) -> None:
    """Run `agent` until a signal of `signals.STOPS`, then drain; a second one exits at once.

    A worker drains at SIGTERM alone, however often it comes: whoever started it kills it when there is no time.

    Raises:
        PilotfishError: it cannot start.
    """
    memory.keep_buffers()
    garbage.look_seldom()
    loop = asyncio.get_running_loop()
    loop.call_later(garbage.SETTLED_SECONDS, garbage.look_no_more)

    def stop(name: str) -> None:
        seconds = agent.configuration.drain_seconds
        log.info("stopping: delivering documents in flight", timeout_seconds=seconds, signal=name)
        agent.stop()

    if is_worker:
        signals.handle(stop, None, [signal.SIGTERM])
    else:
        signals.handle(stop, lambda: os._exit(1), reload=agent.reloading.ask if agent.reloading else None)
    await agent.run(on_ready)
