"""Files in volumes and bind mounts that containers ask for → streams, looked for again and again.

A file is one stream of its target, named by its path on the host: whichever container asks for it, it is read once.
"""

import asyncio
import errno
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import NamedTuple

from msgspec.structs import replace

from collector.container_settings.statement import SOURCE, Fault, Origin, with_faults
from collector.discovery.mounts import Mount, nearest
from collector.discovery.registry import Container, Listing
from collector.files.matching import MOST_LOOKED_AT, matching, pattern_of
from collector.model import LogStream
from collector.text.bounds import bounded

MOST_FILES = 64  # of one container: each is read by itself
_LOOK_SECONDS = 1.0
_REST = 100  # times what a look took: looking at large folders may cost 1 % of a core
_MOST_SECONDS = 10.0
_LAYER = "no volume and no bind mount has it: files in the container's own layer are not followed; mount a volume there"
_MEMORY = "it is in a tmpfs, which has no files on the host: use a volume"
_ELSEWHERE = "the place of its volume on the host is not known: use a volume of the driver `local`, or a bind mount"
_MOUNT = "it names a mount, and no file in one: mount the folder, and name the files in it, such as `*.log`"
_LINK = "on the host a link is on the way to its folder, and links are not followed: mount the folder itself"
_OFF = "files in volumes are not followed here: the operator has to set {option}"
_UNSEEN = (
    "the agent does not see the folder of its mount: if it runs in a container, mount the host's file system there, "
    "read-only, and set {option} to that place"
)
_UNREADABLE = "the agent cannot look into the folder of its mount: run it as root or with CAP_DAC_READ_SEARCH"


class Wish(NamedTuple):
    """Files that a container asks for: their stream but for its place, and who says so; `stream.source` is the path."""

    stream: LogStream
    origin: Origin


class Wanted(NamedTuple):
    """All that a container asks for; it has its other streams already."""

    container: Container
    wishes: Sequence[Wish]
    mounts: Sequence[Mount]


class _Found(NamedTuple):
    streams: tuple[LogStream, ...] = ()
    faults: tuple[Fault, ...] = ()


