"""Debian's prometheus → a server of the tests' own that scrapes and evaluates as it is told; asked over HTTP."""

import json
import os
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import yaml

from tests.engines.directories import discard, new_directory
from tests.engines.process import ServerProcess, free_ports, wait_until

_READY_SECONDS = 30


class Alert(NamedTuple):
    """One that fires, by its name and what it is about: the container, service or output, else ""."""

    name: str
    about: str


class Prometheus:
    """One server. Starts with `start`; has rules from `load` on."""

    def __init__(self, targets: Mapping[str, str], *, every_seconds: float) -> None:
        """`targets`: job → `host:port/path`."""
        (self.port,) = free_ports(1)
        self.directory = new_directory("prometheus")
        interval = f"{int(every_seconds * 1000)}ms"
        jobs = []
        for job, target in targets.items():
            host, _, path = target.partition("/")
            jobs.append({"job_name": job, "metrics_path": f"/{path}", "static_configs": [{"targets": [host]}]})
        self._configuration: dict[str, Any] = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "scrape_configs": jobs,
        }
        self._file = self.directory / "prometheus.yml"
        self._file.write_text(yaml.safe_dump(self._configuration))
        self._process = ServerProcess(
            [
                "prometheus",
                f"--config.file={self._file}",
                f"--storage.tsdb.path={self.directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn",
            ],
            log=self.directory / "prometheus.log",
            env={"PATH": "/usr/bin:/bin"},
        )

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            EngineError: it did not become ready.
        """
        self._process.start(self._is_ready, within_seconds=_READY_SECONDS)
        return self

    def load(self, rules: Mapping[str, str]) -> None:
        """Take rule files, their texts by name, once each target was scraped.

        Before that all series are absent for some seconds, and a rule that is in a hurry would alert on it.
        """
        jobs = len(self._configuration["scrape_configs"])
        assert wait_until(lambda: len(self.query("up")) == jobs, within_seconds=_READY_SECONDS)
        for name, text in rules.items():
            (self.directory / name).write_text(text)
        self._file.write_text(yaml.safe_dump(self._configuration | {"rule_files": sorted(rules)}))
        os.kill(self._process.pid, signal.SIGHUP)
        assert wait_until(lambda: bool(self._get("rules")["groups"]), within_seconds=_READY_SECONDS)

    def close(self) -> None:
        """End it and remove what it kept; may be called twice."""
        self._process.kill()
        discard(self.directory)

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The instant vector of an expression: labels and value."""
        found = self._get("query", query=expression)["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def value(self, expression: str) -> float | None:
        """The only value of an expression; None if it has none."""
        found = self.query(expression)
        assert len(found) <= 1, f"{expression} has {len(found)} values"
        return found[0][1] if found else None

    def range(self, expression: str, start: float, end: float, step: float) -> list[tuple[dict[str, str], list[Any]]]:
        """The values of an expression over time: labels and pairs of time and text."""
        found = self._get("query_range", query=expression, start=start, end=end, step=step)["result"]
        return [(one["metric"], one["values"]) for one in found]

    def ever_fired(self) -> set[Alert]:
        """The alerts that have fired since it runs."""
        found = self.query('max_over_time(ALERTS{alertstate="firing"}[1h])')
        return {_alert(labels) for labels, _ in found}

    def firing(self) -> set[Alert]:
        """The alerts that fire now."""
        return {_alert(one["labels"]) for one in self._get("alerts")["alerts"] if one["state"] == "firing"}

    def faults(self) -> list[str]:
        """What went wrong with scrapes and rules."""
        scrapes = [one["lastError"] for one in self._get("targets")["activeTargets"] if one["lastError"]]
        groups = self._get("rules")["groups"]
        return scrapes + [one["lastError"] for group in groups for one in group["rules"] if one.get("lastError")]

    def _get(self, what: str, **parameters: object) -> Any:
        query = urllib.parse.urlencode(parameters)
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{query}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _alert(labels: Mapping[str, str]) -> Alert:
    about = labels.get("name") or labels.get("service") or labels.get("output") or labels.get("collector") or ""
    return Alert(labels["alertname"], about)


def check_metrics(text: bytes) -> str:
    """What promtool says against an exposition; "" if nothing."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode() if done.returncode or done.stderr else ""
