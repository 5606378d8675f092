"""SIGHUP → the configuration that is read again, as far as it can change while the agent runs.

All of it is read and checked before anything changes. What holds for containers then changes at once, and each stream
follows from a safe place on (`pipeline.retargeting`).
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from pydantic import BaseModel

from collector.app.trial import failures
from collector.config.models import Configuration
from collector.errors import REPORT_IT, ConfigurationError, place_of
from collector.redaction.redaction import Redaction
from collector.telemetry.reloads import Reloads

log = structlog.get_logger(__name__)

FOLLOWED = ("containers", "labels", "log.level", "redact", "tests")  # what can change while the agent runs


class Reloading:
    """Reloads one after the other. `load` reads the configuration anew, and `take` has the agent work by it."""

    def __init__(
        self,
        configuration: Configuration,
        load: Callable[[], Configuration],
        take: Callable[[Configuration], None],
        reloads: Reloads,
    ) -> None:
        """`configuration` is in effect now."""
        self._now = configuration
        self._load = load
        self._take = take
        self._reloads = reloads
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Reload soon; several that ask meanwhile get one."""
        self._asked.set()

    async def run(self) -> None:
        """Reload whenever that is asked for, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                self._change(await asyncio.to_thread(self._checked))
            except ConfigurationError as error:
                self._fail(str(error))
            except Exception as unexpected:  # noqa: BLE001 - of another package's settings
                self._fail(f"an unexpected error ({place_of(unexpected)}): {REPORT_IT}")
            else:
                self._reloads.ended(is_good=True)

    def _fail(self, error: str) -> None:
        self._reloads.ended(is_good=False)
        log.error("configuration not reloaded: the configuration from before stays in effect", error=error)

    def _change(self, found: Configuration) -> None:
        left = sorted(_differing(self._now, found, FOLLOWED))
        taken = sorted({key for key in FOLLOWED if _at(self._now, key) != _at(found, key)})
        wanted = _with(self._now, found)
        self._take(wanted)
        self._now = wanted
        for warning in found.warnings:
            log.warning("configuration warning", detail=warning)
        if left:
            log.warning("settings changed that need a restart of the agent", settings=left,
                        remedy="restart the agent, or undo these changes")  # fmt: skip
        log.info("configuration reloaded", changed=taken)

    def _checked(self) -> Configuration:
        """What is there now.

        Raises:
            ConfigurationError: it cannot be used, or its tests fail.
        """
        found = self._load()
        Redaction(found.redact)
        _check_outputs(self._now, found)
        if failed := list(failures(found)):
            more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
            raise ConfigurationError(f"a test of the rules fails: {failed[0]}{more}", "correct the rules or the tests")
        return found


def _check_outputs(now: Configuration, found: Configuration) -> None:
    """The outputs stay as they are: what they redact has to be known, else their documents would leave with it.

    Raises:
        ConfigurationError: it is not.
    """
    for name, output in now.outputs.items():
        try:
            found.redact.check(output.redact)
        except ValueError as error:
            remedy = "keep that rule of redaction until the agent is restarted, or restart it now"
            raise ConfigurationError(
                f"outputs.{name}.redact, which is in effect until a restart: {error}", remedy
            ) from None


def _with(before: Configuration, found: Configuration) -> Configuration:
    """The configuration from before, with what can change as it is in the one that was found."""
    update: dict[str, Any] = {key: _at(found, key) for key in FOLLOWED if "." not in key}
    return before.model_copy(update=update | {"log": before.log.model_copy(update={"level": found.log.level})})


def _at(configuration: BaseModel, key: str) -> Any:
    for name in key.split("."):
        configuration = getattr(configuration, name)
    return configuration


def _differing(before: BaseModel, now: BaseModel, but: tuple[str, ...], path: str = "") -> Iterator[str]:
    """The keys whose values differ, each as the page of the configuration names it; no value is told."""
    for name in type(now).model_fields:
        key, was, found = f"{path}{name}", getattr(before, name), getattr(now, name)
        if key in but or was == found:
            continue
        if isinstance(found, BaseModel) and type(found) is type(was):
            yield from _differing(was, found, but, f"{key}.")
        elif isinstance(found, dict):
            yield from (f"{key}.{one}" for one in found.keys() | was.keys() if found.get(one) != was.get(one))
        else:
            yield key