class VolumeFiles:
    """Those of one input. `root` is where the agent sees the host's file system, "" if it may not look there.

    `option` is what the configuration calls it. `is_contained`: the agent has a file system of its own.
    """

    def __init__(self, listing: Listing, root: str, option: str, *, is_contained: bool) -> None:
        self._listing = listing
        self._root = root
        self._option = option
        self._own_device = os.stat("/").st_dev if is_contained and root == "/" else None  # noqa: PTH116
        self._wanted: dict[str, Wanted] = {}
        self._found: dict[str, _Found] = {}
        self._due = asyncio.Event()

    def take(self, wanted: Wanted) -> Container:
        """The container with what was found of its files; the next look finds what is new."""
        container = wanted.container
        if not wanted.wishes:
            self._wanted.pop(container.id, None)
            self._found.pop(container.id, None)
            return container
        self._wanted[container.id] = wanted
        if (found := self._found.get(container.id)) is None:
            self._due.set()
            found = _Found(faults=tuple(self._refused(wanted)))
        return self._with(wanted, found)

    def looked_at(self, container: Container) -> Container:
        """The container with what is found of its files now, if it was taken; looks at the host's files."""
        wanted = self._wanted.get(container.id)
        return container if wanted is None else self._with(wanted, self._look(wanted))

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self._due.clear()
            cpu_seconds = 0.0
            for wanted in list(self._wanted.values()):
                cpu_seconds += await self._look_at(wanted)
            seconds = min(max(_LOOK_SECONDS, _REST * cpu_seconds), _MOST_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds if self._wanted else None):
                    await self._due.wait()

    async def _look_at(self, wanted: Wanted) -> float:
        """Take over what is new; returns the seconds of a core that it took to see that."""

        def look() -> tuple[_Found, float]:
            begun = time.thread_time()
            return self._look(wanted), time.thread_time() - begun

        found, cpu_seconds = await asyncio.to_thread(look)
        self._take_over(wanted, found)
        return cpu_seconds

    def _take_over(self, wanted: Wanted, found: _Found) -> None:
        name = wanted.container.id
        if self._wanted.get(name) is not wanted:
            return  # it asks for something else by now
        if name not in self._listing.containers:
            del self._wanted[name]
            self._found.pop(name, None)
        elif self._found.get(name) != found:
            self._found[name] = found
            container = self._with(wanted, found)
            self._listing.tell_settings(container)
            self._listing.put(container)

    @staticmethod
    def _with(wanted: Wanted, found: _Found) -> Container:
        container = wanted.container
        if not found.faults:
            return replace(container, streams=(*container.streams, *found.streams))
        return replace(
            container,
            streams=(*container.streams, *found.streams),
            settings=with_faults(container.settings, found.faults),
            problem="; ".join(filter(None, [container.problem, *map(str, found.faults)])),
            problem_kind=container.problem_kind or "label",
        )

    def _look(self, wanted: Wanted) -> _Found:
        """What is there of it now."""
        streams: dict[tuple[str, str], LogStream] = {}
        faults = []
        for wish in wanted.wishes:
            try:
                found, reason = self._streams(wish.stream, wanted.mounts, MOST_FILES - len(streams))
            except _Refused as refused:
                found, reason = [], str(refused)
            for stream in found:
                streams.setdefault(stream.key, stream)
            if reason:
                faults.append(self._fault(wish, reason))
        return _Found(tuple(streams.values()), tuple(faults))

    def _refused(self, wanted: Wanted) -> Iterator[Fault]:
        """What no look will find."""
        for wish in wanted.wishes:
            try:
                self._mount(wish.stream.source, wanted.mounts)
            except _Refused as refused:
                yield self._fault(wish, str(refused))

    def _fault(self, wish: Wish, reason: str) -> Fault:
        return Fault(wish.stream.entry, SOURCE, wish.origin, reason.format(option=self._option))

    def _streams(self, asked: LogStream, mounts: Sequence[Mount], most: int) -> tuple[list[LogStream], str]:
        """Those of one wish, and why others are left out.

        Raises:
            _Refused: there are none, for that reason.
        """
        path = asked.source
        mount = self._mount(path, mounts)
        folder, names = pattern_of(path)
        inner = PurePosixPath(mount.source, PurePosixPath(folder).relative_to(mount.destination))
        length = len(mount.source.rstrip("/"))

        def inside(host_path: str) -> str:
            return f"{mount.destination.rstrip('/')}{host_path[length:]}"

        try:
            self._check_seen(mount.source)
            found = matching(
                self._root, str(inner), names, is_hidden=lambda one: nearest(inside(one), mounts) is not mount
            )
        except FileNotFoundError:
            return [], ""  # the container has not made it yet
        except OSError as error:
            raise _Refused(_LINK if error.errno == errno.ELOOP else _UNREADABLE) from None
        paths = found.paths
        if len(paths) > most:
            paths = sorted(paths, key=self._changed, reverse=True)[:most]
        made = [self._stream(asked, one, inside(one)) for one in sorted(paths)]
        return made, _reason(len(found.paths) - len(paths), found.others, is_cut=found.is_cut)

    def _mount(self, path: str, mounts: Sequence[Mount]) -> Mount:
        if not self._root:
            raise _Refused(_OFF)
        folder = pattern_of(path).folder
        mount = nearest(folder, mounts)
        if any(one.destination == path for one in mounts):
            raise _Refused(_MOUNT)
        if mount is None:
            raise _Refused(_LAYER)
        if mount.kind == "tmpfs":
            raise _Refused(_MEMORY)
        if not mount.source:
            raise _Refused(_ELSEWHERE)
        return mount

    def _check_seen(self, source: str) -> None:
        """Whether the host's folder is there, and not one of the agent's own container at that path."""
        try:
            device = os.stat(f"{self._root.rstrip('/')}{source}").st_dev  # noqa: PTH116
        except FileNotFoundError:
            raise _Refused(_UNSEEN) from None
        if device == self._own_device:
            raise _Refused(_UNSEEN)

    def _changed(self, path: str) -> tuple[int, str]:
        try:
            return os.stat(self._visible(path), follow_symlinks=False).st_mtime_ns, path  # noqa: PTH116
        except OSError:
            return 0, path

    def _visible(self, path: str) -> str:
        return f"{self._root.rstrip('/')}{path}"

    def _stream(self, asked: LogStream, path: str, inside: str) -> LogStream:
        return replace(
            asked,
            container_id=path,
            entry=asked.target,
            path=self._visible(path),
            root=self._root,
            fields={**asked.fields, "file": bounded(inside)},
        )


class _Refused(Exception):
    """Why none of the files are followed."""


def _reason(left_out: int, others: int, *, is_cut: bool) -> str:
    found = []
    if left_out:
        found.append(f"{left_out} of its files are not followed, those that were not written for longest: "
                     f"a container has {MOST_FILES}")  # fmt: skip
    if others:
        found.append(
            f"{others} of the files that it names are links, pipes, devices or have odd names: they are not followed"
        )
    if is_cut:
        found.append(f"its folders have more than {MOST_LOOKED_AT:,} files and folders: the rest is not looked at")
    return "; ".join(found)
