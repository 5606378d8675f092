"""The laws of starting: only what is used is loaded, and garbage is looked for again once it is."""

import gc
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collector.cli.run import run
from collector.errors import PilotfishError
from tests.collector.cli.pilotfish import SECONDS, environment

_TELLING = """
import atexit, json, runpy, sys
atexit.register(lambda: print(json.dumps([*sys.modules])))
sys.argv = ["pilotfish", "run"]
runpy.run_module("collector", run_name="__main__")
"""


def test_garbage_is_looked_for_when_all_is_imported(tmp_path: Path) -> None:
    try:
        with pytest.raises(PilotfishError):
            run(config=tmp_path / "missing.yml")
        assert gc.isenabled()
    finally:
        gc.unfreeze()


@pytest.mark.slow
def test_without_a_configuration_no_type_is_loaded_but_those_that_are_used(tmp_path: Path) -> None:
    environ = environment(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock", PILOTFISH_HTTP__LISTEN="127.0.0.1:0")
    with subprocess.Popen(
        [sys.executable, "-c", _TELLING], env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"listening" in line:
                break
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors
    loaded = json.loads(out)
    assert {name for name in loaded if name.startswith("shippers.") and name.count(".") == 1} == {"shippers.store"}
    assert {name for name in loaded if name.startswith("collector.inputs.")} == {"collector.inputs.docker"}
