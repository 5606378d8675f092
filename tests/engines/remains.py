"""What a killed engine leaves behind → gone: its processes, mounts and control groups, and no other's."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.engines.process import wait_until

_CGROUPS = Path("/sys/fs/cgroup")


def clear(directory: Path) -> None:
    """End every process that names the directory or is in its control group, then unmount and remove the group.

    The control group has the directory's name.
    """
    _thaw(directory.name)
    wait_until(lambda: not _kill(_processes(directory)), within_seconds=10)
    for mount in _mounts(directory):
        subprocess.run(["umount", "--lazy", mount], check=False, stderr=subprocess.DEVNULL)
    for address in directory.glob("exec/containerd/daemon/io.containerd.runtime.v2.task/*/*/address"):
        Path(address.read_text().removeprefix("unix://")).unlink(missing_ok=True)  # a shim's socket under /run
    for group in _groups(directory.name):
        for child in sorted(group.rglob("*/"), reverse=True):
            child.rmdir()
        group.rmdir()


def _thaw(cgroup: str) -> None:
    """Let the processes of paused containers go on: frozen ones take no signal."""
    for name, word in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):  # version 1, version 2
        for state in (path for group in _groups(cgroup) for path in group.rglob(name)):
            with suppress(OSError):  # the group has gone
                state.write_text(word)


def _processes(directory: Path) -> set[int]:
    members = [tasks for group in _groups(directory.name) for tasks in group.rglob("cgroup.procs")]
    found = {int(pid) for tasks in members for pid in _words(tasks)}
    for process in Path("/proc").glob("[0-9]*"):
        if str(directory) in " ".join(_words(process / "cmdline")):
            found.add(int(process.name))
    return found - {os.getpid()}


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").replace("\0", " ").split()
    except OSError:  # the process or the group has gone
        return []


def _kill(processes: set[int]) -> set[int]:
    """SIGKILL; the ids that were there."""
    for pid in processes:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return processes


def _mounts(directory: Path) -> list[str]:
    """Mount points below the directory, innermost first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in lines]  # proc(5)
    return sorted((point for point in points if point.startswith(f"{directory}/")), reverse=True)


def _groups(cgroup: str) -> list[Path]:
    """The control group's directory in each hierarchy: many in version 1, one in version 2."""
    return [path for path in (_CGROUPS / cgroup, *_CGROUPS.glob(f"*/{cgroup}")) if path.is_dir()]
