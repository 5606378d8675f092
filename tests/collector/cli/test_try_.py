"""`pilotfish try`: what lines would become, without an agent."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.collector.cli.pilotfish import COMMAND, environment


def tried(home: Path, lines: bytes, *words: str) -> tuple[int, list[dict[str, object]], str]:
    """Exit code, documents, and what is told beside them."""
    ended = subprocess.run(
        [*COMMAND, "try", *words], input=lines, capture_output=True, env=environment(home), timeout=30, check=False
    )
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()], ended.stderr.decode()


def test_lines_become_the_documents_that_they_would_be(tmp_path: Path) -> None:
    lines = b'{"a":1}\nplain \xff\x1b[31m\n'
    code, documents, told = tried(tmp_path, lines, "--format", "json", "--set", "tags=team=a")
    assert [document["log"] for document in documents] == [{"a": 1}, {"message": "plain �\x1b[31m"}]
    assert {(document["team"], document["@target"]) for document in documents} == {("a", "sample")}
    assert (code, told) == (0, "pilotfish: lines: 2, documents: 2, lines that do not fit the format: 1\n")


def test_lines_that_are_left_out_are_counted_by_rule(tmp_path: Path) -> None:
    lines = b'{"level":"debug"}\n{"time":"2020-01-01T00:00:00Z"}\nx\nx\n'
    words = ["--set", "level=info", "--set", "lines.exclude=^x", "--set", "time.key=time"]
    code, documents, told = tried(tmp_path, lines, *words)
    assert [document["log"] for document in documents] == [{"time": "2020-01-01T00:00:00Z"}]
    assert (code, told) == (
        0,
        "pilotfish: lines: 4, documents: 1, left out by level: 1, left out by exclude: 2, "
        "times that are not used, since they cannot be read or are far from now: 1\n",
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--format", "jsn"], "format: there is no format jsn; the formats are "),
        (["--set", "tags"], "'tags' has no value: write tags=VALUE"),
        (["--set", "taggs=a=b"], "taggs: no such setting: use tags"),
        (["--set", "tags=host=a"], "tag 1: its name is that of a field of Pilotfish's own"),
        (["--set", "exclude=true"], "the container is excluded"),
        (["--set", "format.pattern=x"], "format.pattern: it has no effect without a format"),
    ],
)
def test_a_setting_that_has_no_effect_is_an_error(tmp_path: Path, words: list[str], told: str) -> None:
    code, documents, complaint = tried(tmp_path, b"x\n", *words)
    assert (code, documents) == (2, [])
    assert told in complaint
