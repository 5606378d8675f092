"""Laws of files that are read again: a change is in use at the next call, and a bad one leaves the former in use."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collector.errors import ConfigurationError
from collector.net import remote
from collector.net.reread import Reread

SECRET = "s3cret-in-a-test"


def secret_in(path: Path) -> Reread[str]:
    return Reread(lambda: remote.secret(path, "password_file"), {"password_file": path})


def rewritten(path: Path, text: str) -> None:
    path.write_text(text)


def replaced(path: Path, text: str) -> None:
    other = path.with_name("other")
    other.write_text(text)
    other.rename(path)


def swung(path: Path, text: str) -> None:
    """As Kubernetes does it: the name is a link through a directory that is a link, and that one is replaced."""
    directory = path.parent / f"generation-{text}"
    directory.mkdir()
    (directory / "content").write_text(text)
    link = path.parent / "link"
    link.symlink_to(directory)
    link.rename(path.parent / "current")


@pytest.mark.parametrize("change", [rewritten, replaced, swung])
def test_a_change_is_in_use_at_the_next_call(tmp_path: Path, change: Callable[[Path, str], None]) -> None:
    path = tmp_path / "secret"
    if change is swung:
        swung(path, "one")
        path.symlink_to("current/content")
    else:
        path.write_text("one")
    secret = secret_in(path)
    assert secret() == "one"
    for text in ("two", "six", "a longer one", "two"):  # of equal length too, and within a tick of the kernel's clock
        if change is swung and text == "two" and (tmp_path / "generation-two").exists():
            break
        change(path, text)
        assert secret() == text


def test_a_file_that_stays_as_it_is_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("one")
    os.utime(path, (1, 1))
    reads: list[str] = []

    def make() -> str:
        reads.append(path.read_text())
        return reads[-1]

    secret = Reread(make, {"password_file": path})
    while not secret._is_sure:  # until a second change within the tick would show
        secret()
    count = len(reads)
    assert [secret() for _ in range(5)] == ["one"] * 5
    assert len(reads) == count


@pytest.mark.parametrize("content", ["", "\n", f"{SECRET}\n{SECRET}", "\udcff"])
def test_a_change_that_cannot_be_used_leaves_the_former_in_use_and_is_told_once(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_text("one")
    secret = secret_in(path)
    with capture_logs() as logs:
        path.write_bytes(content.encode(errors="surrogateescape"))
        assert [secret() for _ in range(3)] == ["one"] * 3
        path.write_text("two")
        assert [secret() for _ in range(3)] == ["two"] * 3
    assert [line["log_level"] for line in logs] == ["warning", "info"]
    assert logs[0]["error"].startswith(f"password_file: {path} ")
    assert SECRET not in str(logs)


def test_a_file_that_is_away_leaves_what_was_in_it_in_use_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("one")
    secret = secret_in(path)
    with capture_logs() as logs:
        path.unlink()
        assert [secret() for _ in range(3)] == ["one"] * 3
        path.mkdir()
        assert secret() == "one"
        path.rmdir()
        os.mkfifo(path)  # nobody waits for who writes into it
        assert secret() == "one"
        path.unlink()
        path.write_text("two")
        assert secret() == "two"
    assert [line["log_level"] for line in logs] == ["warning", "info"]


def test_a_pipe_is_read_once_and_not_missed_later(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\n")
    os.close(writing)
    secret = secret_in(Path(f"/dev/fd/{reading}"))
    os.close(reading)
    with capture_logs() as logs:
        assert [secret() for _ in range(3)] == ["one"] * 3
    assert logs == []


def test_a_file_that_cannot_be_used_at_first_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="password_file: cannot read"):
        secret_in(tmp_path / "missing")
