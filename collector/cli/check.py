"""`pilotfish check`: what the agent would find here, with the fix for what is wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from collector.cli import terminal
from collector.cli.options import Config, Routes, examples

EXAMPLES = examples(
    "pilotfish check",
    "sudo pilotfish check -c /etc/pilotfish/pilotfish.yml",
)


def check(routes: Routes = "", config: Config = None) -> None:
    """Check what works here, and show how to fix the rest.

    It checks the Docker daemon, the log files, the outputs, the disk and the HTTP port. With ROUTES, as `pilotfish run`
    takes them, it checks these destinations, too. The exit code is 1 if a check fails.
    """
    import asyncio

    raise typer.Exit(asyncio.run(_check(config, routes)))


def _numbers(config: Path | None) -> Mapping[str, Mapping[str, Any]] | None:
    """Those of each output, of the running agent; None if none answers."""
    import json

    from collector.cli import agent
    from collector.errors import PilotfishError

    try:
        with agent.ask("/api/status", [], state_dir=None, config=config) as response:
            found = json.loads(response.read())
    except (PilotfishError, OSError, ValueError):
        return None
    return found["outputs"] if isinstance(found, dict) and isinstance(found.get("outputs"), dict) else None


async def _check(config: Path | None, routes: str) -> int:
    from rich.console import Console
    from rich.text import Text

    from collector.app.check import examine
    from collector.app.plugins import installed_types
    from collector.config.loading import load

    colours = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    console = Console(highlight=False)
    failed = 0
    configuration = load(config, installed_types(), routes=routes)
    async for finding in examine(configuration, _numbers(config)):
        line = Text.assemble((f"{finding.verdict:<4}", colours[finding.verdict]), "  ")
        line.append(terminal.visible(f"{finding.subject}: {finding.text}"))
        console.print(line, soft_wrap=True)
        if finding.fix:
            console.print(Text(f"      fix: {terminal.visible(finding.fix)}", "dim"), soft_wrap=True)
        failed += finding.verdict == "fail"
    return 1 if failed else 0
