"""Commands that are missing → Debian packages installed, without starting any service they bring."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.engines.catalogue import java_home
from tests.engines.process import EngineError

_POLICY = Path("/usr/sbin/policy-rc.d")  # asked by invoke-rc.d(8); 101 forbids the start
_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


class Requirement(NamedTuple):
    """A package, and how to see that what it brings is there."""

    package: str
    present: Callable[[], bool]


def _has_java() -> bool:
    try:
        return java_home().is_dir()
    except EngineError:
        return False


def command_path(command: str) -> str | None:
    """Where a command is, those of the system's administrator among them."""
    return shutil.which(command, path=_PATH)


def _has(command: str) -> Callable[[], bool]:
    return lambda: command_path(command) is not None


RSYSLOG = (
    Requirement("rsyslog", _has("rsyslogd")),
    Requirement("rsyslog-elasticsearch", lambda: any(Path("/usr/lib").glob("*/rsyslog/omelasticsearch.so"))),
)
RSYSLOG_RECEIVER = (
    Requirement("rsyslog-relp", lambda: any(Path("/usr/lib").glob("*/rsyslog/imrelp.so"))),
    Requirement("rsyslog-openssl", lambda: any(Path("/usr/lib").glob("*/rsyslog/lmnsd_ossl.so"))),
)
REQUIREMENTS = (
    Requirement("docker.io", _has("dockerd")),  # a docker command alone may be a mere client
    Requirement("docker-compose", _has("docker-compose")),
    Requirement("containerd", _has("containerd")),
    Requirement("runc", _has("runc")),
    Requirement("iptables", _has("iptables")),
    Requirement("iproute2", _has("ip")),
    Requirement("debootstrap", _has("debootstrap")),
    Requirement("busybox-static", _has("busybox")),
    Requirement("openjdk-17-jdk-headless", _has_java),
    Requirement("maven", _has("mvn")),
    Requirement("util-linux", _has("setpriv")),
    Requirement("strace", _has("strace")),
    Requirement("faketime", _has("faketime")),
    Requirement("prometheus", _has("prometheus")),  # with promtool
    Requirement("haproxy", _has("haproxy")),
    Requirement("systemd", _has("systemd-analyze")),
    Requirement("redis-server", _has("redis-server")),
    Requirement("clickhouse-server", _has("clickhouse-server")),
    Requirement("chromium", _has("chromium")),
    Requirement("fonts-noto-cjk", lambda: Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc").exists()),
    *RSYSLOG,
    *RSYSLOG_RECEIVER,
)


def install_missing(requirements: Sequence[Requirement] = REQUIREMENTS) -> None:
    """Install what is missing; nothing is asked of the network when all is there.

    Raises:
        EngineError: something is missing and cannot be installed; the text names the packages.
    """
    missing = [requirement.package for requirement in requirements if not requirement.present()]
    if not missing:
        return
    remedy = f"apt-get install {' '.join(missing)}"
    if not shutil.which("apt-get"):
        raise EngineError(f"missing, and this is no Debian: install what Debian brings with: {remedy}")
    if os.geteuid() != 0:
        raise EngineError(f"missing, and only root can install it: {remedy}")
    print(f"engines: {remedy}", flush=True)
    with _services_stay_off():
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", *missing)
    if still := [requirement.package for requirement in requirements if not requirement.present()]:
        raise EngineError(f"installed, but their commands are not there: {' '.join(still)}")


def _apt_get(*words: str) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", "-qq", *words], env=env, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise EngineError(f"apt-get {' '.join(words)} failed:\n{last}")


@contextmanager
def _services_stay_off() -> Iterator[None]:
    """Forbid packages to start their services, unless the machine has a policy of its own."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
