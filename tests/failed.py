"""The tests that failed in a run of pytest, from its cache: `python -m tests.failed CACHE --most N --never FOLDER`."""

import argparse
import json
import sys
from pathlib import Path


def failed(cache: Path) -> list[str]:
    """Ids of the tests that failed in the run that wrote `cache`; none if none failed."""
    file = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(file.read_text())) if file.exists() else []


def main(arguments: list[str]) -> int:
    """Print the ids, one on a line; 1 if there is none, more than `--most`, or one of the folder `--never`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--most", type=int, required=True)
    parser.add_argument("--never", required=True)
    asked = parser.parse_args(arguments)
    tests = failed(asked.cache)
    print(*tests, sep="\n")
    is_never = any(test.startswith(asked.never) for test in tests)
    return 0 if 0 < len(tests) <= asked.most and not is_never else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
