"""Laws of patterns of files: what they match beneath a root, and that nothing is looked at outside of it."""

import os
from pathlib import Path

import pytest

from collector.files import matching
from collector.files.matching import Pattern, pattern_of


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/var/log/app/*.log", Pattern("/var/log/app", ("*.log",))),
        ("/var/log/app.log", Pattern("/var/log", ("app.log",))),
        ("/var/log/*/app-?.log", Pattern("/var/log", ("*", "app-?.log"))),
        ("/var/[lm]og/x/y", Pattern("/var", ("[lm]og", "x", "y"))),
        ("/*.log", Pattern("/", ("*.log",))),
    ],
)
def test_a_pattern_has_a_folder_and_names(path: str, pattern: Pattern) -> None:
    assert pattern_of(path) == pattern


def found(root: Path, path: str, **more: object) -> list[str]:
    folder, names = pattern_of(path)
    return matching.matching(str(root), folder, names, **more).paths  # type: ignore[arg-type]


def test_files_are_matched_in_folders_and_below_them(tmp_path: Path) -> None:
    for name in ("a.log", "b.txt", "one/app.log", "two/app.log", "two/deep/app.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert found(tmp_path, "/*.log") == ["/a.log"]
    assert found(tmp_path, "/*/app.log") == ["/one/app.log", "/two/app.log"]
    assert found(tmp_path, "/two/app.log") == ["/two/app.log"]
    assert found(tmp_path, "/*/*") == ["/one/app.log", "/two/app.log"]
    assert found(tmp_path, "/*/*", is_hidden=lambda path: path == "/two") == ["/one/app.log"]


def test_a_log_and_its_rotated_files_are_one_and_an_archive_is_none(tmp_path: Path) -> None:
    for name in ("app.log", "app.log.1", "app.log.2.gz", "app-2026-11-29.log", "db-2026-11-29.log", "backup.log.gz"):
        (tmp_path / name).touch()
    assert found(tmp_path, "/*") == ["/app.log", "/db-2026-11-29.log"]


def test_a_log_is_there_as_long_as_any_of_its_files_is(tmp_path: Path) -> None:
    for name in ("app.log.1", "db.log-20261130.gz", "other.txt.1"):
        (tmp_path / name).touch()
    (tmp_path / "web.log.1").symlink_to("app.log.1")
    assert found(tmp_path, "/*.log") == ["/app.log", "/db.log"]
    assert found(tmp_path, "/app.log") == ["/app.log"]


def test_links_pipes_and_devices_are_counted_and_left(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.log").touch()
    root = tmp_path / "root"
    (root / "logs").mkdir(parents=True)
    (root / "logs" / "app.log").touch()
    (root / "logs" / "link.log").symlink_to(outside / "secret.log")
    (root / "logs" / "dead.log").symlink_to("nowhere")
    os.mkfifo(root / "logs" / "fifo.log")
    (root / "logs" / "folder.log").mkdir()
    (root / "logs" / "two\nlines.log").touch()
    Path(os.fsdecode(bytes(root / "logs") + b"/\xff.log")).touch()
    (root / "linked").symlink_to(outside)
    all_of_them = matching.matching(str(root), "/", ("*", "*.log"))
    assert all_of_them == matching.Matches(["/logs/app.log"], others=5)
    with pytest.raises(OSError, match="link"):
        matching.matching(str(root), "/linked", ("*.log",))


def test_how_much_of_a_tree_is_looked_at_is_bounded(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number}.log").touch()
    few = matching.matching(str(tmp_path), "/", ("*.log",), most=50)
    assert few.is_cut
    assert len(few.paths) == 49
