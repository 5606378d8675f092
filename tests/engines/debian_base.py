"""The machine's own Debian mirror → a minimal root file system with Python, kept for `docker import`.

It stands for an image that a registry would give, such as python:3.11-slim. It is made once; `python -m
tests.engines.install` does so.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.engines.catalogue import engines_root
from tests.engines.debian import command_path
from tests.engines.process import EngineError

_PACKAGES = ("python3-venv", "ca-certificates", "curl")
_NOT_KEPT = ("./dev/*", "./proc/*", "./sys/*", "./var/cache/apt/*", "./var/lib/apt/lists/*", "./usr/share/doc/*")


class Mirror(NamedTuple):
    """Where this machine's packages come from."""

    suite: str
    url: str


def base_file() -> Path:
    """The tar of the root file system; it need not exist."""
    return engines_root() / "debian-base-1.tar"  # counted up when its packages change


def installed_base() -> Path:
    """The tar, which is there.

    Raises:
        EngineError: it was never made.
    """
    if not base_file().is_file():
        raise EngineError("there is no Debian base image: run python -m tests.engines.install")
    return base_file()


def make_base() -> None:
    """Make it with debootstrap, if it is not there; takes two minutes.

    Raises:
        EngineError: debootstrap failed, or no mirror is known.
    """
    if base_file().is_file():
        return
    began = time.monotonic()
    mirror = _mirror()
    print(f"engines: making a Debian base image ({mirror.suite})", flush=True)
    base_file().parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".incoming-", dir=base_file().parent))
    try:
        root, tar = staging / "root", staging / "base.tar"
        tool = command_path("debootstrap") or "debootstrap"
        _run([tool, "--variant=minbase", f"--include={','.join(_PACKAGES)}", mirror.suite, root, mirror.url])
        _run(["tar", "-C", root, *(f"--exclude={path}" for path in _NOT_KEPT), "-cf", tar, "."])
        tar.rename(base_file())
    finally:
        shutil.rmtree(staging)
    print(f"engines: Debian base image made in {time.monotonic() - began:.0f} s", flush=True)


def _mirror() -> Mirror:
    """The first archive of Debian's `main` that apt knows, not its updates or security fixes."""
    asked = ["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(ORIGIN) $(REPO_URI)"]
    done = subprocess.run([*asked, "Created-By: Packages"], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        match line.split():
            case [suite, "main", "Debian", url] if "-" not in suite:
                return Mirror(suite, url)
    raise EngineError("apt knows no Debian archive: run apt-get update, and see /etc/apt/sources.list.d")


def _run(words: list[str | Path]) -> None:
    done = subprocess.run(words, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-5:])
        raise EngineError(f"{' '.join(map(str, words))} failed:\n{last}")
