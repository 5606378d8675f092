"""`pilotfish size`: rates, given or those of the running agent, and an outage → what is needed to carry them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from collector.app import sizing
from collector.cli import terminal
from collector.cli.options import Config, Format, Output, StateDir, examples, seconds
from collector.errors import PilotfishError

EXAMPLES = examples(
    "pilotfish size                                        with the rates of the running agent",
    "pilotfish size --hosts 1000 --outage 24h              the same for a fleet of such hosts",
    "pilotfish size --lines 10000 --document-bytes 430     without an agent",
    "pilotfish size --lines 500 --hosts 200 -o json | jq -r '[.part, .what, .value, .unit] | @tsv'",
)
GIVE_LINES = "give the rate with --lines"


def at_least(least: float, most: float, *, above: bool = False) -> Callable[[str], float]:
    """What reads a number between two others, the first of which is not meant itself if it is to be `above`."""

    def number(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not a number") from None
        if not (least < found <= most or (found == least and not above)):
            bound = f"more than {least:g}" if above else f"{least:g} or more"
            raise typer.BadParameter(f"{text} is out of range: write {bound}, and {most:,.0f} at most")
        return found

    return number


def some_seconds(text: str) -> float:
    """A duration that is not 0."""
    found = seconds(text)
    if not 0 < found <= 100 * 366 * sizing.DAY_SECONDS:
        raise typer.BadParameter("write a duration of more than 0, and of 100 years at most")
    return found


Number = Callable[[str], float]
Outputs = Mapping[str, Mapping[str, Any]]
Found = tuple[
    Outputs, sizing.Wanted, str
]  # numbers of the agent's outputs, what its options do not change, whose it is


def _span(name: str, words: str) -> Any:
    return typer.Option(name, metavar="DURATION", parser=some_seconds, help=words, show_default=False)


def _number(name: str, number: Number, words: str) -> Any:
    return typer.Option(name, metavar="NUMBER", parser=number, help=words, show_default=False)


Lines = Annotated[
    float | None,
    _number("--lines", at_least(0, 1e9, above=True), "Lines per second of one host. Default: those of the agent."),
]
LineBytes = Annotated[
    float | None,
    _number("--line-bytes", at_least(1, 1e8), "Bytes of a line as the container writes it. Default: 250."),
]
DocumentBytes = Annotated[
    float | None,
    _number("--document-bytes", at_least(1, 1e8), "Bytes of a document. Default: those of the agent, or line + 133."),
]
Logs = Annotated[
    int | None,
    typer.Option(
        min=1, max=1_000_000, metavar="NUMBER", help="Logs that one host writes. Default: those of the agent, or 10."
    ),
]
Hosts = Annotated[int, typer.Option(min=1, max=10_000_000, metavar="NUMBER", help="Number of such hosts.")]
Outage = Annotated[float | None, _span("--outage", "Outage of the destination to bridge. Default: 24h.")]
TopicRetention = Annotated[
    float | None, _span("--topic-retention", "Time for which Kafka keeps records. Default: the outage.")
]
TopicCopies = Annotated[
    int, typer.Option(min=1, max=100, metavar="NUMBER", help="Replication factor of the topics in Kafka.")
]
Retention = Annotated[float | None, _span("--retention", "Time for which indices are kept. Default: 30d.")]
Replicas = Annotated[int, typer.Option(min=0, max=100, metavar="NUMBER", help="Copies of an index besides the first.")]
Ratio = Annotated[
    float | None, _number("--ratio", at_least(1, 1000), "How many times smaller compressed documents are. Default: 5.")
]
Profile = Annotated[sizing.Profile, typer.Option(help="Profile of the indices, as for `pilotfish setup`.")]
Headroom = Annotated[
    float | None,
    _number(
        "--headroom",
        at_least(1, 1000, above=True),
        "How many times the lines each part is able to take, at a peak or after an outage. Default: 2.",
    ),
]


def size(
    lines: Lines = None,
    line_bytes: LineBytes = None,
    document_bytes: DocumentBytes = None,
    logs: Logs = None,
    hosts: Hosts = 1,
    outage: Outage = None,
    topic_retention: TopicRetention = None,
    topic_copies: TopicCopies = 3,
    retention: Retention = None,
    replicas: Replicas = 1,
    ratio: Ratio = None,
    headroom: Headroom = None,
    profile: Profile = "lean",
    output: Format = Output.TEXT,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Calculate what a rate of lines needs.

    Each row has the figure from which it is calculated, and the page or decision that shows how it was measured.

    Without --lines, the rates are those of the running agent in the last ten minutes, of its output with the most
    documents. The rows of Kafka and relays only matter if Kafka is between agents and Elasticsearch.
    """
    if line_bytes is not None and document_bytes is not None:
        raise typer.BadParameter("give --line-bytes or --document-bytes, not both")
    outputs, wanted, origin = _given(lines) if lines else _of_agent(_status(state_dir, config))
    load = {"document_bytes": line_bytes + sizing.ADDED_BYTES if line_bytes else document_bytes, "logs": logs}
    spans = {"outage_seconds": outage, "topic_seconds": topic_retention or outage, "retention_seconds": retention}
    counts = {"hosts": hosts, "topic_copies": topic_copies, "replicas": replicas}
    said: dict[str, Any] = {**load, **spans, **counts, "ratio": ratio, "headroom": headroom, "profile": profile}
    wanted = wanted._replace(**{name: value for name, value in said.items() if value is not None})
    _show([*sizing.sized(wanted), *sizing.outputs_of(outputs, wanted)], origin, output)


def _given(lines: float) -> Found:
    return {}, sizing.Wanted(lines, sizing.DOCUMENT_BYTES), "the command line"


def _of_agent(status: Mapping[str, Any]) -> Found:
    """What its output with the most documents gets."""
    outputs: Outputs = status["outputs"]
    busiest = max(outputs, key=lambda name: outputs[name]["documents_per_second"])
    lines = outputs[busiest]["documents_per_second"]
    document_bytes = outputs[busiest]["document_bytes_per_second"] / lines
    wanted = sizing.Wanted(lines, document_bytes, logs=max(status["streams"], 1))
    return outputs, wanted, f"the running agent, output {busiest}"


def _show(rows: list[sizing.Row], origin: str, output: Output) -> None:
    if output is Output.JSON:
        import orjson

        lines = [orjson.dumps(row._asdict()).decode() for row in rows]
    else:
        head = f"Rates of {origin}. Figures in brackets name the page on which they are measured."
        lines = [terminal.visible(line) for line in (head, *sizing.table(rows))]
    for line in lines:
        terminal.write(line)


def _status(state_dir: Path | None, config: Path | None) -> dict[str, Any]:
    """What the running agent says of its outputs.

    Raises:
        PilotfishError: none answers, or it has nothing to say of rates.
    """
    import json

    from collector.cli import agent

    try:
        with agent.ask("/api/status", [], state_dir=state_dir, config=config) as response:
            found = json.loads(response.read())
    except agent.NoAgent as error:
        raise PilotfishError(error.cause, f"{GIVE_LINES}, or {agent.NOT_FOUND}") from None
    outputs = found["outputs"].values()
    if not all("documents_per_second" in one for one in outputs):
        raise PilotfishError("the agent that answers is of a version that does not report its rates", GIVE_LINES)
    if not any(one["documents_per_second"] and one["document_bytes_per_second"] for one in outputs):
        raise PilotfishError("the running agent has read no line in the last minutes", f"{GIVE_LINES}, or wait")
    status: dict[str, Any] = found
    return status
