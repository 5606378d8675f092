"""This machine's own programs and this checkout → an image and its mounts: the agent in a container, nothing built.

The image holds links and a few files; /usr, the interpreter and its packages are mounted from the machine.
"""

import io
import sys
import sysconfig
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from docker.models.containers import Container

ROOT = Path(__file__).parents[2]
COMMAND = "/opt/pilotfish/bin/pilotfish"
MOUNTS = {  # on the machine → in the container, all read-only
    "/usr": "/usr",
    "/etc/ld.so.cache": "/etc/ld.so.cache",  # without it Python looks for libraries with gcc, which needs a /tmp
    sys.base_prefix: "/opt/python",
    sysconfig.get_path("purelib"): "/opt/packages",
    str(ROOT): "/opt/source",
}
_SCRIPT = f"""\
#!/bin/sh
export PYTHONDONTWRITEBYTECODE=1 LD_LIBRARY_PATH=/opt/python/lib PYTHONPATH=/opt/source:/opt/packages
exec /opt/python/bin/python{sys.version_info.major}.{sys.version_info.minor} -m collector "$@"
"""
_DIRECTORIES = ("dev", "etc", "home", "opt", "proc", "root", "run", "sys", "tmp", "usr", "var", "var/lib")
_LINKS = {
    "bin": "usr/bin",
    "sbin": "usr/sbin",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "var/run": "/run",
}  # as in Debian
_USERS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    output: str


def run_in(container: Container, *words: str) -> Ended:
    """Run a command in the container as root; both streams are its output."""
    code, output = container.exec_run(list(words))
    assert code is not None
    assert isinstance(output, bytes)
    return Ended(code, output.decode(errors="replace"))


def host_image(files: Mapping[str, str] | None = None, *, secrets: Mapping[str, str] | None = None) -> bytes:
    """A tar for `docker import`, with files of one's own by path; secrets are readable for root alone."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in _DIRECTORIES:
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(directory)
        for name, target in _LINKS.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        _add(tar, {COMMAND.lstrip("/"): _SCRIPT}, 0o755)
        _add(tar, _USERS | dict(files or {}), 0o644)
        _add(tar, secrets or {}, 0o400)
    return archive.getvalue()


def _add(tar: tarfile.TarFile, files: Mapping[str, str], mode: int) -> None:
    for name, text in files.items():
        content = text.encode()
        entry = tarfile.TarInfo(name)
        entry.mode, entry.size = mode, len(content)
        tar.addfile(entry, io.BytesIO(content))
