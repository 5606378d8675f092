"""Laws of following a tree: each folder is a container, described by dockerd's own file if there is one."""

import asyncio
import errno
import itertools
import json
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from asyncinotify import Inotify

from collector.clock import Notice
from collector.container_settings.options import Rule
from collector.container_settings.policy import Policy
from collector.container_settings.rule_book import RuleBook
from collector.discovery.directory import DirectoryDiscovery
from collector.discovery.enrich import Enricher
from collector.discovery.registry import Registry
from collector.discovery.share import EVERYTHING, Share
from collector.discovery.volume_files import VolumeFiles
from collector.redaction.redaction import NO_REDACTION
from tests.collector.waiting import until

ID = "0123456789abcdef" * 4


class Tree:
    def __init__(self, root: Path, share: Share = EVERYTHING, *, scan_seconds: float = 2.0) -> None:
        self.root = root
        self.registry = Registry(share)
        self.listing = self.registry.join("tree", has_events=False)
        self.rules = RuleBook()
        files = VolumeFiles(self.listing, "", "inputs.directory.host_root", is_contained=False)
        enricher = Enricher("moby", "all", "", lambda key: None, share=share, rules=self.rules, files=files.take)
        self.discovery = DirectoryDiscovery(root, self.listing, enricher, scan_seconds=scan_seconds)

    def describe(self, name: str, found: object) -> Path:
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        path = folder / "config.v2.json"
        path.write_text(found if isinstance(found, str) else json.dumps(found))
        return path


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


async def test_a_described_container_is_followed_by_its_name_and_labels(tree: Tree) -> None:
    labels = {"aliyun.logs.shop": "stdout"}
    tree.describe(ID, {"Name": "/web-1", "Config": {"Labels": labels, "Env": ["A=b"]}, "State": {"Running": True}})
    await tree.discovery.scan()
    container = tree.listing.containers[ID]
    assert (container.name, container.state) == ("web-1", "running")
    assert [stream.target for stream in container.streams] == ["shop"]
    assert container.streams[0].path == str(tree.root / ID / f"{ID}-json.log")
    assert tree.listing.up


async def test_rules_that_change_hold_for_the_containers_that_are_there(tmp_path: Path) -> None:
    tree = Tree(tmp_path, scan_seconds=0.02)
    tree.describe(ID, {"Name": "/web-1"})
    (tmp_path / ID[::-1]).mkdir()  # without a description
    following = asyncio.ensure_future(tree.discovery.run())
    await until(lambda: len(tree.listing.containers) == 2)
    tree.rules.replace(Policy(rules=[Rule(tags={"rules": "new"})]), NO_REDACTION)
    found = tree.listing.containers
    await until(lambda: all(stream.fields.get("rules") for one in found.values() for stream in one.streams))
    following.cancel()


async def test_a_folder_without_a_description_is_followed_under_its_short_id(tree: Tree) -> None:
    (tree.root / ID).mkdir()
    await tree.discovery.scan()
    assert tree.listing.containers[ID].name == ID[:12]
    assert tree.listing.containers[ID].streams[0].running


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ({"Running": True}, "running"),
        ({"Running": True, "Paused": True}, "paused"),
        ({"Running": True, "Restarting": True}, "restarting"),
        ({"Running": False}, "exited"),
        ({"Running": False, "StartedAt": "0001-01-01T00:00:00Z"}, "created"),
        ({"Running": False, "Dead": True}, "dead"),
        ({}, "running"),
    ],
)
async def test_the_state_is_told_in_the_daemons_words(tree: Tree, state: dict[str, Any], word: str) -> None:
    tree.describe(ID, {"State": state})
    await tree.discovery.scan()
    assert tree.listing.containers[ID].state == word


async def test_health_is_as_the_description_says(tree: Tree) -> None:
    health = {"Status": "unhealthy", "FailingStreak": 7}
    tree.describe(ID, {"State": {"Running": True, "Health": health}})
    tree.describe("other", {"State": {"Running": False, "Health": health}})
    await tree.discovery.scan()
    found = tree.listing.containers
    assert [(found[one].health, found[one].failing_streak) for one in (ID, "other")] == [("unhealthy", 7), ("", 0)]


@pytest.mark.parametrize(
    "found",
    [
        "",
        "{",
        "[]",
        "17",
        '{"Name":17,"Config":[],"State":"x"}',
        '{"Config":{"Labels":[],"Env":[1,null]}}',
        '{"Config":{"Env":17}}',
        '{"State":{"Running":true,"Health":[],"FinishedAt":7,"StartedAt":null}}',
        '{"Name":null}',
    ],
)
async def test_a_description_that_makes_no_sense_hides_no_log(tree: Tree, found: str) -> None:
    tree.describe(ID, found)
    await tree.discovery.scan()
    assert len(tree.listing.containers[ID].streams) == 1


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
async def test_a_description_that_is_no_file_is_not_waited_for(tree: Tree, make: Callable[[Path], None]) -> None:
    (tree.root / ID).mkdir()
    make(tree.root / ID / "config.v2.json")
    await tree.discovery.scan()
    assert tree.listing.containers[ID].name == ID[:12]


