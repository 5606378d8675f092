"""Laws of the composition root: what it says about the parts it sees."""

import subprocess
import sys
from pathlib import Path

import pytest

from collector.app.agent import Agent
from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.dead_letters import DeadLetters
from collector.intake.json_files import JsonFiles
from collector.model import Rejected
from collector.pipeline.pipeline import Pipeline
from collector.ports import OutputContext, ShipperSettings
from collector.state.checkpoint import Checkpoints
from collector.transform.stamps import Stamps
from tests.collector.recording_shipper import RecordingShipper
from tests.contract.segments import plain_segment


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent that does not run, over a recording output and a daemon that answers."""
    environment = {"PILOTFISH_STATE_DIR": str(tmp_path), "PILOTFISH_OUTPUTS__OUT__TYPE": "null"}
    found = Agent(load(None, installed_types(), environment))
    listing = found.registry.join("docker")
    listing.answered()
    found.pipelines.append(
        Pipeline(
            "out",
            RecordingShipper(),
            ShipperSettings(type="recording"),
            registry=found.registry,
            checkpoints=Checkpoints(tmp_path, "out"),
            directory=tmp_path,
            inputs={"docker": JsonFiles(Stamps())},
        )
    )
    return found


def test_an_agent_is_ready_when_nothing_is_wrong(agent: Agent) -> None:
    assert agent.not_ready() == []


def test_a_daemon_that_lists_and_does_not_tell_is_told(agent: Agent) -> None:
    agent.registry.inputs["docker"].deaf = "Docker does not answer"
    assert agent.not_ready() == ["input docker: no events: Docker does not answer"]
    agent.registry.inputs["docker"].lost("Docker is away")
    assert agent.not_ready() == ["input docker: Docker is away"]


def test_a_spool_that_takes_or_gives_nothing_is_told(agent: Agent) -> None:
    ledger = agent.pipelines[0].ledger
    ledger.spool_error = "the spool is full"
    told = "output out: the spool is full, reading is paused: restore the output, raise its spool_bytes, or free disk"
    assert agent.not_ready() == [f"{told} space in state_dir"]
    ledger.spool_error, ledger.spool_read_error = "", "the spool cannot be read (Input/output error)"
    told = "output out: the spool cannot be read (Input/output error): free disk space in state_dir, or fix the disk"
    assert agent.not_ready() == [f"{told} or the permissions there"]


def test_positions_that_cannot_be_saved_are_told_with_a_remedy(agent: Agent) -> None:
    agent.pipelines[0].checkpoints.error = "No space left on device"
    (told,) = agent.not_ready()
    assert told.startswith(
        "output out: positions cannot be saved (No space left on device): free disk space in state_dir"
    )


def test_dead_letters_that_had_to_go_are_told_with_their_target_and_what_helps(agent: Agent, tmp_path: Path) -> None:
    agent.pipelines[0].dead_letters = letters = DeadLetters(tmp_path / "out", 8_000)
    for number in range(60):
        letters.append([Rejected(plain_segment(1, first=number), 0, "mapper_exception", "reason")])
    (reason,) = agent.not_ready()
    assert reason.startswith("output out: oldest dead letters removed at the size limit, of shop (")
    assert reason.endswith("): fix the cause of the refusals, then run `pilotfish dead-letters replay`")


def test_the_accounts_are_shown_whole(agent: Agent) -> None:
    numbers = agent.status()["outputs"]["out"]
    assert {"read", "acknowledged", "spooled", "recovered_from_spool", "replayed", "in_flight"} <= numbers.keys()


@pytest.mark.parametrize(
    ("types", "searched"),
    [
        ({"elastic": "elasticsearch", "local": "store"}, "local"),
        ({"local": "store", "other": "store", "elastic": "elasticsearch"}, "local"),
        ({"nothing": "null", "elastic": "elasticsearch", "second": "elasticsearch"}, "elastic"),
        ({"nothing": "null"}, None),
    ],
)
async def test_a_store_answers_searches_before_any_server(
    tmp_path: Path, types: dict[str, str], searched: str | None
) -> None:
    environment = {"PILOTFISH_STATE_DIR": str(tmp_path)}
    for name, kind in types.items():
        environment[f"PILOTFISH_OUTPUTS__{name.upper()}__TYPE"] = kind
        if kind == "elasticsearch":
            environment[f"PILOTFISH_OUTPUTS__{name.upper()}__HOSTS"] = "http://127.0.0.1:9"
    found = Agent(load(None, installed_types(), environment))
    outputs = found.configuration.outputs
    opened = {name: outputs[name].open(OutputContext(name, tmp_path / name)) for name in types}
    try:
        answering: object = found._searched(opened)
        assert answering is (opened[searched] if searched else None)
    finally:
        for shipper in opened.values():
            await shipper.aclose()


def test_an_agent_without_a_store_loads_no_search_engine(tmp_path: Path) -> None:
    """It is 4 MB of each process, and Elasticsearch is searched by few agents."""
    program = (
        "import sys; from collector.workers import agent; from collector.app.plugins import installed_types as types; "
        "from collector.config.loading import load; load(None, types(), {'PILOTFISH_OUTPUTS__E__TYPE': 'elasticsearch',"
        " 'PILOTFISH_OUTPUTS__E__HOSTS': 'http://es', 'HOME': sys.argv[1]}); print('tantivy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
