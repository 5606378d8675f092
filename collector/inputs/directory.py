"""Containers whose logs lie in a directory tree, as Docker leaves them: no daemon is needed."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Literal

from pydantic import Field

from collector.discovery import directory
from collector.discovery.docker import known_host
from collector.docker import json_file
from collector.intake import findings
from collector.intake.containers import ContainerInput, ContainerOptions
from collector.intake.input import InputContext
from collector.ports import Finding
from collector.state import places
from collector.values import FilePath


class Settings(ContainerOptions):
    """A directory tree `<id>/<id>-json.log` with a `config.v2.json` beside each log. No Docker daemon is needed."""

    logs_option = "path"

    type: Literal["directory"] = "directory"
    path: FilePath = Field(description="directory that contains <id>/<id>-json.log")

    def open(self, context: InputContext) -> "Directory":
        """Make the input; nothing is read yet."""
        return Directory(self, context)

    async def check(self, context: InputContext) -> AsyncIterator[Finding]:
        """Can the tree be read, are there logs in it, what of it is a link, and what do its containers ask for."""
        for finding in self._findings(context):
            yield finding

    def _findings(self, context: InputContext) -> Iterator[Finding]:
        subject = f"directory {self.path}"
        try:
            with os.scandir(f"{self.path}/."):  # with the dot it has to be entered, as its files will be
                pass
        except PermissionError:
            yield Finding("fail", subject, "cannot be read", findings.READ_FIX)
            return
        except OSError:
            yield Finding("fail", subject, "is not a directory", f"set {context.place}path")
            return
        logs = list(self.path.glob(json_file.PATTERN))
        links = {path.parent.name for path in logs if path.is_symlink() or path.parent.is_symlink()}
        count = sum(path.parent.name not in links for path in logs)
        fix = "" if count else "expected: <id>/<id>-json.log"
        yield Finding("ok" if count else "warn", subject, f"{count} logs", fix)
        if links:
            text = f"{len(links)} logs or folders are symbolic links and not followed ({', '.join(sorted(links)[:5])})"
            yield Finding("warn", f"links in {self.path}", text, findings.LINK_FIX)
        with suppress(OSError):  # what the log files are is told above
            files = self.files(context)
            asked = directory.descriptions(self.path)
            yield from findings.requests(asked, self.enricher(context, "", files), files, context.listing)


class Directory(ContainerInput):
    """A tree of logs."""

    def __init__(self, settings: Settings, context: InputContext) -> None:
        super().__init__(settings, context)
        self._settings = settings
        self._context = context

    async def run(self) -> None:
        """Follow the tree until cancelled."""
        context = self._context
        host = context.host or known_host(context.state / places.HOST_FILE)
        files = self._settings.files(context)
        enricher = self._settings.enricher(context, host, files)
        discovery = directory.DirectoryDiscovery(
            self._settings.path, context.listing, enricher, option=self.logs_option
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(files.run(), name="files in volumes")
            await discovery.run()
