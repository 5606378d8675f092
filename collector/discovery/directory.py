"""A tree of `<id>/<id>-json.log` with `config.v2.json` beside it → the registry: no socket, no daemon.

`config.v2.json` is dockerd's own description of a container (moby `container/container.go`). A folder without one is
followed under its short id. Folders that come and go are told by a watch on the tree, which is looked at on a timer
besides: descriptions change inside the folders, and where no watch can be had that is all there is.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import orjson
import structlog

from collector.clock import Notice
from collector.discovery.enrich import Described, Enricher
from collector.discovery.inspected import on_disk
from collector.discovery.log_tree import Folder, LogTree, is_id
from collector.discovery.registry import Listing
from collector.discovery.share import EVERYTHING, Share
from collector.discovery.tree_watch import TreeWatch
from collector.errors import UNREADABLE
from collector.files.regular import open_regular

log = structlog.get_logger(__name__)

_SCAN_SECONDS = 2.0
_MOST_SECONDS = 10.0
_REST = 100  # times what a look took of a core: looking at many thousands of folders may cost 1 % of it
_AT_ONCE = 200  # containers that are new: their readers start in one turn of the loop
_GATHER_SECONDS = 0.05  # what comes in this time is taken over at once
_DESCRIBED_SECONDS = 2.0  # after which a new folder without description and log is taken as it is
_WARN_SECONDS = 60.0
_MOST_GONE = 10_000
_UNSEEN = -1  # when a description was never changed
_DESCRIPTION_BYTES = 8 << 20  # dockerd's own are some kilobytes


class DirectoryDiscovery:
    """Keeps the registry like the tree at `root`; files are looked at in a thread, so many seconds after each other."""

    def __init__(
        self,
        root: Path,
        listing: Listing,
        enricher: Enricher,
        *,
        option: str = "the path",
        scan_seconds: float = _SCAN_SECONDS,
    ) -> None:
        """`option` is what the configuration calls the root."""
        self._listing = listing
        self._enricher = enricher
        self._tree = LogTree(root)
        self._scan_seconds = scan_seconds
        self._remedy = f"correct {option}, mount the directory, or give this user read access"
        self._seen: dict[str, int] = {}  # folder → when its description was changed, in nanoseconds
        self._incomplete: dict[str, float] = {}  # new folder → when it was told
        self._turn = asyncio.Lock()
        self._notice = Notice(_WARN_SECONDS)
        self._missed = 0  # since then
        self._gone: set[str] = set()  # known to be, though the kernel may tell their end still

    async def run(self) -> None:
        """Look at the tree again and again, and take what the kernel tells of it, until cancelled."""
        try:
            with TreeWatch(self._tree.root) as watch:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(watch.run(), name="log tree inotify")
                    tasks.create_task(self._take_news(watch), name="log tree news")
                    tasks.create_task(self._judge_anew(), name="log tree rules")
                    await self._look_again_and_again(watch)
        finally:
            self._tree.close()

    async def _judge_anew(self) -> None:
        """Have all described again at the next look, whenever the operator wants something else of containers."""
        rules = self._enricher.rules
        version = rules.version
        while True:
            version = await rules.changed(version)
            self._seen = dict.fromkeys(self._seen, _UNSEEN)

    async def _look_again_and_again(self, watch: TreeWatch) -> None:
        while True:
            cpu_seconds = 0.0
            watch.follow()  # before the look: what comes between the two is told
            try:
                cpu_seconds = await self.scan()
            except OSError as error:
                cause = f"the log tree {self._tree.root} cannot be read ({error.strerror})"
                if self._listing.lost(f"{cause}: {self._remedy}"):
                    log.warning("reading the log tree failed", path=str(self._tree.root), error=error.strerror,
                                remedy=self._remedy)  # fmt: skip
            await asyncio.sleep(min(max(self._scan_seconds, _REST * cpu_seconds), _MOST_SECONDS))

    async def scan(self) -> float:
        """Take over what has changed in the tree; returns the seconds of a core that it took to see that.

        Raises:
            OSError: the tree cannot be read.
        """
        async with self._turn:
            found = await asyncio.to_thread(self._tree.look, dict(self._seen))
            for gone in found.gone:
                self._drop(gone)
                self._known_to_be_gone(gone)
            await self._put([folder for folder in found.changed if folder.name not in self._incomplete])
            self._tell_links(found.links)
            self._tell_missed()
            self._listing.answered()
            return found.cpu_seconds

    async def _take_news(self, watch: TreeWatch) -> None:
        overflows = 0
        while True:
            if not self._incomplete:
                await watch.news.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            async with self._turn:
                await self._take(watch.take())
            if watch.overflows > overflows:
                overflows = watch.overflows
                log.warning("inotify queue overflowed: short-lived containers may be missed")

    async def _take(self, news: dict[str, bool]) -> None:
        """Put what came, once it can be said who it is, and drop what went."""
        now = time.monotonic()
        for name, is_there in news.items():
            if is_there and is_id(name):
                if name not in self._seen:
                    self._incomplete.setdefault(name, now)
            elif name in self._seen:
                self._drop(name)
            elif is_id(name):
                self._incomplete.pop(name, None)
                self._miss(name)
                self._gone.discard(name)
        late = {name for name, since in self._incomplete.items() if now - since >= _DESCRIBED_SECONDS}
        new = [self._tree.folder(name) for name in self._incomplete]
        complete = [folder for folder in new if folder.is_complete or folder.name in late]
        for folder in complete:
            del self._incomplete[folder.name]
        await self._put(complete)

    async def _put(self, changed: list[Folder]) -> None:
        for start in range(0, len(changed), _AT_ONCE):
            folders = changed[start : start + _AT_ONCE]
            for folder, described in zip(
                folders, await asyncio.to_thread(_described_all, folders, self._listing.share), strict=True
            ):
                if described is not None:
                    self._seen[folder.name] = folder.changed
                    container = self._enricher.container(described)
                    self._listing.tell_settings(container)
                    self._listing.put(container)
                elif folder.name not in self._seen:
                    self._miss(folder.name)

    def _drop(self, name: str) -> None:
        del self._seen[name]
        self._listing.drop(name)

    def _miss(self, name: str) -> None:
        """A container came and went before it could be looked at."""
        if name in self._gone:
            return
        self._known_to_be_gone(name)
        self._listing.missed += 1
        self._missed += self._listing.share.has(name)
        self._tell_missed()

    def _tell_missed(self) -> None:
        """Once in a while, all that came together since."""
        if self._missed and self._notice.is_due():
            log.warning("containers removed before they were inspected: their logs are lost", count=self._missed)
            self._missed = 0

    def _known_to_be_gone(self, name: str) -> None:
        if len(self._gone) >= _MOST_GONE:
            self._gone.clear()
        self._gone.add(name)

    def _tell_links(self, links: frozenset[str]) -> None:
        for name in sorted(filter(self._listing.share.has, links - self._listing.links)):
            log.warning(
                "log folder is a symbolic link: not followed",
                folder=name,
                remedy="mount or move the folder itself there; links are not followed because they could lead to any "
                "file of the host",
            )
        self._listing.links = links


def descriptions(root: Path) -> list[Described]:
    """Those of all containers in the tree.

    Raises:
        OSError: it cannot be read.
    """
    tree = LogTree(root)
    try:
        return [one for one in _described_all(tree.look({}).changed) if one is not None]
    finally:
        tree.close()


def _described_all(folders: list[Folder], share: Share = EVERYTHING) -> list[Described | None]:
    """None for those that are gone; of those in the `share` it is told what cannot be read."""
    return [
        _described(Path(folder.path), is_told=share.has(folder.name)) if folder.is_there else None for folder in folders
    ]


def _read(path: Path, *, is_told: bool) -> dict[str, Any]:
    """The description, or {} where there is none that can be read."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            found = orjson.loads(file.read(_DESCRIPTION_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, *UNREADABLE) as error:
        if is_told:
            log.warning(
                "reading a container's config file failed: its name and labels are unknown",
                path=str(path),
                error=getattr(error, "strerror", None) or str(error),
            )
        return {}
    return found if isinstance(found, dict) else {}


def _described(folder: Path, *, is_told: bool) -> Described:
    config, host = (_read(folder / name, is_told=is_told) for name in ("config.v2.json", "hostconfig.json"))
    return on_disk(folder.name, folder.parent, config, host)
