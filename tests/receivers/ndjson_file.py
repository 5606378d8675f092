"""A file of the output `ndjson_file`, which nobody has to serve."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import orjson

from tests.receivers import receiver


class Receiver(receiver.Receiver):
    """The file and those that rotation makes of it."""

    server = "a file"
    port = 0

    def start(self) -> None:
        """Nothing has to run."""

    def kill(self) -> None:
        """Nothing runs."""

    def stop(self) -> None:
        """Nothing runs."""

    def options(self) -> Mapping[str, Any]:
        """A file below the directory."""
        return {"type": "ndjson_file", "path": str(self.directory / "documents")}

    def stored(self) -> dict[str, list[bytes]]:
        """Each line that is whole."""
        found: dict[str, list[bytes]] = defaultdict(list)
        for path in self.directory.glob("documents*"):
            for line in path.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    document = orjson.loads(line)
                    found[document.pop("_id")].append(orjson.dumps(document))
        return found
