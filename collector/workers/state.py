"""Where the state of an agent's workers lies: of one in the state directory, of several in `workers/<share>` below it.

Each is a whole state directory. When the number of workers changes, the positions are gathered and dealt anew, so that
each container's is where its worker looks for it; spooled documents and dead letters move to the first worker.
Cut off at any point: `workers`, if it is there, has every position, and nothing that was kept is removed.
"""

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from collector.dead_letters import folder as letters
from collector.delivery.spool.covering import remove_behind
from collector.delivery.spool.files import Spool
from collector.discovery.share import Share
from collector.errors import StateError
from collector.files.writing import fsync_directory
from collector.state import places
from collector.state.checkpoint import Checkpoints
from collector.state.positions_file import Saved
from collector.transform import docker_event

_SHARE = re.compile(r"[0-9]+of[0-9]+")


def arrange(state: Path, workers: int) -> list[Path]:
    """Bring what is there into the form for so many workers; their directories. `state` is locked.

    Raises:
        StateError: what is there cannot be read, written or dealt.
    """
    try:
        return _arrange(state, workers)
    except OSError as error:
        raise StateError(
            f"the state in {state} cannot be divided among workers ({error.strerror or error})",
            "check the free disk space",
        ) from None


def _arrange(state: Path, workers: int) -> list[Path]:
    folder = state / places.WORKERS
    shares = [Share(number, workers) for number in range(workers)] if workers > 1 else []
    there = _directories(folder)
    if not folder.exists() and shares:
        _forget_marks(state)
    if there and [path.name for path in there] != sorted(map(str, shares)):
        for directory in (state, *there):
            _forget_marks(directory)
        _gather(state, there)
        _remove(folder)
    if not shares:
        return [state]
    directories = [folder / str(share) for share in shares]
    if not folder.exists():
        _deal(state, folder, shares)
    shutil.rmtree(state / places.POSITIONS, ignore_errors=True)  # `workers` has them
    _move_kept(state, directories[0])
    return directories


def _forget_marks(directory: Path) -> None:
    """Remove of each spool what the positions do not cover; from then on they cover all of it, wherever it is moved.

    Raises:
        StateError: some are damaged.
    """
    found = directory / places.POSITIONS
    for output in _outputs(found):
        checkpoints = Checkpoints(found, output)
        saved = checkpoints.whole()
        if checkpoints.spool_mark is not None:
            remove_behind(directory / places.SPOOL / output, checkpoints.spool_mark)
            checkpoints.replace(saved)


def _outputs(positions: Path) -> list[str]:
    return sorted({path.name.split(".")[0] for path in positions.glob("*.positions*")})


def _directories(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if _SHARE.fullmatch(path.name))


def _gather(state: Path, directories: Sequence[Path]) -> None:
    positions = {directory: _positions(directory) for directory in directories}
    for output in sorted({output for each in positions.values() for output in each}):
        _write(state, output, _earliest(one for each in positions.values() for one in each.get(output, [])))
    for directory in directories:
        _move_kept(directory, state)


def _deal(state: Path, folder: Path, shares: Sequence[Share]) -> None:
    """Make `folder` whole, under another name first."""
    made = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)
    for share in shares:
        directory = made / str(share)
        directory.mkdir(mode=0o700)
        for output, saved in _positions(state).items():
            _write(directory, output, [one for one in saved if _is_of_all(one) or share.has(one.container_id)])
        fsync_directory(directory)
    fsync_directory(made)
    made.rename(folder)
    fsync_directory(state)


def _is_of_all(saved: Saved) -> bool:
    """Whether each share has a position of this: Docker tells the events of all containers in one stream."""
    return saved.container_id == docker_event.TARGET


def _earliest(saved: Iterable[Saved]) -> list[Saved]:
    """One of each stream; of those that several shares have the one behind which nothing is settled in all of them."""
    found: dict[tuple[str, str], Saved] = {}
    for one in saved:
        before = found.setdefault((one.container_id, one.entry), one)
        if one.order < before.order:
            found[one.container_id, one.entry] = one
    return list(found.values())


def _remove(folder: Path) -> None:
    """At once, as far as anybody sees."""
    left = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(left, ignore_errors=True)
    folder.rename(left)
    fsync_directory(folder.parent)
    shutil.rmtree(left, ignore_errors=True)


def _positions(directory: Path) -> dict[str, list[Saved]]:
    """By output.

    Raises:
        StateError: some are damaged.
    """
    found = directory / places.POSITIONS
    return {output: Checkpoints(found, output).whole() for output in _outputs(found)}


def _write(directory: Path, output: str, saved: Sequence[Saved]) -> None:
    positions = directory / places.POSITIONS
    positions.mkdir(mode=0o700, exist_ok=True)
    Checkpoints(positions, output).replace(saved)


def _move_kept(source: Path, destination: Path) -> None:
    """Spooled documents and dead letters, behind those that are there."""
    spools = sorted((source / places.SPOOL).glob("*/"))
    if any(next(spool.glob("*.spool"), None) for spool in spools):
        _forget_marks(destination)
    for spool in spools:
        Spool(spool, 0)  # what it did not confirm is cut off: that must not stand in the middle of another
        _append(sorted(spool.glob("*.spool")), destination / places.SPOOL / spool.name)
    for kept in sorted((source / places.DEAD_LETTERS).glob("*/")):
        _append(letters.files_of(kept), destination / places.DEAD_LETTERS / kept.name)


def _append(files: Sequence[Path], destination: Path) -> None:
    if not files:
        return
    destination.mkdir(mode=0o700, parents=True, exist_ok=True)
    last = max((int(path.stem) for path in destination.glob(f"*{files[0].suffix}") if path.stem.isdigit()), default=0)
    for number, path in enumerate(files, last + 1):
        path.rename(destination / f"{number:08d}{path.suffix}")
    for directory in (destination, destination.parent, files[0].parent):
        fsync_directory(directory)
