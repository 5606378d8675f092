"""Schema, catalogue and commands → the tables in docs/: `python -m tests.reference` writes them, `test_docs` compares.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; the text around it is written by hand.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from collector.app import sizing
from collector.app.plugins import installed_types
from collector.config.environment import SECTIONS
from collector.config.others import ROWS
from collector.config.show import schema
from collector.container_settings.keys import KEYS
from collector.telemetry import catalogue
from tests.commands import overview, reference

ROOT = Path(__file__).parent.parent
EXAMPLE = sizing.Wanted(lines_per_second=10_000, document_bytes=430)  # of docs/sizing.md
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = ("Key", "Value", "Default", "Meaning")
_FORMATS = {"path": "path", "password": "secret"}

Node = Mapping[str, Any]


def render(page: str) -> str:
    """The page with each of its tables as it has to be now."""
    return _TABLE.sub(lambda match: f"{match[1]}\n{TABLES[match[2]]()}\n{match[3]}", page)


def pages() -> list[Path]:
    """The pages that hold a table."""
    found = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "outputs").glob("*.md")]
    return [path for path in sorted(found) if _TABLE.search(path.read_text("utf-8"))]


def table_of(page: str, heading: str) -> list[str]:
    """The first cells of the first table below a heading of a page."""
    below = (ROOT / page).read_text("utf-8").partition(f"# {heading}\n")[2].partition("\n#")[0]
    rows = [line for line in below.splitlines() if line.startswith("| ")]
    return [row.removeprefix("| ").partition(" | ")[0].strip() for row in rows[2:]]


def configuration() -> str:
    """Every key of `pilotfish.yml`, a table a section, in the order of the models."""
    whole = schema(installed_types())
    sections: list[tuple[str, Node]] = []
    keys = {key: node for key, node in whole["properties"].items() if key not in SECTIONS}
    root = list(_keys({**whole, "properties": keys}, whole, "", sections))
    tables = [_rows(_HEAD, root)]
    for name, section in sections:
        rows = _keys(section, whole, f"{name}.", [])
        tables += [f"### `{name}`\n", section["description"], "", _rows(_HEAD, rows)]
    return "\n".join([*tables, *_types(whole, "inputs"), *_types(whole, "outputs")])


def metrics() -> str:
    """Every series of the catalogue."""
    labels = {one.name: ", ".join(f"`{label}`" for label in one.labels) for one in catalogue.ALL}
    ordered = sorted(catalogue.ALL, key=lambda one: one.name.startswith("container_"))  # what is cAdvisor's comes last
    rows = [(f"`{one.name}`", one.kind, labels[one.name], one.help) for one in ordered]
    return _rows(("Series", "Type", "Labels", "Meaning"), rows)


def container_settings() -> str:
    """Everything that a container may ask for."""
    rows = [(f"`{key.name}`", key.help, f"`{key.example}`") for key in KEYS.values()]
    return _rows(("Setting", "Meaning", "Example"), rows)


def variables(program: str) -> str:
    """Every variable of log-pilot or logspout that has no effect, and what stands for it."""
    rows = [(", ".join(f"`{name}`" for name in row.names), row.here.replace("{}", "<name>")) for row in ROWS[program]]
    return _rows((f"Variable of {program}", "Here"), rows)


def promises() -> str:
    """Every type of output, and what it promises."""
    types = installed_types().outputs
    found = [(name, types[name].model_construct(type=name).promise()) for name in types]
    rows = [(f"`{name}`", promise.words, promise.text) for name, promise in sorted(found)]
    return _rows(("Type", "Promise with default options", "By what"), rows)


def size() -> str:
    """What `pilotfish size` says of the example of the page."""
    rows = [(row.part, row.what, words, row.source) for row, words in sizing.with_words(sizing.sized(EXAMPLE))]
    return _rows(("Part", "What", "Need", "Calculated from"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "configuration": configuration,
    "metrics": metrics,
    "container_settings": container_settings,
    "log_pilot": lambda: variables("log-pilot"),
    "logspout": lambda: variables("logspout"),
    "overview": overview,
    "commands": reference,
    "promises": promises,
    "size": size,
}


def _types(whole: Node, section: str) -> Iterator[str]:
    """One table of what all inputs, or outputs, share, then one for each type with its own keys and defaults."""
    what = section.removesuffix("s")
    (kinds,) = whole["properties"][section]["patternProperties"].values()
    types = {name: _resolved({"$ref": ref}, whole) for name, ref in kinds["discriminator"]["mapping"].items()}
    rows = {name: [row for row in _keys(each, whole, "", []) if row[0] != "`type`"] for name, each in types.items()}
    shared = [row for row in next(iter(rows.values())) if all(row in others for others in rows.values())]
    default = "required" if section == "outputs" else f"the name of the {what}"
    kind = ("`type`", _or(types), default, f"the type of {what}: one of the sections below")
    yield from (f"### Every {what}: `{section}.<name>`\n", _rows(_HEAD, [kind, *shared]))
    for name, each in types.items():
        own = [row for row in rows[name] if row not in shared]
        written = name if yaml.safe_load(name) == name else f'"{name}"'  # null is YAML's own word
        yield from (f"### {what.capitalize()} `type: {written}`\n", each["description"], "")
        if own:
            yield _rows(_HEAD, own)


def _keys(section: Node, whole: Node, above: str, sections: list[tuple[str, Node]]) -> Iterator[tuple[str, ...]]:
    """A row for each value of a section; sections inside it are appended to `sections`."""
    for key, node in section["properties"].items():
        inner = next((each for each in _choices(node, whole) if "properties" in each), None)
        if inner is None:
            default = "required" if key in section.get("required", ()) else _default(node)
            yield (f"`{above}{key}`", _value(node, whole), default, node["description"])
        elif any("properties" in each for part in inner["properties"].values() for each in _choices(part, whole)):
            list(_keys(inner, whole, f"{above}{key}.", sections))
        else:
            sections.append((f"{above}{key}", inner))


def _resolved(node: Node, whole: Node) -> Node:
    if "$ref" not in node:
        return node
    target: Node = whole["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return target


def _choices(node: Node, whole: Node) -> list[Node]:
    return [_resolved(each, whole) for each in node.get("anyOf", [node])]


def _value(node: Node, whole: Node) -> str:
    kinds = [_kind(each) for each in _choices(node, whole)]
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind))


def _kind(node: Node) -> str:
    if "enum" in node:
        return _or(node["enum"])
    if isinstance(node.get("type"), list):
        return "text or off"
    if node.get("type") == "array":
        return "list"
    plain = {"string": "text", "boolean": "true or false", "null": ""}
    kind = str(node.get("type", ""))
    return _FORMATS.get(node.get("format", ""), plain.get(kind, kind))


def _default(node: Node) -> str:
    value = node.get("default")
    return "" if value is None else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _or(words: Iterable[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def _escaped(cell: str) -> str:
    """A cell that Markdown shows as it stands: no end of the cell inside, no HTML outside of code."""
    parts = cell.replace("|", "\\|").split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))


def main() -> None:
    """Write the tables anew."""
    for path in pages():
        path.write_text(render(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
