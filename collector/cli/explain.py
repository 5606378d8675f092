"""`pilotfish explain`: the running agent → what becomes of a container's lines, and why."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from collector.cli import terminal
from collector.cli.options import Config, Format, Output, StateDir, examples
from collector.errors import PilotfishError

EXAMPLES = examples(
    "pilotfish explain web",
    "pilotfish explain 'shop-*' -o json | jq '.containers[].faults'",
)


def explain(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", show_default=False)],
    output: Format = Output.TEXT,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Show what becomes of a container's lines, and why.

    NAME is part of a container's name, or a glob. For each container you see its settings with the label, environment
    variable or rule that they come from, the ones that have no effect, and its last lines with their documents.
    """
    from collector.cli import agent

    with agent.ask("/api/explain", [("name", name) for name in names], state_dir=state_dir, config=config) as response:
        body = response.read()
    import orjson

    found = orjson.loads(body)["containers"]
    if output is Output.JSON:
        terminal.put(body)
    else:
        for number, container in enumerate(found):
            terminal.write("\n".join(([""] if number else []) + list(_container(container))))
    if not found:
        raise PilotfishError(f"no container is called {' or '.join(names)}", "see `docker ps -a` for their names")


def _container(one: Mapping[str, Any]) -> Iterator[str]:
    visible = terminal.visible
    yield visible(f"{one['container']}  {one['id'][:12]}  {one['state']}  {one['image']}".rstrip())
    if one["not_followed"]:
        yield visible(f"  not followed: {one['not_followed']}")
    for fault in one["faults"]:
        yield visible(f"  no effect: {fault}")
    for stream in one["streams"]:
        yield visible(f"  stream {stream['name'] or '(default)'}, input {one['input']}")
        rows = [(setting["key"], setting["value"], setting["origin"]) for setting in stream["settings"]]
        wide, wider = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
        for key, value, origin in rows:
            yield visible(f"    {key:<{wide}}  {value:<{wider}}  # {origin}")
        for output, numbers in stream["outputs"].items():
            more = "".join(f", {count:,} left out by {rule}" for rule, count in sorted(numbers["left_out"].items()))
            more += f", {numbers['unparsed_lines']:,} lines do not fit the format" if numbers["unparsed_lines"] else ""
            more += f", {numbers['refused_times']:,} times of lines are not used" if numbers["refused_times"] else ""
            more += f", the minimum level is {numbers['level']}" if numbers["level"] else ""
            more += f", the format is {numbers['format']}" if numbers["format"] else ""
            more += f", it redacts {', '.join(numbers['redact'])}" if numbers["redact"] else ""
            read = f"{numbers['documents']:,} documents read, {numbers['backlog_bytes']:,} bytes not read yet"
            yield visible(f"    output {output}: {read}{more}")
        for output in stream["not_for"]:
            yield visible(
                f"    output {output}: gets none of it: its `containers` or `targets`, or the setting `outputs`"
            )
        for line in stream["lines"]:
            yield from (visible(f"    line      {raw}") for raw in line["raw"].split("\n"))
            yield from (visible(f"    document  {document}") for document in line["document"].split("\n"))
