"""A directory input made by hand: containers as dockerd leaves them on disk, with any bytes for lines."""

import hashlib
import json
from pathlib import Path
from typing import Any


class LogTree:
    """Folders `<id>/<id>-json.log` with `config.v2.json` below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def container(self, name: str, *, labels: dict[str, str] | None = None, running: bool = True) -> Path:
        """Make a container's folder; returns the path of its log."""
        container_id = hashlib.sha256(name.encode()).hexdigest()
        folder = self.root / container_id
        folder.mkdir()
        config: dict[str, Any] = {
            "ID": container_id,
            "Name": f"/{name}",
            "State": {"Running": running},
            "Config": {"Labels": labels or {}},
        }
        (folder / "config.v2.json").write_text(json.dumps(config))
        return folder / f"{container_id}-json.log"


def envelope(text: str, second: int, *, stream: str = "stdout") -> bytes:
    """A line as Docker writes it; `second` makes its time."""
    time = f"2026-11-23T10:{second // 60:02d}:{second % 60:02d}.5Z"
    return json.dumps({"log": text, "stream": stream, "time": time}, separators=(",", ":")).encode() + b"\n"
