"""Twenty containers on a real dockerd, each in a condition that monitoring has to tell apart."""

import os
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from tests.engines.dockerd import Dockerd
from tests.engines.prometheus import Alert

SECOND = 1_000_000_000
_FOR_EVER = "while :; do sleep 1; done"
_CHATTY = 'while :; do echo "{\\"level\\":\\"info\\",\\"message\\":\\"request done\\"}"; usleep 200000; done'
# Its log has no bound, and grows by 2,000 lines a second after `$LINES` lines at once.
_STORM = "yes {line} | head -n $LINES; while :; do yes {line} | head -n 200; usleep 100000; done".format(
    line="0123456789abcdef" * 6
)
_PORT = 9000
_SERVE = f"(while :; do nc -l -p {_PORT} > /dev/null; done) & "
_SEND = "while :; do head -c 200000 /dev/zero | nc -w 2 {address} " + str(_PORT) + "; usleep 500000; done"
# Past the page cache, whose writes no control group of version 1 is charged for.
_TRANSFER = (
    "while :; do dd if=/dev/zero of=/data/x bs=64k count=16 oflag=direct; "
    "dd if=/data/x of=/dev/null bs=64k iflag=direct; sleep 1; done 2> /dev/null"
)
_FAST = 1 << 30  # bytes per second


def disk_of(path: Path) -> str:
    """The disk that holds a file, `/dev/sda`; "" if it is none that has a name."""
    device = path.stat().st_dev
    found = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not found.exists():
        return ""
    found = found.resolve()
    return f"/dev/{(found.parent if (found / 'partition').exists() else found).name}"


def _check(command: str, **options: Any) -> dict[str, Any]:
    return {"test": ["CMD-SHELL", command], "interval": SECOND, "timeout": SECOND, "retries": 2} | options


class HostOfTwenty:
    """The containers by name; those that end do so `after_seconds`, when their series have been seen."""

    def __init__(self, dockerd: Dockerd, *, after_seconds: float, log_bytes: float) -> None:
        """`dockerd` has a network; `log_bytes`: so large is the log without a bound."""
        self._dockerd = dockerd
        self._after = after_seconds
        self.containers: dict[str, Container] = {}
        lines = str(int(log_bytes / 150))  # each has an envelope of 60 bytes around it
        labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
        server = self._run("compose", _SERVE + _CHATTY, labels=labels)
        server.reload()
        address = server.attrs["NetworkSettings"]["IPAddress"]
        self._run("healthy", _FOR_EVER, healthcheck=_check("true"))
        self._run("unhealthy", _FOR_EVER, healthcheck=_check("exit 1"))
        self._run("starting", _SEND.format(address=address), healthcheck=_check("exit 1", start_period=3600 * SECOND))
        self._run("crash-looping", "sleep 1; exit 1", restart_policy={"Name": "always"})
        self._run("oom-killed", self._then("exec tail /dev/zero"), mem_limit="16m", memswap_limit="16m")
        self._run("failed", self._then("exit 1"))
        self._run("done", self._then("exit 0"))
        # Docker itself calls the next two unhealthy, as it has stopped their checks.
        self._run("stopped", self._then("exit 143"), healthcheck=_check("true"))
        self._run("paused", _FOR_EVER, healthcheck=_check("true")).pause()
        self._run("tty", _CHATTY, tty=True)
        self._run("near-limit", f"head -c 30m /dev/zero > /dev/shm/x; {_FOR_EVER}", mem_limit="32m", shm_size="64m")
        self._run("limited", _FOR_EVER, mem_limit="64m", cpu_quota=50_000)
        # From Linux 6.10 on a control group of version 1 counts the bytes of a disk only where it limits them.
        self.disk = disk_of(dockerd.directory)
        limits = [{"Path": self.disk, "Rate": _FAST}] if self.disk else []
        disk = {"device_read_bps": limits, "device_write_bps": limits, "volumes": ["/data"]}
        self._run("local-driver", f"({_TRANSFER}) & {_CHATTY}", log_config={"type": "local"}, **disk)
        self._run("throttled", "while :; do :; done", cpu_quota=10_000)
        self._run("storm", _STORM, environment={"LINES": lines})
        self._run("rotating", _CHATTY, log_config={"type": "json-file", "config": {"max-size": "10k", "max-file": "3"}})
        self._run("chatty", _CHATTY)
        self._run("quiet", _FOR_EVER)
        self.containers["created"] = dockerd.client().containers.create(dockerd.image, ["true"], name="created")

    def _then(self, command: str) -> str:
        return f"sleep {self._after}; {command}"

    def _run(self, name: str, script: str, **options: Any) -> Container:
        self.containers[name] = self._dockerd.run("sh", "-c", script, name=name, **options)
        return self.containers[name]


ALERTS = {
    Alert("ContainerUnhealthy", "unhealthy"),
    Alert("ContainerCrashLooping", "crash-looping"),
    Alert("ContainerOOMKilled", "oom-killed"),
    Alert("ContainerExitedWithError", "failed"),
    Alert("ContainerMemoryNearLimit", "near-limit"),
    Alert("ContainerCPUThrottled", "throttled"),
    Alert("ContainerLogStorm", "storm"),
    Alert("ContainerLogUnbounded", "storm"),
    Alert("PilotfishContainerNotFollowed", "local-driver"),
}
# On the way to a crash loop its ends are single ones.
ALLOWED = ALERTS | {Alert("ContainerExitedWithError", "crash-looping")}
