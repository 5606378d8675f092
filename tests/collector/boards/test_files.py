"""dashboards/ is found in a checkout and in a wheel, and can be exported."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from collector.boards.files import boards, export, root, saved_objects
from collector.errors import PilotfishError

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "dashboards"
TESTS = SOURCE / "prometheus" / "tests"
FILES = {path.relative_to(SOURCE): path.read_bytes() for path in SOURCE.rglob("*") if path.is_file()}


def test_a_checkout_has_its_own() -> None:
    assert Path(str(root())).resolve() == SOURCE
    assert [one["uid"] for one in boards()] == ["pilotfish-containers", "pilotfish-docker-host", "pilotfish"]
    assert saved_objects("kibana-8.ndjson")[-1]["id"] == "pilotfish-docker-logs"


def test_a_wheel_carries_them_and_finds_them_when_installed(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = "collector/boards/dashboards/"
    with zipfile.ZipFile(wheel) as opened:
        packed = {Path(name.removeprefix(inside)): opened.read(name) for name in opened.namelist() if inside in name}
        opened.extractall(tmp_path / "installed")
    assert packed == FILES
    listed = "from collector.boards.files import root; print(root())"
    run = [sys.executable, "-P", "-c", listed]
    environment = {"PYTHONPATH": str(tmp_path / "installed")}
    found = subprocess.run(run, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout
    assert Path(found.strip()) == tmp_path / "installed" / inside


def test_an_export_is_all_of_them_but_the_tests_though_others_were_there(tmp_path: Path) -> None:
    wanted = {path: content for path, content in FILES.items() if TESTS not in (SOURCE / path).parents}
    assert len(wanted) < len(FILES)
    for _ in range(2):
        written = list(export(tmp_path / "out"))
        assert {path.relative_to(tmp_path / "out"): path.read_bytes() for path in written} == wanted
        written[0].write_text("changed")


def test_an_export_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PilotfishError, match="cannot be written"):
        list(export(tmp_path / "file"))
