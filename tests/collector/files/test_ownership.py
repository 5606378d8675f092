"""Laws of what nobody else may have made: one rule for root, a service's user, group 0 and a volume's own group."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from collector.dead_letters import DeadLetters
from collector.delivery.spool.files import Spool
from collector.errors import StateError
from collector.files.ownership import make_directory, open_own
from collector.model import Rejected
from collector.state.checkpoint import Checkpoints
from collector.state.directory import check, locked
from collector.web.access import token
from tests.contract.segments import plain_segment

OTHER, IMAGE, NOBODY_S_GROUP = 61234, 10001, 54321
DIRECTORIES = ("positions", "spool", "dead_letters", "outputs", "workers")
as_root = pytest.mark.root
LOCK = """
import os, sys
from pathlib import Path
from collector.errors import StateError
from collector.state.directory import locked
from collector.web.access import token
user, group, *more = map(int, sys.argv[2:])
os.setgroups(more)
os.setgid(group)
os.setuid(user)
try:
    with locked(Path(sys.argv[1])) as state:
        token(state)
except StateError as error:
    print(error)
"""


def complaint(directory: Path, user: int, *groups: int) -> str:
    """What an agent of this user and these groups says of a state directory; "" if it takes it."""
    done = subprocess.run(
        [sys.executable, "-c", LOCK, str(directory), str(user), *map(str, groups)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory, on a way that everybody may go."""
    with TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        path = Path(above) / "state"
        path.mkdir(mode=0o700)
        yield path


@as_root
@pytest.mark.parametrize(
    ("owner", "group", "mode", "user", "groups"),
    [
        (0, 0, 0o700, 0, [0]),
        (0, 0, 0o755, 0, [0]),
        (0, 0, 0o770, 0, [0]),
        (0, 0, 0o770, IMAGE, [0]),
        (0, 0, 0o2770, IMAGE, [0]),
        (IMAGE, 0, 0o770, IMAGE, [0]),
        (OTHER, OTHER, 0o700, OTHER, [OTHER]),
        (OTHER, OTHER, 0o775, OTHER, [OTHER]),
        (0, NOBODY_S_GROUP, 0o2775, OTHER, [OTHER, NOBODY_S_GROUP]),
    ],
    ids=["root", "readable", "image", "image --user 10001:0", "setgid", "owned", "systemd", "own group", "fsGroup"],
)
def test_each_way_to_run_the_agent_has_its_directory(
    state: Path, owner: int, group: int, mode: int, user: int, groups: list[int]
) -> None:
    os.chown(state, owner, group)
    state.chmod(mode)
    assert [complaint(state, user, *groups) for _ in range(2)] == ["", ""]


@as_root
@pytest.mark.parametrize(
    ("owner", "group", "mode", "user", "groups", "words"),
    [
        (OTHER, OTHER, 0o700, 0, [0], "belongs to the user 61234, but this process runs as root"),
        (OTHER, 0, 0o777, IMAGE, [0], "belongs to the user 61234"),
        (0, 0, 0o777, 0, [0], "is writable by everybody (mode 0777)"),
        (0, 0, 0o1777, 0, [0], "is writable by everybody (mode 1777)"),
        (0, 0, 0o702, 0, [0], "is writable by everybody"),
        (0, NOBODY_S_GROUP, 0o770, 0, [0], "is writable by the group 54321 (mode 0770)"),
        (OTHER, 100, 0o770, OTHER, [OTHER], "is writable by the group users"),
    ],
    ids=["another's", "another's for all", "everybody", "like /tmp", "odd", "another group", "users"],
)
def test_a_directory_of_others_is_refused_with_cause_and_remedy(
    state: Path, owner: int, group: int, mode: int, user: int, groups: list[int], words: str
) -> None:
    os.chown(state, owner, group)
    state.chmod(mode)
    told = complaint(state, user, *groups)
    assert told.startswith(f"the state directory {state} ")
    assert words in told
    assert "chown -R" in told or "chmod go-w" in told
    assert not (state / "lock").exists()
    assert not (state / "http_token").exists()


