"""The machine's static busybox → an image for `docker import`, so that no registry is needed."""

import io
import shutil
import subprocess
import tarfile

from tests.engines.process import EngineError

IMAGE = "busybox:latest"


def busybox_image() -> bytes:
    """A tar of a root file system: /bin/busybox, a link per applet, /tmp and the user root.

    Raises:
        EngineError: busybox is not installed.
    """
    binary = shutil.which("busybox")
    if binary is None:
        raise EngineError("busybox is not installed: run python -m tests.engines.install")
    applets = subprocess.run([binary, "--list"], capture_output=True, text=True, check=True).stdout.split()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        _add_directories(tar, "bin", "tmp", "etc")
        tar.add(binary, "bin/busybox")
        for applet in applets:
            if applet != "busybox":
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        passwd = b"root:x:0:0:root:/:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(passwd)
        tar.addfile(entry, io.BytesIO(passwd))
    return archive.getvalue()


def _add_directories(tar: tarfile.TarFile, *names: str) -> None:
    for name in names:
        directory = tarfile.TarInfo(name)
        directory.type, directory.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
        tar.addfile(directory)
