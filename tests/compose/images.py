"""What is on this machine → images in a daemon, under the names that compose-elk.yml uses."""

import io
import subprocess
import tarfile
from pathlib import Path
from typing import IO

from tests.engines.catalogue import ELASTICSEARCH_8, installed, java_home
from tests.engines.debian import command_path
from tests.engines.debian_base import installed_base
from tests.engines.dockerd import Dockerd
from tests.engines.process import EngineError

HERE = Path(__file__).parent
BASE = "pilotfish-tests-base:latest"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # Debian's bundle, in the image as on the machine
_TIMEOUT_SECONDS = 300


def import_base(daemon: Dockerd) -> None:
    """The Debian base, with the authorities that this machine trusts: they may stand between it and PyPI."""
    daemon.client().api.import_image_from_file(str(installed_base()), repository="pilotfish-tests-debian", tag="latest")
    with io.BytesIO() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            _add_text(tar, "Dockerfile", f"FROM pilotfish-tests-debian\nCOPY certificates.crt {CERTIFICATES}\n")
            if certificates := (pip_options().get("cert") or (CERTIFICATES.is_file() and str(CERTIFICATES))):
                tar.add(certificates, "certificates.crt", filter=_plain)
        archive.seek(0)
        _build(daemon, BASE, archive)


def stand_in_elasticsearch(daemon: Dockerd, name: str) -> None:
    """The real server and a Java for it on the base."""
    with subprocess.Popen(
        [
            *(
                "tar",
                "--create",
                "--dereference",
                "--exclude=jmods",
                "--exclude=legal",
                "--exclude=docs",
                "--exclude=src.zip",
            ),
            *("--transform", f"s,^{ELASTICSEARCH_8.directory.name},elasticsearch,"),
            *("--transform", f"s,^{java_home().name},java,"),
            *("-C", HERE / "elasticsearch", "Dockerfile", "entrypoint.sh"),
            *("-C", installed(ELASTICSEARCH_8).parent, ELASTICSEARCH_8.directory.name),
            *("-C", java_home().parent, java_home().name),
        ],
        stdout=subprocess.PIPE,
    ) as context:
        assert context.stdout is not None
        _build(daemon, name, context.stdout)
    assert context.returncode == 0


def stand_in_prometheus(daemon: Dockerd, name: str) -> None:
    """Debian's Prometheus, and busybox as the `wget` of its health check, on the base."""
    with io.BytesIO() as archive:
        with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
            tar.add(HERE / "prometheus/Dockerfile", "Dockerfile")
            for command, entry in (("prometheus", "prometheus"), ("busybox", "wget")):
                path = command_path(command)
                if path is None:
                    raise EngineError(f"{command} is not installed: run python -m tests.engines.install")
                tar.add(path, entry, filter=_plain)
        archive.seek(0)
        _build(daemon, name, archive)


def copy_image(name: str, source: Dockerd, target: Dockerd) -> None:
    """An image with its layers from one daemon to another."""
    target.client().images.load(source.client().images.get(name).save(named=name))  # type: ignore[arg-type]


def pip_options() -> dict[str, str]:
    """What pip on this machine was told, by its own word: option → value."""
    done = subprocess.run(["python3", "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    pairs = (line.partition("=")[::2] for line in done.stdout.splitlines())
    # `:env:.cert='...'`, `global.index-url='...'`: the environment comes first and wins
    options: dict[str, str] = {}
    for key, value in pairs:
        options.setdefault(key.rpartition(".")[2], value.strip("'\""))
    return options


def _build(daemon: Dockerd, name: str, context: IO[bytes]) -> None:
    lines = daemon.client().api.build(
        fileobj=context, custom_context=True, tag=name, rm=True, decode=True, timeout=_TIMEOUT_SECONDS
    )
    told = [line for line in lines if "stream" in line or "error" in line]
    if errors := [line["error"] for line in told if "error" in line]:
        raise EngineError(f"{name}: {errors[0]}\n{''.join(line.get('stream', '') for line in told[-10:])}")


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text.encode())
    tar.addfile(entry, io.BytesIO(text.encode()))


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    return entry
