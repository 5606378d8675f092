"""Filters → dead letters and the progress of a replay: of the running agent when one answers, else of our own.

Each way is told on stderr. Without an agent letters are read from the state directory as they are; a replay takes the
state's lock and opens the outputs of the configuration.
"""

import json
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from collector.cli import agent, terminal
from collector.errors import PilotfishError, StateInUse, UsageError
from collector.state import places

Told = dict[str, Any]
Arguments = list[tuple[str, str]]


def listed(asked: Arguments, *, state_dir: Path | None, config: Path | None) -> tuple[Told, list[bytes]]:
    """How many letters there are, and those to be shown.

    Raises:
        PilotfishError: they cannot be read.
        UsageError: `state_dir` is no directory.
    """
    _check(state_dir)
    try:
        with agent.ask("/api/dead-letters", asked, state_dir=state_dir, config=config) as response:
            terminal.complain("asking the running agent")
            head, *lines = response.read().splitlines()
            return json.loads(head), lines
    except agent.NoAgent:
        return _read(dict(asked), state_dir, config)


def replay(asked: Arguments, tell: Callable[[Told], None], *, state_dir: Path | None, config: Path | None) -> None:
    """Send letters once more; `tell` is given the progress of an output at least once a second.

    Raises:
        PilotfishError: it ended early.
        UsageError: `state_dir` is no directory.
    """
    _check(state_dir)
    try:
        with agent.ask(
            "/api/dead-letters/replay", asked, state_dir=state_dir, config=config, method="POST"
        ) as response:
            terminal.complain("replaying in the running agent")
            _follow(response, tell)
    except agent.NoAgent:
        _replay_alone(dict(asked), tell, state_dir, config)


def _check(state_dir: Path | None) -> None:
    """That the directory is there: of one misspelt, "no letters" would be a comfort."""
    if state_dir is None:
        return
    try:
        if not state_dir.is_dir():
            raise UsageError(f"--state-dir: {state_dir} is not a directory", "use the agent's state_dir")
    except OSError as error:
        raise PilotfishError(f"{state_dir}: cannot be read ({error.strerror})", "use sudo") from None


def _follow(response: HTTPResponse, tell: Callable[[Told], None]) -> None:
    told: Told = {}
    try:
        for line in response:
            told = json.loads(line)
            if "output" in told:
                tell(told)
    except TimeoutError:
        raise PilotfishError("the agent does not answer", "see `pilotfish healthcheck`") from None
    except (OSError, HTTPException, ValueError):
        told = {}
    if "error" in told:
        raise PilotfishError(told["error"], told["remedy"])
    if "done" not in told:
        raise PilotfishError("the agent stopped", "nothing is lost: start it, then replay again")


# ---------------------------------------------------------------------- without an agent


def _read(given: dict[str, str], state_dir: Path | None, config: Path | None) -> tuple[Told, list[bytes]]:
    from collector.dead_letters.letter import Wanted
    from collector.dead_letters.listing import find, outputs_of

    directories = agent.candidates(state_dir, config)
    state = next((one for one in directories if outputs_of(places.dead_letters(one))), directories[0])
    roots = places.dead_letters(state)
    terminal.complain(f"no agent answers: reading {roots[0]}")
    known = outputs_of(roots)
    output = given.get("output", "")
    if output and output not in known:
        raise PilotfishError(
            f"no dead letters of an output {output!r}", f"outputs with dead letters: {', '.join(known) or 'none'}"
        )
    wanted = Wanted(given.get("reason", ""), given.get("target", ""))
    outputs = [output] if output else known
    try:
        found = find(roots, outputs, wanted, limit=int(given["limit"]), oldest="order" in given)
    except OSError as error:
        raise PilotfishError(f"{roots[0]}: cannot be read ({error.strerror})", "use sudo") from None
    return found.summary(), found.lines


def _replay_alone(
    given: dict[str, str], tell: Callable[[Told], None], state_dir: Path | None, config: Path | None
) -> None:
    import asyncio

    from collector.app.plugins import installed_types
    from collector.config.loading import load
    from collector.dead_letters.letter import Wanted
    from collector.dead_letters.replay import Progress, run_all
    from collector.runtime import log_output
    from collector.workers import offline_replay

    configuration = load(config, installed_types())
    if state_dir:
        configuration = configuration.model_copy(update={"state_dir": state_dir})
    log_output.configure(configuration.log.model_copy(update={"level": "error"}))  # the progress says what it waits for
    roots = places.dead_letters(configuration.state_dir)
    outputs = _configured(roots, given.get("output", ""), set(configuration.outputs))

    async def show(progress: Progress) -> None:
        tell(progress.told())

    async def run() -> None:
        async with offline_replay.replays(configuration, outputs) as replays:
            terminal.complain(f"no agent answers: replaying {roots[0]}")
            wanted = Wanted(given.get("reason", ""), given.get("target", ""))
            limit = int(given["limit"]) if "limit" in given else None
            await run_all(replays, wanted, limit=limit, tell=show)

    try:
        asyncio.run(run())
    except StateInUse as error:
        raise StateInUse(
            error.cause, "that agent does not answer here: check its http.listen, or stop it and replay again"
        ) from None


def _configured(roots: list[Path], output: str, known: set[str]) -> list[str]:
    """The outputs to replay: the one that is named, else those that have letters; others are told."""
    from collector.dead_letters.listing import outputs_of

    if output and output not in known:
        raise UsageError(f"no output {output!r} is configured", "pass the configuration file of this output with -c")
    found = outputs_of(roots)
    for stranger in sorted(set(found) - known):
        terminal.complain(
            f"dead letters of {stranger} are not replayed: this output is not configured; pass its "
            "configuration file with -c"
        )
    return [output] if output else sorted(set(found) & known)