async def test_a_description_that_is_a_link_is_told_as_one(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    (tree.root / ID).mkdir()
    (tree.root / ID / "config.v2.json").symlink_to(tree.root / "elsewhere.json")
    await tree.discovery.scan()
    told = capsys.readouterr().out
    assert "it is a symbolic link, and links are not followed" in told
    assert "levels" not in told


async def test_changes_are_taken_over_and_folders_that_are_gone_leave(tree: Tree) -> None:
    path = tree.describe(ID, {"Name": "/before"})
    await tree.discovery.scan()
    version = tree.registry.version
    await tree.discovery.scan()
    assert tree.registry.version == version
    tree.describe(ID, {"Name": "/after"})
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    await tree.discovery.scan()
    assert tree.listing.containers[ID].name == "after"
    tree.describe("other", {"Name": "/other"})
    path.unlink()
    path.parent.rmdir()
    await tree.discovery.scan()
    assert list(tree.listing.containers) == ["other"]


async def test_links_files_and_odd_names_are_no_containers(
    tree: Tree, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tree.root / "link").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    (tree.root / "file").touch()
    (tree.root / ".hidden").mkdir()
    (tree.root / "with space").mkdir()
    await tree.discovery.scan()
    assert tree.listing.containers == {}
    assert tree.listing.links == {"link"}


async def test_what_is_not_followed_is_told_in_the_log_once(tree: Tree) -> None:
    (tree.root / "moved").symlink_to("/tmp")
    for name, labels in (("files", {"aliyun.logs.web": "/var/log/web.log"}), ("nameless", {"aliyun.logs.": "stdout"})):
        tree.describe(name, {"Name": f"/{name}", "Config": {"Labels": labels}})
    folder = tree.describe("local", {"Name": "/local"}).parent
    (folder / "hostconfig.json").write_text(json.dumps({"LogConfig": {"Type": "local"}}))
    with structlog.testing.capture_logs() as told:
        await tree.discovery.scan()
        tree.describe("local", {"Name": "/local", "State": {"Running": False}})
        os.utime(folder / "config.v2.json", ns=(0, 1))
        await tree.discovery.scan()
    told = [one for one in told if one["log_level"] != "debug"]
    reasons = {one["container"]: one["reason"] for one in told if "container" in one}
    assert reasons == {
        "files": "label aliyun.logs.web: files in volumes are not followed here: "
        "the operator has to set inputs.directory.host_root",
        "nameless": "label aliyun.logs.: it names no stream",
        "local": "its log driver is 'local': only json-file logs can be followed",
    }
    assert [one["folder"] for one in told if "symbolic link" in one["event"]] == ["moved"]
    assert len(told) == 4


async def test_of_several_workers_the_one_that_has_a_container_tells_of_it(tree: Tree) -> None:
    for number in range(8):
        labels = {"aliyun.logs.web": "/var/log/web.log", "aliyun.logs.x": "stdout"}
        name = f"/{number}{'x' * 600}"
        tree.describe(f"{number}", {"Name": name, "Config": {"Labels": labels}})
        tree.describe(f"odd-{number}", "[[[")
        (tree.root / f"link-{number}").symlink_to("/tmp")
    with structlog.testing.capture_logs() as told:
        for number in range(3):
            await Tree(tree.root, Share(number, 3)).discovery.scan()
    assert sorted(Counter(one["event"] for one in told).values()) == [8] * 5


# ------------------------------------------------------------------ what comes and goes


async def test_a_container_that_lives_for_a_moment_is_seen(tree: Tree) -> None:
    """Between two looks at the tree, and it waits for its description, which is written behind the folder."""
    names: set[str] = set()
    async with watching(tree):
        for number in range(20):
            (tree.root / f"{number}").mkdir()
            await asyncio.sleep(0)
            path = tree.describe(f"{number}", {"Name": f"/short-{number}"})
            await until(lambda number=number: f"{number}" in tree.listing.containers)  # type: ignore[misc]
            names.add(tree.listing.containers[f"{number}"].name)
            path.unlink()
            path.parent.rmdir()
            await until(lambda: not tree.listing.containers)
    assert names == {f"short-{number}" for number in range(20)}
    assert tree.listing.missed == 0


async def test_a_new_folder_with_a_log_and_no_description_is_followed_at_once(tree: Tree) -> None:
    async with watching(tree):
        (tree.root / ID).mkdir()
        (tree.root / ID / f"{ID}-json.log").touch()
        await until(lambda: ID in tree.listing.containers)


async def test_a_container_that_was_gone_before_anybody_looked_is_counted(tree: Tree) -> None:
    async with watching(tree):
        for number in range(50):
            (tree.root / f"{number}").mkdir()
            (tree.root / f"{number}").rmdir()
        await until(lambda: tree.listing.missed == 50)
        await tree.discovery.scan()
    assert tree.listing.missed == 50
    assert tree.listing.containers == {}


async def test_all_that_were_missed_are_told_though_no_other_is(tree: Tree) -> None:
    tree.discovery._notice = Notice(1.0)
    with structlog.testing.capture_logs() as told:
        async with watching(tree):
            for number in range(50):
                (tree.root / f"{number}").mkdir()
                (tree.root / f"{number}").rmdir()
            await until(lambda: tree.listing.missed == 50)
            await until(
                lambda: sum(one["count"] for one in told if "removed before they were inspected" in one["event"]) == 50
            )
    assert len([one for one in told if "removed before they were inspected" in one["event"]]) < 5


async def test_a_tree_that_is_made_anew_is_watched_anew(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "logs", scan_seconds=0.5)
    tree.root.mkdir()
    async with watching(tree):
        tree.root.rename(tree.root.with_name("before"))
        tree.root.mkdir()
        await until(lambda: not tree.discovery._tree.look({}).changed)
        tree.describe("kept", {"Name": "/kept"})
        await until(lambda: "kept" in tree.listing.containers)


@pytest.mark.parametrize("method", ["__init__", "add_watch"])
async def test_a_tree_that_cannot_be_watched_is_told_once_and_looked_at(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds are the user's, and those of the machine that runs the tests are left alone."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Inotify, method, refuse)
    tree = Tree(tmp_path, scan_seconds=0.05)
    with structlog.testing.capture_logs() as told:
        async with watching(tree):
            for name in ("late", "later", "last"):  # a look each, at least
                tree.describe(name, {"Name": f"/{name}"})
                await until(lambda name=name: name in tree.listing.containers)  # type: ignore[misc]
    (warning,) = (one for one in told if "watching the log tree failed" in one["event"])
    assert warning["remedy"].startswith("raise fs.inotify.max_user_")


@asynccontextmanager
async def watching(tree: Tree) -> AsyncIterator[None]:
    tree.describe("here", {"Name": "/here"})
    task = asyncio.create_task(tree.discovery.run())
    await until(lambda: tree.listing.up)
    tree.listing.drop("here")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_tree_that_is_away_is_told_and_taken_up_when_it_is_back(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "logs", scan_seconds=0.05)
    task = asyncio.create_task(tree.discovery.run())
    await until(lambda: "cannot be read" in tree.listing.error)
    tree.root.mkdir()
    tree.describe(ID, {"Name": "/web"})
    await until(lambda: tree.listing.up)
    assert tree.listing.containers[ID].name == "web"
    task.cancel()


async def test_a_tree_that_is_suddenly_empty_is_told_and_nobody_leaves(tree: Tree) -> None:
    path = tree.describe(ID, {"Name": "/web-1"})
    await tree.discovery.scan()
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(OSError, match="mounted"):
        await tree.discovery.scan()
    assert list(tree.listing.containers) == [ID]


async def test_folders_that_are_all_gone_indeed_leave_after_a_while(tree: Tree) -> None:
    for number in range(3):
        (tree.root / f"{number}").mkdir()
    task = asyncio.create_task(tree.discovery.run())
    await until(lambda: len(tree.listing.containers) == 3)
    for number in range(3):
        (tree.root / f"{number}").rmdir()
    await until(lambda: tree.listing.containers == {} and tree.listing.up)
    tree.describe(ID, {"Name": "/web"})
    await until(lambda: ID in tree.listing.containers)
    task.cancel()


async def test_folders_that_something_hides_are_never_gone(tmp_path: Path) -> None:
    """As a mount that goes while the agent runs: the folders are where they were, and not at the path."""
    tree = Tree(tmp_path / "logs")
    (tree.root / ID).mkdir(parents=True)
    await tree.discovery.scan()
    tree.root.rename(tmp_path / "elsewhere")
    tree.root.mkdir()
    tree.discovery._tree._empty_since = -1000.0
    with pytest.raises(OSError, match="mounted"):
        await tree.discovery.scan()
    assert list(tree.listing.containers) == [ID]
    shutil.rmtree(tmp_path / "elsewhere")
    await tree.discovery.scan()
    assert tree.listing.containers == {}


async def test_another_log_driver_is_told(tree: Tree) -> None:
    folder = tree.describe(ID, {"Name": "/web-1"}).parent
    (folder / "hostconfig.json").write_text(json.dumps({"LogConfig": {"Type": "local"}}))
    await tree.discovery.scan()
    container = tree.listing.containers[ID]
    assert container.streams == ()
    assert "'local'" in container.problem


async def test_many_folders_are_taken_over_in_steps_between_which_others_have_their_turn(tree: Tree) -> None:
    for number in range(1000):
        (tree.root / f"{number}").mkdir()
    sizes: set[int] = set()
    async with asyncio.TaskGroup() as tasks:
        scan = tasks.create_task(tree.discovery.scan())
        while not scan.done():
            sizes.add(len(tree.listing.containers))
            await asyncio.sleep(0)
    assert len(tree.listing.containers) == 1000
    assert len(sizes) > 3
    steps = sorted(sizes | {1000})
    assert max(after - before for before, after in itertools.pairwise(steps)) <= 200
