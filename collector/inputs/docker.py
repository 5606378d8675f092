"""Containers of a Docker daemon: it tells who is there, and their json-file logs are read."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

import aiohttp
from pydantic import BeforeValidator, Field, WithJsonSchema

from collector.discovery import inspected
from collector.discovery.docker import DockerDiscovery, known_host
from collector.discovery.registry import Container
from collector.docker import address
from collector.docker import context as docker_context
from collector.docker.calls import Calls
from collector.docker.each import of_each
from collector.docker.engine import Engine, EngineUnavailable, NoSuchContainer
from collector.docker.engine_metrics import FIX, PATH, ask
from collector.errors import PilotfishError
from collector.intake import findings
from collector.intake.containers import ContainerInput, ContainerOptions
from collector.intake.input import Defaults, InputContext
from collector.ports import Finding
from collector.state import places
from collector.text.masking import mask_url
from collector.values import FilePath

EngineUrl = Annotated[
    str,
    BeforeValidator(lambda value: address.canonical(value) if isinstance(value, str) else value),
    WithJsonSchema({"type": "string", "pattern": address.PATTERN}),
]


class Settings(ContainerOptions):
    """Containers of a Docker daemon. The agent reads their log files."""

    has_events = True
    logs_option = "logs_root"
    engine_metrics_option = "metrics_url"

    type: Literal["docker"] = "docker"
    url: EngineUrl = Field(
        f"unix://{address.DEFAULT_SOCKET}",
        description="address of the daemon: unix:///path or tcp://host:port; default: DOCKER_HOST or Docker's context",
    )
    tls: FilePath | None = Field(
        None,
        description="directory of ca.pem, cert.pem and key.pem; default: DOCKER_CERT_PATH if DOCKER_TLS_VERIFY is set",
    )
    logs_root: FilePath = Field(
        Path("/var/lib/docker/containers"), description="directory in which the Docker daemon keeps the json-file logs"
    )
    host_root: FilePath | None = Field(
        Path("/"),
        description="directory in which the agent sees the host's file system, to follow files in volumes and bind "
        "mounts; null: such files are not followed",
    )
    events: bool = Field(
        True,
        description="deliver container events (die, oom, restart, health) as documents with the target docker-events",
    )
    metrics_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s]\S*$",
        description="URL of the engine's own metrics (dockerd's metrics-addr); served at /metrics/docker",
    )

    @classmethod
    def defaults(cls, environ: Mapping[str, str], options: Mapping[str, Any], place: str) -> Defaults:
        """What the variables and contexts of the docker command say.

        Raises:
            ConfigurationError: a context is named and cannot be used.
        """
        found: dict[str, tuple[str, str]] = {}
        wants_tls = bool(environ.get("DOCKER_TLS_VERIFY"))  # whatever it says: `0` too, as the docker command has it
        url = options.get("url")
        if url is None:
            if host := environ.get("DOCKER_HOST", "").strip():
                found["url"] = host, "DOCKER_HOST"
            elif context := docker_context.current(environ, place):
                found["url"] = context.host, context.told_by
                if context.tls is not None:
                    found["tls"] = str(context.tls), context.told_by
                wants_tls = False
            elif wants_tls:
                found["url"] = address.DEFAULT_TLS, "DOCKER_TLS_VERIFY"
            url = found["url"][0] if found else None
        is_tcp = isinstance(url, str) and url.strip() != "" and not url.strip().startswith("unix:")
        if wants_tls and is_tcp:
            home = environ.get("DOCKER_CONFIG") or "~/.docker"
            found["tls"] = environ.get("DOCKER_CERT_PATH") or home, "DOCKER_CERT_PATH"
        values = {key: value for key, (value, _) in found.items()}
        return Defaults(values, {key: name for key, (_, name) in found.items()})

    def open(self, context: InputContext) -> "Docker":
        """Make the input; connects to nothing yet.

        Raises:
            ConfigurationError: a certificate cannot be read.
        """
        return Docker(self, context)

    async def check(self, context: InputContext) -> AsyncIterator[Finding]:
        """Does the daemon answer, and can the containers' logs be read as files."""
        try:
            async with Engine(self.url, self.tls, place=context.place) as engine:
                version = await engine.version()
                listed = {str(one["Id"]): one for one in await engine.containers()}
                text = f"{mask_url(engine.url)}: version {version.get('Version')}, {len(listed)} containers"
                yield Finding("ok", context.name, text)
                answers = await _inspected(engine, listed)
        except PilotfishError as error:
            yield Finding("fail", context.name, error.cause, error.remedy)
            return
        mute = [inspected.undescribed(listed[one]) for one, found in answers.items() if found is None]
        for finding in self._findings(filter(None, answers.values()), mute, context):
            yield finding
        if self.metrics_url is not None:
            yield await _engine_metrics(self.metrics_url)

    def _findings(
        self, found: Iterable[Mapping[str, Any]], mute: Iterable[Container], context: InputContext
    ) -> list[Finding]:
        descriptions = [inspected.described(one, self.logs_root, is_new=False) for one in found]
        containers = [one.container for one in descriptions]
        files = self.files(context)
        return [
            *findings.undescribed(mute),
            *findings.drivers(containers),
            *findings.log_files(containers, self.logs_root, f"{context.place}{self.logs_option}"),
            *findings.requests(descriptions, self.enricher(context, "", files), files, context.listing),
        ]


