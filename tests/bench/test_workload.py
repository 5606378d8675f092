"""The workload is seeded, and each of its lines can be told from all others."""

import json
from pathlib import Path

import pytest

from tests.bench import completeness, workload
from tests.bench.generator import Lines

every_shape = pytest.mark.parametrize("shape", ["mixed", "long", "stacks"])


def contents(tree: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in tree.rglob("*.*")}


def raw_lines(tree: Path) -> list[dict[str, str]]:
    return [json.loads(line) for log in tree.glob("*/*-json.log") for line in log.read_text().splitlines()]


@every_shape
def test_the_same_arguments_give_the_same_bytes(shape: str, tmp_path: Path) -> None:
    first, second = (
        workload.write_tree(tmp_path / name, lines=600, containers=3, shape=shape) for name in ("one", "two")
    )
    assert contents(first) == contents(second)
    assert contents(workload.write_tree(tmp_path, lines=600, containers=3, seed=2, shape=shape)) != contents(first)


@every_shape
def test_each_line_has_a_token_of_its_own(shape: str, tmp_path: Path) -> None:
    tree = workload.write_tree(tmp_path, lines=600, containers=3, shape=shape)
    assert len(completeness.written(tree)) == 600
    assert sum(line["log"].endswith("\n") for line in raw_lines(tree)) == 600
    assert workload.raw_lines(tree) == len(raw_lines(tree))


def test_a_long_line_comes_in_pieces_among_those_of_the_other_stream(tmp_path: Path) -> None:
    tree = workload.write_tree(tmp_path, lines=2_000, containers=1, shape="long")
    lines = raw_lines(tree)
    pieces = [index for index, line in enumerate(lines) if len(line["log"]) == workload.PIECE_BYTES]
    assert pieces
    first = lines[pieces[0] : pieces[0] + 8]
    assert [line["stream"] for line in first] == ["stdout", "stderr"] * 4
    assert all(len({line["time"] for line in first[which::2]}) == 1 for which in (0, 1))
    assert sum(len(line["log"]) for line in first) == 2 * workload.LONG_BYTES


def test_generated_lines_are_dockers_and_all_different() -> None:
    raw = Lines().made(first=0, count=1_000, stamp=b"2026-11-23T00:00:00.000000001Z")
    assert len(set(map(completeness.token_in, raw.splitlines())) - {b""}) == 1_000
    assert {json.loads(line)["time"] for line in raw.splitlines()} == {"2026-11-23T00:00:00.000000001Z"}
