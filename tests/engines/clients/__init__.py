"""The official Python clients of Elasticsearch, each major in a directory of its own: two do not fit into one Python.

`install` puts them there, as `elasticsearch-<major>.lock` says; `read` runs `reader.py` with one of them, in a process
of its own as a user's program.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.engines.catalogue import engines_root
from tests.engines.process import EngineError
from tests.engines.search_server import SearchServer

MAJORS = (7, 8)
_HERE = Path(__file__).parent


def client_directory(major: int) -> Path:
    """Where a client is, or will be: another lock or another Python has another place."""
    lock = (_HERE / f"elasticsearch-{major}.lock").read_bytes()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return engines_root() / f"elasticsearch-py-{major}-{version}-{hashlib.sha256(lock).hexdigest()[:12]}"


def install() -> None:
    """Install what is missing.

    Raises:
        EngineError: pip could not.
    """
    for major in MAJORS:
        directory = client_directory(major)
        if not directory.is_dir():
            print(f"engines: installing the client of Elasticsearch {major}", flush=True)
            pip_install(_HERE / f"elasticsearch-{major}.lock", directory)


def pip_install(lock: Path, directory: Path) -> None:
    """Install beside the final place and rename: a broken installation is never taken for a whole one.

    Raises:
        EngineError: pip could not.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".incoming-", dir=directory.parent))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    words = [*pip, "install", "--require-hashes", "--target", str(staging / "site"), "-r", str(lock)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EngineError(f"pip install -r {lock.name} failed:\n{done.stderr[-1000:]}")
        (staging / "site").rename(directory)
    finally:
        shutil.rmtree(staging)


def read(server: SearchServer, index: str, message: str) -> dict[str, Any]:
    """What `reader.py` finds with the client of the server's major: see there.

    Raises:
        EngineError: the client was never installed, or could not read.
    """
    directory = client_directory(int(server.version.partition(".")[0]))
    if not directory.is_dir():
        raise EngineError(f"{directory.name} is not installed: run python -m tests.engines.install")
    given = {"url": server.url, "ca": server.ca_file and str(server.ca_file), "user": server.username}
    asked = {**given, "password": server.password, "index": index, "message": message}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", _HERE / "reader.py"],
        input=json.dumps(asked),
        env=os.environ | {"PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise EngineError(f"the client could not read:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
