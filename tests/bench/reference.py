"""The plain loop to compare with: per line orjson.loads twice, a dict, orjson.dumps and an id; igzip per 1,000 lines.

It reads, enriches and compresses what the collector does, and sends nothing: the least that a straightforward program
in Python needs.
"""

import sys
from base64 import b32encode
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import orjson
from isal import igzip


def run(root: Path) -> int:
    """Read the whole tree; returns the number of lines."""
    total = 0
    for log in sorted(root.glob("*/*-json.log")):
        with log.open("rb", buffering=1 << 20) as file:
            total += loop(file, log.name)
    return total


def loop(lines: Iterable[bytes], name: str) -> int:
    """One file's lines; returns their number."""
    total = 0
    body: list[bytes] = []
    prefix = b32encode(blake2b(name.encode(), digest_size=10).digest()).decode()
    for number, raw in enumerate(lines):
        body += document(raw, f"{prefix}-{number}")
        if len(body) >= 2000:
            igzip.compress(b"\n".join(body), 1)
            body.clear()
        total += 1
    igzip.compress(b"\n".join(body), 1)
    return total


def document(raw: bytes, name: str) -> tuple[bytes, bytes]:
    """A raw line's action line and document."""
    line = orjson.loads(raw)
    text = line["log"].rstrip("\n")
    try:
        log = orjson.loads(text)
        if not isinstance(log, dict):
            log = {"message": text}
    except orjson.JSONDecodeError:
        log = {"message": text}
    time = line["time"]
    document = {
        "log": log,
        "stream": line["stream"],
        "@timestamp": time,
        "host": "bench",
        "@target": "web",
        "docker_container": "web",
    }
    action = {"create": {"_index": f"web-{time[:10].replace('-', '.')}", "_id": name}}
    return orjson.dumps(action), orjson.dumps(document)


if __name__ == "__main__":
    sys.stdout.write(f"{run(Path(sys.argv[1]))}\n")
