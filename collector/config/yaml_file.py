"""`pilotfish.yml` → its values and the line of each key.

Words mean what YAML 1.2 and editors say: `true` and `false` alone are no texts, so that `off`, `no` and `2026-11-20`
are what somebody wrote. An option that is yes or no takes them all the same.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from collector.errors import UNREADABLE, ConfigurationError
from collector.files import paths

MOST_LEVELS = 32  # of sections within sections: we have five
MOST_VALUES = 100_000  # of all values, each counted as often as an alias repeats it
_KINDS = {list: "a list", str: "a string", int: "a number", float: "a number", bool: "yes or no"}
_ELSEWHERE_TEXTS = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
_NO_VALUE = (ValueError, LookupError, AttributeError, TypeError)  # PyYAML, of a text that its tag does not fit
_SECOND = "expected a single document in the stream"  # PyYAML's words
_KEY_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


class FileValues(NamedTuple):
    """What a file says: nested values and, for the path of each key, its line counted from 1."""

    name: str
    values: dict[str, Any]
    lines: dict[tuple[str, ...], int]


def read(path: Path) -> FileValues:
    """Read and parse a file; an empty one says nothing.

    Raises:
        ConfigurationError: it cannot be read, is not YAML, holds a key twice, or is not made of `key: value`.
    """
    try:
        text = paths.content(path).decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path}: no such file", "give -c the path of an existing file, or leave it out"
        ) from None
    except UNREADABLE:
        raise ConfigurationError(f"{path}: is not UTF-8 text", "save it as UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})", "check path and permissions") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> FileValues:
    """Parse the text of a file called `name`.

    Raises:
        ConfigurationError: as `read`.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return FileValues(name, {}, {})
        lines = _lines(node, name)
        values = loader.construct_document(node)
    except yaml.YAMLError as error:
        raise _broken(error, name) from None
    except _NO_VALUE:  # of a number too long for Python, or a tag such as !!int before what is none
        raise ConfigurationError(
            f"{name}: contains a value that does not match its YAML type", "put it in quotes"
        ) from None
    if values is None:
        return FileValues(name, {}, {})
    if not isinstance(values, dict):
        kind = _KINDS.get(type(values), "a single value")
        raise ConfigurationError(f"{name}:{_line(node)}: the top level is {kind}", "write lines of `key: value`")
    return FileValues(name, values, lines)


class _Loader(yaml.SafeLoader):
    """Refuses what no configuration is; the words of YAML 1.2."""

    _level = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._level += 1
        if self._level > MOST_LEVELS:
            mark: yaml.Mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"more than {MOST_LEVELS} levels of sections", problem_mark=mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self._level -= 1


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in _ELSEWHERE_TEXTS]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")


def _broken(error: yaml.YAMLError, name: str) -> ConfigurationError:
    """One line for a parser's error; what it quotes is cut out, for it may be a piece of a secret."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return ConfigurationError(
            f"{name}: is not YAML: it contains characters that YAML forbids", "save it as plain text"
        )
    mark = error.problem_mark or error.context_mark
    problem = re.sub(r"'[^']*'", _clipped, error.problem or "broken")
    remedy = "check indentation, colons and quotes there"
    if error.context == _SECOND:
        problem, remedy = "a second document begins", "remove the line --- there"
    elif isinstance(error, yaml.composer.ComposerError | yaml.constructor.ConstructorError):
        problem = "a value begins with *, & or !, which have a meaning in YAML"
        remedy = "put the value in quotes"
    return ConfigurationError(f"{name}:{mark.line + 1 if mark else 1}: is not YAML: {problem}", remedy)


def _clipped(quoted: re.Match[str]) -> str:
    """Keep what a parser quotes of YAML's own signs, `':'` or `'<block end>'`."""
    return quoted[0] if len(quoted[0]) <= 6 or quoted[0][1] == "<" else "'…'"


def _lines(root: yaml.Node, name: str) -> dict[tuple[str, ...], int]:
    """Find the line of each key and element; refuse what YAML lets pass: a key twice, an alias within itself."""
    found: dict[tuple[str, ...], int] = {}
    values = 0

    def walk(node: yaml.Node, path: tuple[str, ...], above: tuple[yaml.Node, ...]) -> None:
        nonlocal values
        values += 1
        if values > MOST_VALUES:
            raise ConfigurationError(f"{name}: contains more than {MOST_VALUES} values", "use fewer aliases")
        if node in above:
            raise ConfigurationError(
                f"{name}:{_line(node)}: {'.'.join(path)}: contains itself", "write it without the alias"
            )
        if isinstance(node, yaml.SequenceNode):
            for number, child in enumerate(node.value):
                found[*path, str(number)] = _line(child)
                walk(child, (*path, str(number)), (*above, node))
        if isinstance(node, yaml.MappingNode):
            _check_keys([key for key, _ in node.value], f"{name}:{{}}: {'.'.join(path) or 'the top level'}")
            for key, child in node.value:
                found[*path, key.value] = _line(key)
                walk(child, (*path, key.value), (*above, node))

    walk(root, (), ())
    return found


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _check_keys(keys: list[yaml.Node], where: str) -> None:
    seen: dict[str, int] = {}
    for key in keys:
        here = where.format(_line(key))
        if not isinstance(key, yaml.ScalarNode) or key.tag not in _KEY_TAGS:
            raise ConfigurationError(f"{here}: a key is not a string", "put the key in quotes")
        if key.value in seen:
            raise ConfigurationError(f"{here}: {key.value} appears twice", f"it is on line {seen[key.value]} too")
        seen[key.value] = _line(key)
