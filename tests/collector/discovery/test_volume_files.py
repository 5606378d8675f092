"""Laws of files in volumes: what is found, what is refused with its reason, and who has a file that two name."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from collector.discovery import volume_files
from collector.discovery.enrich import Enricher
from collector.discovery.inspected import described
from collector.discovery.registry import Container, Listing, Registry
from collector.discovery.share import Share
from collector.discovery.volume_files import MOST_FILES, VolumeFiles
from collector.model import StreamKey
from tests.collector.waiting import until

VOLUME = "/var/lib/docker/volumes/logs/_data"


class Host:
    """A host's file system below a folder, and what makes containers of the daemon's answers."""

    def __init__(self, root: Path, *, is_contained: bool = False) -> None:
        self.root = root
        self.registry = Registry()
        self.listing: Listing = self.registry.join("docker")
        self.files = VolumeFiles(self.listing, str(root), "inputs.docker.host_root", is_contained=is_contained)
        self.enricher = Enricher("moby", "all", "", lambda key: None, files=self.files.take)

    def write(self, path: str, text: str = "x\n") -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def container(
        self, labels: Mapping[str, str], mounts: Mapping[str, str], number: int = 1, **more: Any
    ) -> Container:
        """The container as it is listed first."""
        answer = {
            "Id": f"{number:064}",
            "Name": f"/web-{number}",
            "Created": f"2026-11-{number:02}T00:00:00Z",
            "State": {"Status": "running"},
            "Config": {"Labels": labels},
            "Mounts": [{"Type": "bind", "Source": source, "Destination": path} for path, source in mounts.items()],
            **more,
        }
        made = self.enricher.container(described(answer, Path("/logs"), is_new=False))
        self.listing.put(made)
        return made

    def found(self, labels: Mapping[str, str], mounts: Mapping[str, str], **more: Any) -> Container:
        return self.files.looked_at(self.container(labels, mounts, **more))

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.files.run())
            yield
            task.cancel()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def places(container: Container) -> dict[str, str]:
    """The host's path of each stream, and the path in the container that its documents tell."""
    return {one.container_id: one.fields["file"] for one in container.streams}


def test_files_are_found_in_the_nearest_mount_and_tell_their_path_in_the_container(host: Host) -> None:
    for path in (f"{VOLUME}/app.log", f"{VOLUME}/app.log.1", f"{VOLUME}/app/hidden.log", "/srv/a.log", "/srv/b/c.log"):
        host.write(path)
    mounts = {"/var/log": VOLUME, "/var/log/app": "/srv"}
    for pattern, expected in {
        "/var/log/*.log": {f"{VOLUME}/app.log": "/var/log/app.log"},
        "/var/log/app/a.log": {"/srv/a.log": "/var/log/app/a.log"},
        "/var/log/app/*/*.log": {"/srv/b/c.log": "/var/log/app/b/c.log"},
        "/var/log/*/*.log": {},  # the folder that the container sees there is another one
        "/var/log/none.log": {},
    }.items():
        container = host.found({"aliyun.logs.x": pattern}, mounts)
        assert (places(container), container.problem) == (expected, "")


def test_a_stream_is_of_the_file_and_the_target_whoever_names_it(host: Host) -> None:
    host.write("/srv/app.log")
    labels = {"aliyun.logs.x": "/logs/*.log", "aliyun.logs.x.target": "shop", "aliyun.logs.x.format": "json"}
    (stream,) = host.found(labels, {"/logs": "/srv"}).streams
    assert stream.key == StreamKey("/srv/app.log", "shop")
    assert (stream.path, stream.root) == (f"{host.root}/srv/app.log", str(host.root))
    assert (stream.reading.format, stream.running, stream.has_run) == ("json", True, False)
    assert stream.fields["docker_container"] == "web-1"


