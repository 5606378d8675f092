"""The one test that is about time: the hot path stays ahead of a plain loop, as a ratio of CPU times."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import orjson
import pytest

from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.bench import guard, reference

LEAST_RATIO = 1.4
LEAST_USER_RATIO = 1.3  # 1.8 when this was written; without the kernel's part a hot path a quarter slower shows


@pytest.mark.slow
def test_the_hot_path_stays_ahead_of_a_plain_loop() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "PYTHONMALLOC"))}
    words = [sys.executable, "-m", "tests.bench.guard"]
    told = subprocess.run(words, env=env, check=True, stdout=subprocess.PIPE).stdout
    ratios = [guard.Ratio(*pair) for pair in json.loads(told)]
    assert len(ratios) == guard.PAIRS
    assert median(each.cpu for each in ratios) >= LEAST_RATIO, ratios
    assert median(each.user for each in ratios) >= LEAST_USER_RATIO, ratios


def test_both_make_the_same_of_the_lines(tmp_path: Path) -> None:
    raw = guard.raw_lines(tmp_path, 2_000)
    segments = [each for chunk in guard.chunks(raw) for each in DockerJson(Stamps(ZoneInfo("UTC"))).segments(chunk)]
    plain = [reference.document(line, "1")[1] for line in raw]
    assert [orjson.loads(each) for segment in segments for each in segment.documents] == list(map(orjson.loads, plain))
