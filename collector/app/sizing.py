"""Lines a second, their size and the outage to bridge → what agents, Kafka, relays and Elasticsearch need for them.

Plain arithmetic on figures that were measured: each has the page where it stands, and each row says what it was worked
out from. Nothing is rounded before it is shown, but for what cannot be had in parts. MB and GB are decimal.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any, Literal, NamedTuple, get_args

Unit = Literal["lines/s", "bytes", "bytes/s", "cores", "CPU-seconds", "s", ""]
Profile = Literal["lean", "search", "logsdb"]
PROFILES: tuple[Profile, ...] = get_args(Profile)

DAY_SECONDS = 86_400
PARTITION_BYTES_PER_SECOND = 10_000_000  # not measured here: what operators of Kafka commonly plan with
_PLURALS = {"copy": "copies"}


class Figure(NamedTuple):
    """What was measured, and where in docs/ that stands."""

    value: float
    page: str


class Rate(NamedTuple):
    """Documents of a second of CPU, measured with documents of so many bytes, and where in docs/ that stands."""

    value: float
    document_bytes: float
    page: str


LINE_BYTES = 250  # these three are of the lines of script/bench: page sizing
ADDED_BYTES = 133  # that a document has besides the line: host, container, target, times, quotes
RATIO = 5
DOCUMENT_BYTES = LINE_BYTES + ADDED_BYTES
AGENT = Rate(471_466, DOCUMENT_BYTES, "performance, a backlog")
LOG_CPU_SECONDS = Figure(36e-6, "performance, from few logs")  # a second, to look at one log
AGENT_BYTES = Figure(87 << 20, "performance, a backlog")
LOG_BYTES = Figure(14_000, "performance, from few logs")
RELAY = Rate(494_000, 265, "decision 39")
RELAY_BYTES = Figure(150 << 20, "decision 39")


class Price(NamedTuple):
    """What documents cost a server: its CPU, and bytes of disk for each document of `rate.document_bytes`."""

    rate: Rate
    disk_bytes: float


PRICES: Mapping[Profile, Price] = {
    "lean": Price(Rate(56_700, DOCUMENT_BYTES, "decision 45"), 148),
    "search": Price(Rate(43_500, DOCUMENT_BYTES, "decision 45"), 211),
    "logsdb": Price(Rate(37_700, DOCUMENT_BYTES, "decision 45"), 129),
}


class Wanted(NamedTuple):
    """What has to be carried. All numbers are above 0, `replicas` may be 0, `headroom` is above 1.

    Lines and logs are those of one host. `topic_seconds` is how long Kafka keeps records, `retention_seconds` how long
    an index is kept. `ratio` is how many times smaller documents are on the wire and on disk. Each part is to take
    `headroom` times the lines, at a peak and after an outage.
    """

    lines_per_second: float
    document_bytes: float
    hosts: int = 1
    logs: int = 10
    outage_seconds: float = DAY_SECONDS
    topic_seconds: float = DAY_SECONDS
    topic_copies: int = 3
    retention_seconds: float = 30 * DAY_SECONDS
    replicas: int = 1
    ratio: float = RATIO
    headroom: float = 2.0
    profile: Profile = "lean"


class Row(NamedTuple):
    """One thing that is needed; `source` is what it was worked out from."""

    part: str
    what: str
    value: float
    unit: Unit
    source: str


def sized(wanted: Wanted) -> list[Row]:
    """What is needed, part by part, in the order of the data."""
    return [*_load(wanted), *_agent(wanted), *_kafka(wanted), *_relays(wanted), *_index(wanted)]


def relays_of(wanted: Wanted) -> int:
    """So many relays carry the load, and one may fail."""
    return ceil(_cores(_lines(wanted) * wanted.headroom, RELAY, wanted)) + 1


def spool_bytes(document_bytes_per_second: float, wanted: Wanted) -> float:
    """What the spool of one output has to hold."""
    return document_bytes_per_second * wanted.outage_seconds / wanted.ratio


def _lines(wanted: Wanted) -> float:
    return wanted.lines_per_second * wanted.hosts


def _raw(wanted: Wanted) -> float:
    return _lines(wanted) * wanted.document_bytes


def _wire(wanted: Wanted) -> float:
    return _raw(wanted) / wanted.ratio


def _weight(rate: Rate, wanted: Wanted) -> float:
    """How much more a document costs than those that were measured; a smaller one costs as much."""
    return max(wanted.document_bytes / rate.document_bytes, 1.0)


def _cores(lines: float, rate: Rate, wanted: Wanted) -> float:
    return lines * _weight(rate, wanted) / rate.value


def _rate(rate: Rate, wanted: Wanted) -> str:
    """In words: what lines are multiplied with, and divided by."""
    more = f" x {wanted.document_bytes:,.0f}/{rate.document_bytes:,.0f} bytes" if _weight(rate, wanted) > 1 else ""
    return f"{more} / {rate.value:,.0f} a CPU-second ({rate.page})"


def _load(wanted: Wanted) -> Iterator[Row]:
    part = "All hosts"
    yield Row(
        part,
        "lines",
        _lines(wanted),
        "lines/s",
        f"{_words(wanted.lines_per_second, 'lines/s')} x {_counted(wanted.hosts, 'host')}",
    )
    yield Row(part, "documents", _raw(wanted), "bytes/s", f"lines x {wanted.document_bytes:,.0f} bytes")
    yield Row(part, "on the wire", _wire(wanted), "bytes/s", f"documents / {wanted.ratio:g} (compressed)")
    source = f"{_span(wanted.outage_seconds)} of outage / (headroom of {wanted.headroom:g} - 1)"
    yield Row(part, "time to catch up", wanted.outage_seconds / (wanted.headroom - 1), "s", source)


def _agent(wanted: Wanted) -> Iterator[Row]:
    part, per_log, logs = "Each agent", LOG_CPU_SECONDS, _counted(wanted.logs, "log")
    lines = _cores(wanted.lines_per_second, AGENT, wanted)
    source = f"lines{_rate(AGENT, wanted)} + {logs} x {per_log.value * 1e6:.0f} µs ({per_log.page})"
    yield Row(part, "CPU", lines + wanted.logs * per_log.value, "cores", source)
    peak = lines * wanted.headroom + wanted.logs * per_log.value
    workers = max(ceil(peak), 1)
    yield Row(part, "workers", workers, "", f"lines x {wanted.headroom:g} take {peak:.2g} cores; a worker has one")
    memory = workers * AGENT_BYTES.value + wanted.logs * LOG_BYTES.value
    source = (
        f"{_words(AGENT_BYTES.value, 'bytes')} a worker ({AGENT_BYTES.page}) + "
        f"{logs} x {_words(LOG_BYTES.value, 'bytes')} ({LOG_BYTES.page})"
    )
    yield Row(part, "memory", memory, "bytes", source)
    yield Row(part, "on the wire", _wire(wanted) / wanted.hosts, "bytes/s", "for each output")
    spool = spool_bytes(_raw(wanted) / wanted.hosts, wanted)
    yield Row(part, "spool", spool, "bytes", f"on the wire x {_span(wanted.outage_seconds)}, for each output")


def _kafka(wanted: Wanted) -> Iterator[Row]:
    part, copies = "Kafka", _counted(wanted.topic_copies, "copy")
    yield Row(part, "written", _wire(wanted) * wanted.topic_copies, "bytes/s", f"on the wire x {copies}")
    disk = _wire(wanted) * wanted.topic_seconds * wanted.topic_copies
    yield Row(part, "disk", disk, "bytes", f"on the wire x {_span(wanted.topic_seconds)} x {copies}")
    relays = relays_of(wanted)
    partitions = max(ceil(_wire(wanted) * wanted.headroom / PARTITION_BYTES_PER_SECOND), relays)
    most = _words(PARTITION_BYTES_PER_SECOND, "bytes/s")
    source = f"one for each relay, and on the wire x {wanted.headroom:g} / {most} at least"
    yield Row(part, "partitions", partitions, "", source)


def _relays(wanted: Wanted) -> Iterator[Row]:
    part, rate = "Relays", _rate(RELAY, wanted)
    yield Row(part, "CPU of all", _cores(_lines(wanted), RELAY, wanted), "cores", f"lines{rate}, with bundles")
    source = f"CPU of all x {wanted.headroom:g}, a core for each, and one that may fail"
    yield Row(part, "relays", relays_of(wanted), "", source)
    yield Row(part, "memory of each", RELAY_BYTES.value, "bytes", f"at full speed ({RELAY_BYTES.page})")


def _index(wanted: Wanted) -> Iterator[Row]:
    part, (rate, kept), copies = "Elasticsearch", PRICES[wanted.profile], 1 + wanted.replicas
    many = _counted(copies, "copy")
    cores = _cores(_lines(wanted) * copies, rate, wanted)
    source = f"lines x {many}{_rate(rate, wanted)}, profile {wanted.profile}"
    yield Row(part, "CPU", cores, "cores", source)
    source = f"CPU x {wanted.headroom:g}; searches come on top"
    yield Row(part, "CPU to provide", cores * wanted.headroom, "cores", source)
    yield Row(part, "CPU a day", cores * DAY_SECONDS, "CPU-seconds", "CPU x 86,400 s")
    day = _raw(wanted) * DAY_SECONDS * copies * kept / rate.document_bytes
    source = f"documents of a day x {many} x {kept:.0f} / {rate.document_bytes:.0f} bytes ({rate.page})"
    yield Row(part, "disk a day", day, "bytes", source)
    disk = day * wanted.retention_seconds / DAY_SECONDS
    yield Row(part, "disk", disk, "bytes", f"disk a day x {_span(wanted.retention_seconds)}")


def outputs_of(numbers: Mapping[str, Mapping[str, Any]], wanted: Wanted) -> Iterator[Row]:
    """What the spools of the running agent need; `numbers` are those that the agent gives of its outputs."""
    for name, told in numbers.items():
        rate, capacity = told["document_bytes_per_second"], told["spool_capacity_bytes"]
        if rate and capacity:
            lasts = _span(capacity * wanted.ratio / rate)
            source = (
                f"{_words(rate, 'bytes/s')} of documents / {wanted.ratio:g} x {_span(wanted.outage_seconds)}; "
                f"its {_words(capacity, 'bytes')} (spool_bytes) bridge {lasts}"
            )
            yield Row(f"Output {name}", "spool", spool_bytes(rate, wanted), "bytes", source)


def with_words(rows: Sequence[Row]) -> list[tuple[Row, str]]:
    """Each row, and its value in words: `4.3 MB/s`."""
    return [(row, _words(row.value, row.unit)) for row in rows]


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Rows as lines of text, each part below its name."""
    worded = with_words(rows)
    wide, wider = max(len(row.what) for row in rows), max(len(words) for _, words in worded)
    part = ""
    for row, words in worded:
        if row.part != part:
            part = row.part
            yield part
        yield f"  {row.what:<{wide}}  {words:>{wider}}  {row.source}"


def _words(value: float, unit: Unit) -> str:
    match unit:
        case "bytes":
            return _bytes(value)
        case "bytes/s":
            return f"{_bytes(value)}/s"
        case "s":
            return _span(value)
        case "cores":
            return f"{value:,.1f} cores" if value >= 1 else f"{value:.1%} of a core"
        case _:
            return f"{f'{value:,.0f}' if value >= 10 else f'{value:.3g}'} {unit}".rstrip()


def _bytes(value: float) -> str:
    for size, name in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= size:
            return f"{value / size:,.1f} {name}" if value < 10 * size else f"{value / size:,.0f} {name}"
    return f"{value:,.0f} bytes"


def _span(seconds: float) -> str:
    for size, name in ((DAY_SECONDS, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return _counted(seconds / size, name)
    return _counted(seconds, "second")


def _counted(value: float, name: str) -> str:
    text = f"{value:,.1f}".removesuffix(".0")
    return f"{text} {name}" if text == "1" else f"{text} {_PLURALS.get(name, f'{name}s')}"
