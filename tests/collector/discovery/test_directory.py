"""Laws of following a tree: each folder is a container, described by dockerd's own file if there is one."""

import asyncio
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.discovery.directory import DirectoryDiscovery
from collector.discovery.enrich import Enricher
from collector.discovery.roster import Roster
from tests.collector.waiting import until

ID = "0123456789abcdef" * 4


class Tree:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.roster = Roster()
        self.discovery = DirectoryDiscovery(root, self.roster, Enricher("moby", "all", "", lambda key: None))

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
    container = tree.roster.containers[ID]
    assert (container.name, container.state) == ("web-1", "running")
    assert [stream.target for stream in container.streams] == ["shop"]
    assert container.streams[0].path == str(tree.root / ID / f"{ID}-json.log")
    assert tree.roster.up


async def test_a_folder_without_a_description_is_followed_under_its_short_id(tree: Tree) -> None:
    (tree.root / ID).mkdir()
    await tree.discovery.scan()
    assert tree.roster.containers[ID].name == ID[:12]
    assert tree.roster.containers[ID].streams[0].running


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
    assert tree.roster.containers[ID].state == word


async def test_health_is_as_the_description_says(tree: Tree) -> None:
    health = {"Status": "unhealthy", "FailingStreak": 7}
    tree.describe(ID, {"State": {"Running": True, "Health": health}})
    tree.describe("other", {"State": {"Running": False, "Health": health}})
    await tree.discovery.scan()
    found = tree.roster.containers
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
    assert len(tree.roster.containers[ID].streams) == 1


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
async def test_a_description_that_is_no_file_is_not_waited_for(tree: Tree, make: Callable[[Path], None]) -> None:
    (tree.root / ID).mkdir()
    make(tree.root / ID / "config.v2.json")
    await tree.discovery.scan()
    assert tree.roster.containers[ID].name == ID[:12]


async def test_changes_are_taken_over_and_folders_that_are_gone_leave(tree: Tree) -> None:
    path = tree.describe(ID, {"Name": "/before"})
    await tree.discovery.scan()
    version = tree.roster.version
    await tree.discovery.scan()
    assert tree.roster.version == version
    tree.describe(ID, {"Name": "/after"})
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    await tree.discovery.scan()
    assert tree.roster.containers[ID].name == "after"
    tree.describe("other", {"Name": "/other"})
    path.unlink()
    path.parent.rmdir()
    await tree.discovery.scan()
    assert list(tree.roster.containers) == ["other"]


async def test_links_files_and_odd_names_are_no_containers(
    tree: Tree, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tree.root / "link").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    (tree.root / "file").touch()
    (tree.root / ".hidden").mkdir()
    (tree.root / "with space").mkdir()
    await tree.discovery.scan()
    assert tree.roster.containers == {}


async def test_a_tree_that_is_away_is_told_and_taken_up_when_it_is_back(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "logs")
    task = asyncio.create_task(tree.discovery.run())
    await until(lambda: "cannot be read" in tree.roster.error)
    tree.root.mkdir()
    tree.describe(ID, {"Name": "/web"})
    await until(lambda: tree.roster.up)
    assert tree.roster.containers[ID].name == "web"
    task.cancel()


async def test_a_tree_that_is_suddenly_empty_is_told_and_nobody_leaves(tree: Tree) -> None:
    path = tree.describe(ID, {"Name": "/web-1"})
    await tree.discovery.scan()
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(OSError, match="mounted"):
        await tree.discovery.scan()
    assert list(tree.roster.containers) == [ID]


async def test_another_log_driver_is_told(tree: Tree) -> None:
    folder = tree.describe(ID, {"Name": "/web-1"}).parent
    (folder / "hostconfig.json").write_text(json.dumps({"LogConfig": {"Type": "local"}}))
    await tree.discovery.scan()
    container = tree.roster.containers[ID]
    assert container.streams == ()
    assert "'local'" in container.problem


async def test_many_folders_are_taken_over_in_steps_between_which_others_have_their_turn(tree: Tree) -> None:
    for number in range(1000):
        (tree.root / f"{number}").mkdir()
    sizes: set[int] = set()
    async with asyncio.TaskGroup() as tasks:
        scan = tasks.create_task(tree.discovery.scan())
        while not scan.done():
            sizes.add(len(tree.roster.containers))
            await asyncio.sleep(0)
    assert len(tree.roster.containers) == 1000
    assert len(sizes) > 3
    steps = sorted(sizes | {1000})
    assert max(after - before for before, after in itertools.pairwise(steps)) <= 200