class Docker(ContainerInput):
    """One daemon, on two clients: a hundred stats under way must not hold up what discovery asks."""

    def __init__(self, settings: Settings, context: InputContext) -> None:
        super().__init__(settings, context)
        calls = Calls()
        self.engine, self._asked = self._engines = [
            Engine(settings.url, settings.tls, calls, place=context.place) for _ in range(2)
        ]
        for engine in self._engines:
            engine.open()
        self._settings = settings
        self._context = context

    async def run(self) -> None:
        """Follow the daemon until cancelled."""
        settings, context = self._settings, self._context
        is_usual = context.name == settings.type
        host_file = context.state / (places.HOST_FILE if is_usual else f"{places.HOST_FILE}.{context.name}")
        files = settings.files(context)
        enricher = settings.enricher(context, context.host or known_host(host_file), files)
        events = context.events(self.cutoff, enricher.fields) if settings.events else None
        discovery = DockerDiscovery(
            self._asked,
            context.listing,
            enricher,
            logs_root=settings.logs_root,
            host=context.host,
            host_file=host_file,
            since=events.since if events else 0,
            told=events.put if events else lambda event, kind: None,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(files.run(), name="files in volumes")
            await discovery.run()

    async def aclose(self) -> None:
        """Close the connections."""
        for engine in self._engines:
            await engine.aclose()


async def _inspected(engine: Engine, ids: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    """What the daemon answers of each that is still there, by id; None of one that it cannot inspect.

    Raises:
        EngineUnavailable: it inspects none of them.
    """
    found: dict[str, dict[str, Any] | None] = {}

    async def ask(container_id: str) -> EngineUnavailable | None:
        try:
            found[container_id] = await engine.inspect(container_id)
        except NoSuchContainer:
            return None  # removed meanwhile
        except EngineUnavailable as error:
            found[container_id] = None
            return error
        return None

    errors = [error for error in await of_each(ids, ask) if error is not None]
    if errors and not any(found.values()):
        raise errors[0]
    return found


async def _engine_metrics(url: str) -> Finding:
    """Can the engine's own metrics be passed on."""
    async with aiohttp.ClientSession() as session:
        answer = await ask(url, session)
    if answer.status == HTTPStatus.OK:
        return Finding("ok", "engine's metrics", f"{mask_url(url)}: served as {PATH}")
    return Finding("warn", "engine's metrics", answer.body.decode().partition(": ")[0], FIX)
