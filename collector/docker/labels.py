"""A container's labels and environment → the streams it asks for.

`aliyun.logs.<name>=stdout` follows the output as `<name>`; `aliyun.logs.<name>.target` names another target.
The environment form has `_` for `.`, and so a name may hold `_` in it: known suffixes are taken from the right.
The environment wins over a label of the same name. Both forms: log-pilot's README and `pilot/pilot.go`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from collector.text.bounds import MOST_BYTES, is_cut, slim

MOST_ENTRIES = 16  # of one container: each is an index of a day of its own, and every line once more
_MOST_FAULTS = 16  # that are told of one container
_PREFIX = "aliyun"
_OPTIONS = ("target", "tags", "format")  # of an entry; only `target` has a meaning here
_EXCLUDE = "pilotfish.exclude"
_OTHERS = ("com.docker.", "io.kubernetes.")  # where labels begin that tell where a container belongs


class Entry(NamedTuple):
    """One stream that a container asks for: `name` is "" for the default target.

    `source` is what it names as the place of its lines; `options` are the others of the entry, as they are written:
    `format`, `format.pattern`, `tags`.
    """

    name: str
    target: str
    source: str = "stdout"
    options: Mapping[str, str] = {}


class Wanted(NamedTuple):
    """What a container asks for; `faults` say what it asks for in vain."""

    entries: list[Entry]
    faults: list[str]


def _shown(name: str) -> str:
    """As much of a name as a message bears."""
    return name if len(name) <= 80 else f"{name[:79]}…"


def is_excluded(labels: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    """Whether the container asks not to be followed."""
    return labels.get(_EXCLUDE, "").lower() in ("true", "1", "yes") or environment.get("LOGSPOUT") == "ignore"


def wanted(labels: Mapping[str, str], environment: Mapping[str, str], default_target: str, *, select: str) -> Wanted:
    """The entries of a container; without any, the default target, unless only labelled ones are selected.

    Two entries that give one target are one stream: the first by name stands for both. Of more than `MOST_ENTRIES` the
    first by name are followed. Names are kept with positions, so one that is too long is none.
    """
    options = _from_labels(labels) | _from_environment(environment)
    names = sorted({name for name, option in options if option == "" and name.strip()})
    faults = [f"{_PREFIX}.logs.<name> without a name is not followed"] if _has_nameless(options) else []
    if too_long := [name for name in names if is_cut(name)]:
        names = [name for name in names if not is_cut(name)]
        faults.append(
            f"{len(too_long)} of its entries are not followed, {_shown(too_long[0])} first: "
            f"a name has {MOST_BYTES} bytes at most"
        )
    entries: dict[str, Entry] = {}
    more_of: dict[str, dict[str, str]] = {}
    for (name, option), value in options.items():
        if option not in ("", "target"):
            more_of.setdefault(name, {})[option] = value
    for name in names:
        where = options[name, ""]
        if where != "stdout":
            faults.append(f"{_PREFIX}.logs.{_shown(name)}={where[:80]} is not followed: only `stdout` is")
            continue
        target = options.get((name, "target"), "").strip() or name
        entries.setdefault(target, Entry(name, target, where, more_of.get(name, {})))
    if len(entries) > MOST_ENTRIES:
        more = list(entries)[MOST_ENTRIES:]
        first = _shown(entries[more[0]].name)
        faults.insert(
            0, f"{len(more)} of its entries are not followed, from {first} on: a container has {MOST_ENTRIES}"
        )
        entries = {target: entries[target] for target in list(entries)[:MOST_ENTRIES]}
    if len(faults) > _MOST_FAULTS:
        faults[_MOST_FAULTS:] = [f"and {len(faults) - _MOST_FAULTS} more"]
    if not names and select == "all":
        entries[default_target] = Entry("", default_target)
    return Wanted(list(entries.values()), faults)


def default_target(labels: Mapping[str, str], name: str) -> str:
    """The swarm or compose service, else the container's name."""
    return service(labels) or name


def service(labels: Mapping[str, str]) -> str:
    """The swarm service, else the compose service, else ""."""
    return labels.get("com.docker.swarm.service.name") or labels.get("com.docker.compose.service") or ""


def trusted_fields(labels: Mapping[str, str]) -> dict[str, str]:
    """Members that tell where the container belongs; only those that exist."""
    fields = {
        "docker_app": labels.get("com.docker.stack.namespace") or labels.get("com.docker.compose.project") or "",
        "docker_service": service(labels),
        "docker_task": labels.get("com.docker.swarm.task.name", ""),  # as `docker service ps` has it
        "k8s_pod": labels.get("io.kubernetes.pod.name", ""),
        "k8s_pod_namespace": labels.get("io.kubernetes.pod.namespace", ""),
        "k8s_container_name": labels.get("io.kubernetes.container.name", ""),
    }
    return {name: value for name, value in fields.items() if value}


def relevant(labels: Mapping[str, str]) -> dict[str, str]:
    """Those that anybody here asks for, without the bulk of their values."""
    starts = (f"{_PREFIX}.logs.", _EXCLUDE, *_OTHERS)
    return slim({key: value for key, value in labels.items() if key.startswith(starts)})


def parse_environment(lines: list[str]) -> dict[str, str]:
    """`["A=b"]` → `{"A": "b"}`, of those that anybody here asks for."""
    asked = (line for line in lines if line.startswith((f"{_PREFIX}_logs_", "LOGSPOUT=")))
    return slim(dict(line.partition("=")[::2] for line in asked))


def _from_labels(labels: Mapping[str, str]) -> dict[tuple[str, str], str]:
    start = f"{_PREFIX}.logs."
    return {_split(key[len(start) :], "."): value for key, value in labels.items() if key.startswith(start)}


def _from_environment(environment: Mapping[str, str]) -> dict[tuple[str, str], str]:
    start = f"{_PREFIX}_logs_"
    return {_split(key[len(start) :], "_"): value for key, value in environment.items() if key.startswith(start)}


def _has_nameless(options: Iterable[tuple[str, str]]) -> bool:
    """`aliyun.logs.`, `aliyun.logs..target`: what was to be between the points was empty where it was made."""
    return any(not name.strip() for name, _ in options)


def _split(key: str, separator: str) -> tuple[str, str]:
    """`web.target` → (`web`, `target`), `web` → (`web`, "")."""
    for option in _OPTIONS:
        name = key.removesuffix(separator + option)
        if name != key:
            return name, option
        if f"{separator}{option}{separator}" in key:  # `web.format.pattern`: an option of an option
            name, _, rest = key.partition(f"{separator}{option}{separator}")
            return name, f"{option}.{rest}"
    return key, ""
