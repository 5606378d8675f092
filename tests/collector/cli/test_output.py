"""`pilotfish output`: the outputs with their promises, and a document through one."""

import json
from pathlib import Path

import pytest

from tests.collector.cli.pilotfish import pilotfish


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "pilotfish.yml"
    outputs = {
        "file": {"type": "ndjson_file"},
        "nothing": {"type": "null"},
        "far": {"type": "elasticsearch", "hosts": "http://127.0.0.1:1"},
    }
    path.write_text(json.dumps({"state_dir": str(tmp_path / "state"), "outputs": outputs}))
    return path


def test_outputs_are_listed_with_what_they_promise(tmp_path: Path, config: Path) -> None:
    ended = pilotfish(tmp_path, "output", "list", "-c", str(config))
    assert [line.split(maxsplit=2)[:2] for line in ended.out.splitlines()] == [
        ["file", "ndjson_file"],
        ["nothing", "null"],
        ["far", "elasticsearch"],
    ]
    assert "unsafe: every document is discarded" in ended.out


def test_a_document_is_sent_and_found(tmp_path: Path, config: Path) -> None:
    ended = pilotfish(tmp_path, "output", "test", "file", "-c", str(config))
    assert (ended.code, ended.errors) == (0, "")
    assert [line.partition(":")[0] for line in ended.out.splitlines()] == [
        "ok    open",
        "ok    connect",
        "ok    send",
        "ok    read back",
    ]
    assert '"@target":"pilotfish-test"' in (tmp_path / "state/outputs/file/file.ndjson").read_text()


def test_a_step_that_fails_is_told_with_the_fix_and_ends_with_1(tmp_path: Path, config: Path) -> None:
    ended = pilotfish(tmp_path, "output", "test", "far", "-c", str(config))
    assert ended.code == 1
    assert (
        "fail  connect: http://127.0.0.1:1 cannot be reached (Connection refused)\n      fix: check `hosts`"
        in ended.out
    )


def test_an_output_that_is_not_there_is_a_wrong_command_line(tmp_path: Path, config: Path) -> None:
    ended = pilotfish(tmp_path, "output", "test", "fil", "-c", str(config))
    assert (ended.code, ended.complaint) == (2, "there is no output 'fil': use one of file, nothing, far")


def test_the_names_of_outputs_are_completed(tmp_path: Path, config: Path) -> None:
    asked = {"_PILOTFISH_COMPLETE": "complete_bash", "COMP_WORDS": "pilotfish output test f", "COMP_CWORD": "3"}
    ended = pilotfish(tmp_path, PILOTFISH_CONFIG=str(config), **asked)
    assert ended.out.split() == ["file", "far"]
