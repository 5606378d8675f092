"""What became of each object of a server's → a line each, and the exit code."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, NoReturn

import typer

from collector.cli import terminal

if TYPE_CHECKING:
    from collector.ports import SetupStep


def show(steps: "AsyncIterator[SetupStep]", *, dry_run: bool) -> NoReturn:
    """Write the steps as they come, and end with 1 if one failed; in a dry run with the requests, where they are known.

    Raises:
        typer.Exit: always.
    """
    import asyncio

    raise typer.Exit(asyncio.run(_shown(steps, dry_run=dry_run)))


async def _shown(steps: "AsyncIterator[SetupStep]", *, dry_run: bool) -> int:
    failed = 0
    async for step in steps:
        terminal.write(terminal.visible(line_of(step, dry_run=dry_run)))
        if dry_run and step.request:
            terminal.write(_request_of(step))
        terminal.flush()
        failed += step.outcome == "failed"
    return 1 if failed else 0


def line_of(step: "SetupStep", *, dry_run: bool = False) -> str:
    """One line: what became of the object, or in a dry run what would, and why."""
    outcome = f"would be {step.outcome}" if dry_run and step.outcome in ("created", "updated") else step.outcome
    why = ": ".join(part for part in (step.text, step.remedy) if part)
    return f"{outcome:<9}  {step.subject}{f' ({why})' if why else ''}"


def _request_of(step: "SetupStep") -> str:
    import msgspec

    body = msgspec.json.format(step.body).decode().replace("\n", "\n  ")
    return f"  {step.request}\n  {body}"