async def test_of_two_containers_that_name_one_file_the_older_one_has_it_and_it_is_read_once(host: Host) -> None:
    host.write("/srv/app.log")
    for number in (3, 2, 4):
        labels = {f"aliyun.logs.name{number}": "/logs/app.log", f"aliyun.logs.name{number}.target": "shop"}
        host.container(labels, {"/logs": "/srv"}, number)
    host.container({"aliyun.logs.other": "/else/app.log"}, {"/else": "/srv"}, 5)

    def owners() -> dict[StreamKey, str]:
        return {key: stream.container for key, stream in host.registry.streams.items()}

    shop, other = StreamKey("/srv/app.log", "shop"), StreamKey("/srv/app.log", "other")
    async with host.looking():
        await until(lambda: owners() == {shop: "web-2", other: "web-5"})
        for number, heir in ((2, "web-3"), (3, "web-4")):
            host.listing.drop(f"{number:064}")
            assert owners() == {shop: heir, other: "web-5"}
        host.listing.drop(f"{4:064}")
        assert owners() == {other: "web-5"}


async def test_of_several_workers_one_has_a_file_whoever_names_it(tmp_path: Path) -> None:
    hosts = [Host(tmp_path) for _ in range(3)]
    for number, host in enumerate(hosts):
        host.registry.share = Share(number, 3)
        for name in range(9):
            host.write(f"/srv/{name}.log")
        for owner in range(1, 5):
            host.container({"aliyun.logs.x": "/logs/*.log"}, {"/logs": "/srv"}, owner)
        async with host.looking():
            await until(lambda host=host: len(host.listing.containers[f"{4:064}"].streams) == 9)  # type: ignore[misc]
    found = [key.container_id for host in hosts for key in host.registry.streams]
    assert sorted(found) == [f"/srv/{name}.log" for name in range(9)]
    assert all(host.registry.streams for host in hosts)


async def test_a_new_file_is_found_within_two_seconds_and_one_that_is_gone_is_left(host: Host) -> None:
    host.write("/srv/a.log")
    host.container({"aliyun.logs.x": "/logs/*.log"}, {"/logs": "/srv"})

    def found() -> set[str]:
        return {key.container_id for key in host.registry.streams}

    async with host.looking():
        await until(lambda: found() == {"/srv/a.log"}, seconds=2.0)
        file = host.write("/srv/b.log")
        await until(lambda: found() == {"/srv/a.log", "/srv/b.log"}, seconds=2.0)
        file.unlink()
        await until(lambda: found() == {"/srv/a.log"}, seconds=2.0)
        host.container({}, {})
        assert found() == {f"{1:064}"}


REFUSED: dict[str, tuple[str, str]] = {
    "/var/app/x.log": ("its own layer", "container's own layer"),
    "/memory/x.log": ("a tmpfs", "tmpfs"),
    "/tmpfs/x.log": ("a tmpfs of the host's configuration", "tmpfs"),
    "/nowhere/x.log": ("a volume at an unknown place", "volume of the driver `local`"),
    "/logs/file.log": ("a mount of one file", "names a mount"),
    "/gone/x.log": ("a folder that the agent does not see", "set inputs.docker.host_root"),
    "/linked/x.log": ("a link on the host", "links are not followed"),
    "/logs/inner/x.log": ("a link in the mount", "links are not followed"),
}


@pytest.mark.parametrize("path", REFUSED, ids=[what for what, _ in REFUSED.values()])
def test_what_cannot_be_followed_is_refused_with_the_reason_and_disables_no_other(host: Host, path: str) -> None:
    host.write("/srv/good.log")
    host.write("/outside/x.log", "secret\n")
    (host.root / "srv" / "inner").symlink_to("../outside")
    (host.root / "link").symlink_to("outside")
    more = {
        "Mounts": [
            {"Type": "bind", "Source": "/srv", "Destination": "/logs"},
            {"Type": "bind", "Source": "/srv/good.log", "Destination": "/logs/file.log"},
            {"Type": "bind", "Source": "/link", "Destination": "/linked"},
            {"Type": "bind", "Source": "/gone", "Destination": "/gone"},
            {"Type": "tmpfs", "Source": "", "Destination": "/memory"},
            {"Type": "volume", "Name": "nfs", "Source": "", "Destination": "/nowhere"},
        ],
        "HostConfig": {"Tmpfs": {"/tmpfs": ""}},
    }
    labels = {"aliyun.logs.bad": path, "aliyun.logs.good": "/logs/good.log"}
    container = host.found(labels, {}, **more)
    assert places(container) == {"/srv/good.log": "/logs/good.log"}
    (fault,) = container.settings.faults
    assert fault.origin.name == "aliyun.logs.bad"
    assert REFUSED[path][1] in fault.reason
    assert path not in fault.reason
    assert REFUSED[path][1] in container.problem


