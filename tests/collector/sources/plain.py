"""A plain log in somebody else's folder, written and rotated as applications and logrotate do it."""

import gzip
import shutil
from pathlib import Path

from collector.model import LogStream
from tests.contract.sources import Writer


class PlainLog(Writer):
    """`app.log` in `folder`; `rotate` renames, `copy` copies and truncates."""

    def __init__(self, folder: Path, name: str = "app.log") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.live = folder / name
        self.live.touch()
        self._rotations = 0

    def write(self, *lines: bytes) -> None:
        with self.live.open("ab") as file:
            file.write(b"".join(lines))

    def line(self, number: int) -> bytes:
        return b"line %d of an application\n" % number

    def rotate(self) -> None:
        self.rename(f"{self.live.name}.1")

    def rename(self, name: str) -> Path:
        self._move_on()
        rotated = self.live.rename(self.live.with_name(name))
        self.live.touch()
        return rotated

    def copy(self, name: str = "app.log.1") -> Path:
        self._move_on()
        copied = Path(shutil.copy2(self.live, self.live.with_name(name)))
        self.cut()
        return copied

    def cut(self) -> None:
        with self.live.open("r+b") as file:
            file.truncate(0)

    def _move_on(self) -> None:
        for number in (3, 2, 1):
            if (old := self.live.with_name(f"{self.live.name}.{number}")).exists():
                old.rename(self.live.with_name(f"{self.live.name}.{number + 1}"))


def compress(path: Path) -> Path:
    """As gzip does: the time stays, and the plain file goes."""
    target = path.with_name(f"{path.name}.gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    shutil.copystat(path, target)
    path.unlink()
    return target


def plain_stream(path: Path, root: Path = Path("/"), *, target: str = "shop") -> LogStream:
    """The stream of a plain file."""
    return LogStream(
        container_id=str(path),
        container="app",
        entry=target,
        target=target,
        path=str(path),
        root=str(root),
        running=True,
        has_run=False,
        fields={"host": "moby", "@target": target, "docker_container": "app"},
    )
