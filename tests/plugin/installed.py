"""A distribution as `pip install` leaves it in a directory: its modules, and what its metadata says of them."""

from collections.abc import Mapping
from pathlib import Path


def install(
    directory: Path,
    name: str,
    *,
    outputs: Mapping[str, str] = {},
    inputs: Mapping[str, str] = {},
    modules: Mapping[str, str],
    version: str = "1.0",
    has_metadata: bool = True,
) -> Path:
    """Put it into `directory`, which has to be on the path; `outputs` and `inputs` are entry points."""
    info = directory / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    if has_metadata:
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = {"outputs": outputs, "inputs": inputs}
    lines = [
        line
        for group, entries in groups.items()
        for line in (f"[pilotfish.{group}]", *(f"{name} = {where}" for name, where in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for module, text in modules.items():
        (directory / f"{module}.py").write_text(text)
    return directory
