"""What settings of containers cost: one backlog of access logs, lines of 512 bytes, read with one setting at a time."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from tests.bench import completeness, workload
from tests.bench.asked import Asked, Outcome, say
from tests.bench.collectors import pilotfish
from tests.bench.trial import Trial, trial

_PATTERN = (
    r'^(?<client>\S+) (?<ident>\S+) (?<user>\S+) \[(?<time>[^\]]+)\] "(?<request>[^"]*)" (?<code>\d+) (?<size>\d+) '
    r'"(?<referer>[^"]*)" "(?<agent>[^"]*)"$'
)
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "multiline: auto": {"multiline": "auto"},
    "format: nginx": {"format": "nginx"},
    "format: regexp": {"format": {"name": "regexp", "pattern": _PATTERN}},
    "redact: secrets": {"redact": ["secrets"]},
    "fields: level, line": {"fields": {"level": True, "line": True}},
    "lines.exclude": {"lines": {"exclude": "GET /health "}},
    "time of nginx": {"format": "nginx", "time": {"key": "time"}},
    "limit": {"limit": "1000000 lines/s"},
}
_HEAD = ("setting", "lines/CPU-s", "least to most", "x none", "µs more a line", "peak RSS MiB", "lines")


def measure(asked: Asked) -> Outcome:
    """Each setting in turns, against drift of the machine."""
    lines = asked.lines or 500_000
    tree = workload.write_tree(asked.directory, lines=lines, containers=asked.containers, shape="access")
    expected = completeness.written(tree)
    trials: dict[str, list[Trial]] = {name: [] for name in SETTINGS}
    for number in range(asked.runs):
        for name, rule in SETTINGS.items():
            done = trial(pilotfish(rules=[rule] if rule else []), tree, expected)
            trials[name].append(done)
            say(f"  run {number + 1}: {name}: {done.lines_per_cpu_second:,.0f} lines/CPU-s, {done.verdict}")
    plain = median(one.lines_per_cpu_second for one in trials["none"])
    return Outcome(
        _HEAD,
        [_row(name, found, plain) for name, found in trials.items()],
        [f"{lines:,} lines, {workload.size_of(tree) >> 20:,} MiB, {asked.containers} containers; gzip."],
        all(one.verdict.complete for found in trials.values() for one in found),
        [
            {"name": name, "lines_per_cpu_second": round(one.lines_per_cpu_second), **one.verdict._asdict()}
            for name, found in trials.items()
            for one in found
        ],
    )


def _row(name: str, trials: list[Trial], plain: float) -> list[str]:
    rates = [one.lines_per_cpu_second for one in trials]
    failed = [str(one.verdict) for one in trials if not one.verdict.complete]
    return [
        name,
        f"{median(rates):,.0f}",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        f"{median(rates) / plain:.2f}",
        f"{1e6 / median(rates) - 1e6 / plain:.2f}",
        f"{max(one.cost.peak_rss_bytes for one in trials) / (1 << 20):.0f}",
        failed[0] if failed else "complete",
    ]