def test_what_is_no_file_is_told_and_the_others_are_followed(host: Host) -> None:
    host.write("/srv/good.log")
    (host.root / "srv" / "link.log").symlink_to("/etc/passwd")
    os.mkfifo(host.root / "srv" / "pipe.log")
    container = host.found({"aliyun.logs.x": "/logs/*.log"}, {"/logs": "/srv"})
    assert list(places(container)) == ["/srv/good.log"]
    assert "2 of the files that it names are links, pipes, devices" in container.problem


def test_of_too_many_files_those_that_were_written_last_are_followed(host: Host) -> None:
    for number in range(MOST_FILES + 6):
        os.utime(host.write(f"/srv/{number:03}.log"), (number, number))
    labels = {"aliyun.logs.a": "/logs/*.log", "aliyun.logs.b": "/logs/001.log"}
    container = host.found(labels, {"/logs": "/srv"})
    assert list(places(container)) == [f"/srv/{number:03}.log" for number in range(6, MOST_FILES + 6)]
    assert "6 of its files are not followed" in container.problem
    assert "1 of its files are not followed" in container.problem


def test_whatever_the_log_driver_files_are_followed(host: Host) -> None:
    host.write("/srv/app.log")
    labels = {"aliyun.logs.f": "/logs/app.log", "aliyun.logs.s": "stdout"}
    container = host.found(labels, {"/logs": "/srv"}, HostConfig={"LogConfig": {"Type": "none"}})
    assert list(places(container)) == ["/srv/app.log"]
    assert (container.problem, container.problem_kind) == (
        "its log driver is 'none': only json-file logs can be followed", "driver"
    )  # fmt: skip
    del labels["aliyun.logs.s"]
    assert host.found(labels, {"/logs": "/srv"}, HostConfig={"LogConfig": {"Type": "none"}}).problem == ""


def test_files_and_output_may_go_to_one_target(host: Host) -> None:
    for name in ("a", "b"):
        host.write(f"/srv/{name}.log")
    labels = {
        f"aliyun.logs.{name}": place
        for name, place in (("s", "stdout"), ("a", "/logs/a.log"), ("b", "/logs/b.log"), ("c", "/logs/b.log"))
    }
    labels |= {f"aliyun.logs.{name}.target": "shop" for name in "sabc"}
    container = host.found(labels, {"/logs": "/srv"})
    assert [stream.container_id for stream in container.streams] == [f"{1:064}", "/srv/a.log", "/srv/b.log"]


def test_who_sees_no_file_system_of_the_host_reads_none_of_its_own_in_its_place(tmp_path: Path) -> None:
    host = Host(Path("/"), is_contained=True)
    own = next(one for one in ("/etc", "/usr") if Path(one).stat().st_dev == Path("/").stat().st_dev)
    container = host.found({"aliyun.logs.x": "/logs/*"}, {"/logs": own})
    assert container.streams == ()
    assert "set inputs.docker.host_root" in container.problem


def test_without_a_place_of_the_hosts_files_none_is_looked_at(tmp_path: Path) -> None:
    listing = Registry().join("directory")
    files = VolumeFiles(listing, "", "inputs.directory.host_root", is_contained=False)
    answer = {"Id": "c", "Config": {"Labels": {"aliyun.logs.x": "/logs/*"}}, "State": {"Status": "running"},
              "Mounts": [{"Type": "bind", "Source": str(tmp_path), "Destination": "/logs"}]}  # fmt: skip
    (tmp_path / "secret").touch()
    made = Enricher("moby", "all", "", lambda key: None, files=files.take).container(
        described(answer, Path("/logs"), is_new=False)
    )
    assert made == files.looked_at(made)
    assert made.streams == ()
    assert "the operator has to set inputs.directory.host_root" in made.problem
    assert volume_files.MOST_FILES == MOST_FILES
