"""Labels of swarm services (`deploy: labels:` in a stack), which their containers do not have themselves.

Only a manager of the swarm knows them, and a proxy before the socket may refuse the question: then
there are none.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import structlog

from collector.docker.engine import Engine, EngineUnavailable

log = structlog.get_logger(__name__)

_ID = "com.docker.swarm.service.id"
_DOCKERS = "com.docker."
_FRESH_SECONDS = 60.0  # a service's labels change without an event of its containers
_AGAIN_SECONDS = 15.0
_MUTE_SECONDS = 600.0  # of a daemon that failed a few times: it is no manager, or may not be asked
_FEW = 3
_MOST = 10_000


class ServiceLabels:
    """Asks a daemon, not more often than each minute about one service."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asking = asyncio.Lock()
        self._failures = 0
        self._known: dict[str, tuple[float, Mapping[str, str]]] = {}  # until when, by service

    async def of(self, container: Mapping[str, Any]) -> Mapping[str, str]:
        """Those of the service that a container, as the daemon describes it, is a task of; Docker's own left out."""
        labels = (container.get("Config") or {}).get("Labels") or {}
        service_id = str(labels.get(_ID) or "")
        if not service_id.isalnum():
            return {}
        async with self._asking:  # many tasks of one service come at once
            return await self._labels_of(service_id)

    async def _labels_of(self, service_id: str) -> Mapping[str, str]:
        now = time.monotonic()
        until, found = self._known.get(service_id, (0.0, {}))
        if now < until:
            return found
        try:
            found, seconds = _labels(await self._engine.service(service_id)), _FRESH_SECONDS
            self._failures = 0
        except EngineUnavailable as error:
            self._failures += 1
            seconds = _AGAIN_SECONDS if self._failures < _FEW else _MUTE_SECONDS
            if self._failures == _FEW:
                log.info(
                    "labels of swarm services unavailable: only managers of the swarm have them", error=error.cause
                )
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[service_id] = now + seconds, found
        return found


def _labels(service: Mapping[str, Any]) -> Mapping[str, str]:
    found = (service.get("Spec") or {}).get("Labels") or {}
    return {str(name): str(value) for name, value in found.items() if not str(name).startswith(_DOCKERS)}
