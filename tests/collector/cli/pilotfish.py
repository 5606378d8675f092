"""The command as users run it: a process of its own, and an agent over a few real logs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "collector"]
LINES = 1000
SECONDS = 60


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment of our own: nothing of the machine's configuration gets in."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home), "XDG_STATE_HOME": str(home), **more}


class Ended(Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    errors: str

    @property
    def complaint(self) -> str:
        """The only line on stderr."""
        assert self.errors.endswith("\n")
        assert self.errors.count("\n") == 1, self.errors
        assert self.errors.startswith("pilotfish: ")
        return self.errors.removeprefix("pilotfish: ").strip()


def pilotfish(home: Path, *arguments: str, **environ: str) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(home, **environ),
        capture_output=True,
        timeout=SECONDS,
        cwd=home,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


class Agent(Struct, frozen=True):
    """A running agent."""

    home: Path
    state_dir: Path
    config: Path
    log: Path

    def write(self, *lines: str) -> None:
        """Let the container say something."""
        with self.log.open("a") as file:
            for line in lines:
                file.write(envelope(line, "2026-11-23T05:00:00.5Z"))

    def ask(self, *arguments: str) -> Ended:
        """Run a command that finds this agent."""
        return pilotfish(self.home, *arguments, "--state-dir", str(self.state_dir))


def envelope(text: str, when: str) -> str:
    """A line as Docker writes it."""
    return json.dumps({"log": f"{text}\n", "stream": "stdout", "time": when}, separators=(",", ":")) + "\n"


def tree(root: Path, name: str = "shop-web-1") -> Path:
    """One container's directory as the daemon keeps it; gives its log."""
    container_id = "a1" * 32
    directory = root / container_id
    directory.mkdir(parents=True)
    described = {"ID": container_id, "Name": f"/{name}", "Config": {"Labels": {}}, "State": {"Running": True}}
    (directory / "config.v2.json").write_text(json.dumps(described))
    return directory / f"{container_id}-json.log"


@contextmanager
def running(home: Path) -> Iterator[Agent]:
    """Run an agent over a tree with `LINES` lines until the block ends, then see it stop well."""
    log = tree(home / "logs")
    lines = [
        json.dumps({"level": "error" if n % 10 == 0 else "info", "message": f"order {n}", "n": n}) for n in range(LINES)
    ]
    log.write_text(
        "".join(envelope(line, f"2026-11-23T04:{n // 60:02}:{n % 60:02}.123456789Z") for n, line in enumerate(lines))
    )
    config = home / "pilotfish.yml"
    config.write_text(
        f"state_dir: {home}/state\ninputs: {{directory: {{path: {home}/logs}}}}\nhttp: {{listen: '127.0.0.1:0'}}\n"
    )
    agent = Agent(home, home / "state", config, log)
    with (home / "agent.log").open("w+") as written:
        process = subprocess.Popen([*COMMAND, "run", "-c", str(config)], env=environment(home), stderr=written)
        try:
            _await_documents(agent, process)
            yield agent
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(SECONDS)
        assert code == 0, (home / "agent.log").read_text()


def _await_documents(agent: Agent, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while not agent.ask("search", f"order {LINES - 1}", "-n", "1").out:
        assert process.poll() is None, (agent.home / "agent.log").read_text()
        assert time.monotonic() < deadline, (agent.home / "agent.log").read_text()
