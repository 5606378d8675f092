"""`python -m tests.engines.install`: everything the real servers need → installed; a second run takes a second."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.engines import clients, debian, debian_base, seaweedfs
from tests.engines.account import engine_account
from tests.engines.catalogue import ARTIFACTS, Artifact
from tests.engines.process import EngineError

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pilotfish.tests</groupId><artifactId>engine</artifactId><version>1</version>
  <dependencies>{}</dependencies>
</project>
"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def main() -> int:
    """Install all; 0, or 1 with one line of cause and remedy."""
    try:
        debian.install_missing()
        engine_account()
        for artifact in ARTIFACTS:
            if not artifact.directory.is_dir():
                _download(artifact)
        debian_base.make_base()
        clients.install()
        seaweedfs.install()
    except (EngineError, OSError, subprocess.SubprocessError) as problem:
        print(f"engines: {problem}", file=sys.stderr)
        return 1
    return 0


def _download(artifact: Artifact) -> None:
    """Unpack beside the final place and rename: a broken download is never taken for an engine."""
    began = time.monotonic()
    print(f"engines: fetching {artifact.name} {artifact.version}", flush=True)
    root = artifact.directory.parent
    root.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".incoming-", dir=root))
    try:
        unpacked = _fetch_libraries(artifact, staging) if artifact.libraries else _fetch_zip(artifact, staging)
        unpacked.chmod(0o755)
        unpacked.rename(artifact.directory)
    except OSError:
        if not artifact.directory.is_dir():  # else another run was faster
            raise
    finally:
        shutil.rmtree(staging)
    print(f"engines: {artifact.name} {artifact.version} installed in {time.monotonic() - began:.0f} s", flush=True)


def _fetch_zip(artifact: Artifact, staging: Path) -> Path:
    _maven("unpack", f"-Dartifact={artifact.coordinates}", f"-DoutputDirectory={staging}", directory=staging)
    return staging / f"{artifact.name}-{artifact.version}"


def _fetch_libraries(artifact: Artifact, staging: Path) -> Path:
    each = [_DEPENDENCY.format(*one.split(":")) for one in artifact.coordinates.split()]
    (staging / "pom.xml").write_text(_PROJECT.format("".join(each)))
    _maven("copy-dependencies", f"-DoutputDirectory={staging}/lib", directory=staging)
    return staging / "lib"


def _maven(goal: str, *words: str, directory: Path) -> None:
    done = subprocess.run(
        ["mvn", "--batch-mode", "--no-transfer-progress", f"{_PLUGIN}:{goal}", *words],
        cwd=directory,
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
        raise EngineError(f"mvn {goal} {' '.join(words)} failed: {errors[0] if errors else done.stdout[-500:]}")


if __name__ == "__main__":
    sys.exit(main())
