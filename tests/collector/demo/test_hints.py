"""The suggested commands reach the demo, whatever else runs or is configured."""

from pathlib import Path

from collector.demo.hints import hints, is_hidden
from collector.state.places import ADDRESS_FILE, Address, demo_state_dir

ADDRESS = Address("127.0.0.1", 9880)


def _searches(environ: dict[str, str]) -> list[str]:
    found = [hint.command for hint in hints(demo_state_dir(environ), ADDRESS, environ)]
    return [command for command in found if " search " in command or " tail " in command]


def test_the_demo_is_found_without_being_named(tmp_path: Path) -> None:
    assert not any("--state-dir" in command for command in _searches({"XDG_STATE_HOME": str(tmp_path)}))


def test_it_is_named_where_another_agent_is_configured(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": f"{tmp_path}/with space", "PILOTFISH_STATE_DIR": "/elsewhere"}
    assert all(f" --state-dir '{tmp_path}/with space/pilotfish-demo'" in one for one in _searches(environ))


def test_it_is_hidden_where_another_agent_runs(tmp_path: Path) -> None:
    assert not is_hidden({}, [tmp_path])
    (tmp_path / ADDRESS_FILE).write_text("127.0.0.1:9880")
    assert is_hidden({}, [tmp_path])


def test_the_address_is_one_to_connect_to() -> None:
    found = hints(Path("/x"), Address("", 1234), {"HOME": "/x"})
    assert any("http://127.0.0.1:1234/metrics" in hint.command for hint in found)
