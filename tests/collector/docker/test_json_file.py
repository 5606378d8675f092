"""Laws of json-file logs: who has one, where it is, and how large it is."""

from pathlib import Path

import pytest

from collector.docker.json_file import driver, log_path, sizes


@pytest.mark.parametrize(
    ("log_config", "found"),
    [({}, "json-file"), ({"Type": ""}, "json-file"), ({"Type": None}, "json-file"), ({"Type": "local"}, "local")],
)
def test_the_default_driver_is_json_file(log_config: dict[str, object], found: str) -> None:
    assert driver(log_config) == found


def test_a_log_has_the_name_of_its_container() -> None:
    assert log_path("/logs", "c0ffee") == log_path(Path("/logs"), "c0ffee") == "/logs/c0ffee/c0ffee-json.log"


def test_the_size_of_a_log_is_that_of_all_its_files_and_of_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "web"
    (folder / "local-logs").mkdir(parents=True)
    for name, size in (
        ("web-json.log", 3),
        ("web-json.log.1.gz", 5),
        ("config.v2.json", 7),
        ("local-logs/container.log", 11),
    ):
        (folder / name).write_bytes(b"x" * size)
    (folder / "web-json.log.2").symlink_to("/etc/passwd")
    (folder / "web-json.log.3").mkdir()
    assert sizes(tmp_path, ["web", "nobody"]) == {"web": 19}


def test_logs_of_which_none_can_be_seen_are_a_failure(tmp_path: Path) -> None:
    assert sizes(tmp_path, []) == {}
    with pytest.raises(FileNotFoundError):
        sizes(tmp_path / "not mounted", ["web"])
