"""Rules, expressions and given series → what promtool says against them."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml


def promtool(*words: str | Path) -> str:
    """What it says; "" if all is as it should be."""
    done = subprocess.run(["promtool", *words], text=True, capture_output=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def refused(expressions: Iterable[str], directory: Path) -> str:
    """What it says against the form of expressions."""
    rules = [{"record": f"one:{number}", "expr": expression} for number, expression in enumerate(expressions)]
    path = directory / "expressions.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    return promtool("check", "rules", path)


def untrue(
    expected: Iterable[Mapping[str, Any]],
    given: Mapping[str, str],
    directory: Path,
    *,
    interval: str = "15s",
    rules: Iterable[Path] = (),
) -> str:
    """What it says against `expected` of expressions, in the form of its `promql_expr_test`.

    `given` are series with their values, one each `interval`; rules are worked out as often.
    """
    test = {
        "interval": interval,
        "input_series": [{"series": series, "values": values} for series, values in given.items()],
        "promql_expr_test": list(expected),
    }
    path = directory / "test.yml"
    files = [str(each) for each in rules]
    path.write_text(yaml.safe_dump({"rule_files": files, "evaluation_interval": interval, "tests": [test]}))
    return promtool("test", "rules", path)