@as_root
def test_a_planted_token_opens_nothing(state: Path) -> None:
    planted = state / "http_token"
    planted.write_text("x" * 43)
    os.chown(planted, OTHER, OTHER)
    with pytest.raises(StateError, match="belongs to the user 61234"):
        token(state)
    with pytest.raises(StateError, match=r"http_token in the state directory belongs to the user 61234.*: remove it"):
        check(state)
    assert not (state / "lock").exists()


@as_root
@pytest.mark.parametrize("name", ["positions", "spool/e", "dead_letters/e", "outputs/local", "workers"])
def test_what_others_put_below_is_refused(state: Path, name: str) -> None:
    make_directory(state / name)
    (state / name / "file").touch()
    check(state)
    os.chown(state / name / "file", OTHER, OTHER)
    with pytest.raises(StateError, match="belongs to"):
        check(state)
    os.chown(state / name / "file", 0, 0)
    (state / name).chmod(0o777)
    with pytest.raises(StateError, match="is writable by everybody"):
        check(state)


@as_root
def test_an_access_list_for_others_is_seen(state: Path) -> None:
    # struct posix_acl_xattr: version 2, then (tag, permissions, id): owner, user 61234, group, mask, others
    entries = [(1, 7, -1), (2, 7, OTHER), (4, 7, -1), (16, 7, -1), (32, 0, -1)]
    packed = b"".join(tag.to_bytes(2, "little") + may.to_bytes(2, "little") + who.to_bytes(4, "little", signed=True)
                      for tag, may, who in entries)  # fmt: skip
    try:
        os.setxattr(state, "system.posix_acl_access", (2).to_bytes(4, "little") + packed)
    except OSError:
        pytest.skip("this file system has no access lists")
    with pytest.raises(StateError, match="is writable"):
        check(state)


@pytest.mark.parametrize("name", ["lock", "http_token", "http_address", "docker_host", *DIRECTORIES])
@pytest.mark.parametrize("there", [True, False], ids=["to something", "to nothing"])
def test_no_link_is_followed(state: Path, tmp_path: Path, name: str, there: bool) -> None:
    target = tmp_path / "elsewhere"
    if there and name in DIRECTORIES:
        target.mkdir()
    elif there:
        target.write_text("x" * 43)
    (state / name).symlink_to(target)
    with (
        pytest.raises(StateError, match=f"{name} in the state directory is a link, which is not followed"),
        locked(state),
    ):
        pass
    assert target.exists() == there
    assert not there or target.is_dir() or target.read_text() == "x" * 43


@pytest.mark.parametrize("name", DIRECTORIES)
def test_a_file_in_place_of_a_directory_is_told(state: Path, name: str) -> None:
    (state / name).touch()
    with pytest.raises(StateError, match=f"{name} is a file, but must be a directory: move it away"), locked(state):
        pass


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(state: Path) -> None:
    os.mkfifo(state / "http_token")
    with pytest.raises(StateError, match="neither a file nor a directory"), locked(state):
        pass
    with pytest.raises(StateError, match="neither a file nor a directory"):
        token(state)


def test_the_directory_itself_may_be_reached_through_a_link_as_systemd_makes_one(state: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(state)
    with locked(tmp_path / "link"):
        token(tmp_path / "link")


@pytest.mark.parametrize("end", ["", ".old"])
def test_positions_are_read_through_no_link(tmp_path: Path, end: str) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / f"e.positions{end}").symlink_to(tmp_path / "victim")
    with pytest.raises(StateError, match="is a link"):
        Checkpoints(tmp_path, "e")


def test_positions_are_written_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    found = Checkpoints(tmp_path, "e")
    (tmp_path / "e.positions.new").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="is a link"):
        found.replace([])
    assert (tmp_path / "victim").read_text() == "precious"


def test_spool_and_dead_letters_go_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    one = plain_segment(1)
    letters = DeadLetters(tmp_path / "letters")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "00000001.ndjson").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="is a link"):
        letters.append([Rejected(one, 0, "type", "reason")])
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "00000001.spool").symlink_to(tmp_path / "victim")
    with pytest.raises(StateError, match="is a link"):
        Spool(tmp_path / "spool", 1 << 20)
    assert (tmp_path / "victim").read_text() == "precious"


def test_directories_are_made_for_their_owner_alone_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_directory(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b", "a/b/c")} == {0o700}


def test_a_new_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    os.close(open_own(tmp_path / "x", os.O_WRONLY | os.O_CREAT))
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600
