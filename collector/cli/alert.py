"""`pilotfish alert list|test|try`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, StateDir, examples
from collector.errors import PilotfishError, UsageError

if TYPE_CHECKING:
    from collector.alerts.options import AlertOptions

MOST_DOCUMENTS = 100_000
_PAGE = 1000
LIST_EXAMPLES = examples("pilotfish alert list -c pilotfish.yml")
TEST_EXAMPLES = examples("pilotfish alert test checkout_errors", "pilotfish alert test --to ops")
TRY_EXAMPLES = examples("pilotfish alert try checkout_errors", "pilotfish alert try checkout_errors --since 7d")

Rule = Annotated[str, typer.Argument(metavar="NAME", hidden=True)]
Since = Annotated[str, typer.Option(metavar="TIME", help="Begin: 2h or 7d ago, or 2026-11-23T04:05:06.")]
To = Annotated[str, typer.Option("--to", metavar="RECEIVER", help="Only this receiver.")]

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def root(context: typer.Context) -> None:
    """List alert rules, test receivers, or try a rule on the past."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(name="list", epilog=LIST_EXAMPLES)
def listed(config: Config = None) -> None:
    """List the alert rules of the configuration, with their receivers."""
    options = _options(config)
    for name, rule in options.rules.items():
        to = ", ".join(f"{one} ({options.to[one].type})" for one in rule.to)
        counted = f"{rule.threshold} in {rule.window_seconds:g} s, by {rule.by}"
        terminal.write(terminal.visible(f"{name}  {rule.query}  {counted}  to {to}"))
    terminal.flush()
    if not options.rules:
        terminal.complain("no alert rules; add `alerts.rules` to the configuration")


@app.command(name="test", epilog=TEST_EXAMPLES)
def send_test(
    name: Annotated[str, typer.Argument(metavar="[NAME]", hidden=True)] = "", to: To = "", config: Config = None
) -> None:
    """Send one marked notification to the receivers of a rule, or to one receiver, and show what came back.

    NAME is a rule of the configuration. The exit code is 1 if a receiver does not take it.
    """
    import asyncio

    options = _options(config)
    if name:
        _check_known(name, options)
    if to and to not in options.to:
        raise UsageError(f"there is no receiver {to!r}", f"use one of {', '.join(options.to) or 'alerts.to'}")
    if not (receivers := [to] if to else list(options.rules[name].to) if name else []):
        raise UsageError("nothing to test", "name a rule, or a receiver with --to")
    raise typer.Exit(asyncio.run(_test(options, receivers)))


@app.command("try", epilog=TRY_EXAMPLES)
def try_(name: Rule, since: Since = "24h", state_dir: StateDir = None, config: Config = None) -> None:
    """Show what a rule would have sent for the logs that the running agent delivered. Nothing is sent.

    NAME is a rule of the configuration. The rule is tried as the configuration has it, running or not.
    """
    import time

    from collector.alerts.trying import query_of, tried
    from collector.text.times import iso, moment

    options = _options(config)
    _check_known(name, options)
    now = time.time_ns()
    try:
        begin = moment(since, now=now, zone=None)
    except ValueError as error:
        raise typer.BadParameter(f"--since: {error}") from None
    documents = _past(query_of(options.rules[name]), iso(begin), iso(now), state_dir=state_dir, config=config)
    found = tried(options, name, documents, now)
    for one in found:
        terminal.write(terminal.visible(f"{iso(one.made)}  {one.title}  {one.container}  {one.sample[:100]}"))
    terminal.flush()
    terminal.complain(f"{name} would have sent {len(found)} notifications; {len(documents)} lines were looked at")


def _past(query: str, since: str, until: str, *, state_dir: Path | None, config: Path | None) -> list[bytes]:
    """What the running agent finds, oldest first, without the ids.

    Raises:
        PilotfishError: that is too much, or no agent answers.
    """
    import msgspec

    from collector.cli import agent

    class Answer(msgspec.Struct):
        total: int
        documents: list[msgspec.Raw]
        cursor: str = ""

    found: list[bytes] = []
    cursor = ""
    while True:
        asked = [("q", query), ("since", since), ("until", until), ("sort", "oldest"), ("limit", str(_PAGE))]
        asked += [("after", cursor)] if cursor else []
        with agent.ask("/api/search", asked, state_dir=state_dir, config=config) as response:
            answer = msgspec.json.decode(response.read(), type=Answer)
        if answer.total > MOST_DOCUMENTS:
            raise PilotfishError(f"{answer.total} lines match, more than {MOST_DOCUMENTS}", "use a later --since")
        found += [b"{" + bytes(one).partition(b",")[2] for one in answer.documents]  # behind the `_id`
        cursor = answer.cursor
        if not cursor:
            return found


async def _test(options: "AlertOptions", receivers: list[str]) -> int:
    import time

    from collector.alerts.notification import Notification, new_id
    from collector.alerts.sending import send

    failed = False
    for name in receivers:
        one = Notification(id=new_id(), rule="test", receiver=name, reason="test", made=time.time_ns())
        sent = await send(name, options.to[name], one)
        is_good = sent.outcome == "sent"
        terminal.write(terminal.visible(f"{'ok' if is_good else 'fail':<4}  {name}: {sent.told}"))
        failed |= not is_good
    terminal.flush()
    return 1 if failed else 0


def _options(config: Path | None) -> "AlertOptions":
    from collector.app.plugins import installed_types
    from collector.config.loading import load

    return load(config, installed_types()).alerts


def _check_known(name: str, options: "AlertOptions") -> None:
    if name not in options.rules:
        raise UsageError(f"there is no alert rule {name!r}", f"use one of {', '.join(options.rules) or 'alerts.rules'}")
