"""What an operator wants, and which server it is → every object that is to be there, in the order of its making.

Policy, then the component with our mappings, then one for the operator's own (`…@custom`, empty, never touched again:
what stands there is laid over ours and survives each update), then the index template that composes them.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from collector.errors import UsageError
from collector.ports import Setup

from ..bulk import TARGET_BYTES
from ..cluster import Server
from ..marks import Mark, marked
from ..profiles import Profile, check, profile_of
from ..templates import (
    ANOTHER_FORM,
    META,
    VERSION,
    component,
    composable,
    form_name,
    legacy,
    legacy_mark,
    patterns_of,
    patterns_of_targets,
    priority_of,
    template_name,
    unserved,
)
from . import lifecycle

SERVERS = {
    "elasticsearch-8": Server("8.19.0", opensearch=False),  # 9 takes the same, 8 before 8.14 does not
    "elasticsearch-7": Server("7.17.0", opensearch=False),
    "elasticsearch-6": Server("6.8.0", opensearch=False),
    "opensearch": Server("2.19.0", opensearch=True),
}
LEAST_RETENTION = timedelta(days=1)
_SHARED = ("*", "logs-*")  # how patterns begin that others' indices are likely to meet

Lifecycle = Literal["ilm", "ism", "none"]
Rank = Literal["", "priority", "order", "ism_template"]  # the member that says which has precedence where two meet


class Requested(Struct, frozen=True, kw_only=True):
    """An operator's wishes, found possible: `index` and `targets` as the patterns of the template's name `name`."""

    index: str
    form: str
    name: str
    patterns: list[str]
    retention: timedelta | None
    data_stream: bool
    profile: Profile
    is_shared: bool  # whether indices of others may well meet the patterns

    @property
    def has_policy(self) -> bool:
        """Whether there is anything for a lifecycle to do."""
        return self.retention is not None or self.data_stream


class Wanted(NamedTuple):
    """An object that is to be there: `path` is where it is put, `opened` takes it out of the answer to its GET.

    `mark` None: it is made if it is missing, and then it is the operator's.
    """

    subject: str
    path: str
    body: dict[str, Any]
    mark: Mark | None
    opened: Callable[[Any], dict[str, Any]]
    rank: Rank = ""  # of what has patterns, that may meet those of others

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def scope(self, body: dict[str, Any]) -> tuple[list[str], int]:
        """The patterns that such an object is for, and its precedence; `body` is this one's or that which is there."""
        if self.rank == "ism_template":
            templates = body.get("policy", {}).get("ism_template") or [{}]
            template = templates[0] if isinstance(templates, list) else templates
            return list(template.get("index_patterns") or ()), int(template.get("priority") or 0)
        return list(body.get("index_patterns") or ()), int(body.get(self.rank) or 0)

    @property
    def request(self) -> str:
        """What puts it where nobody looks beforehand: the operator's is never replaced, the server answers 400."""
        return f"PUT {self.path}{'' if self.mark else '?create=true'}"


def requested(index: str, form: str, setup: Setup, profile: Profile) -> Requested:
    """What `setup` means for an output with this `index` and `profile`, for documents in this form.

    Raises:
        UsageError: it cannot be.
    """
    _check_names(index, setup)
    is_shared = not setup.targets and any(_is_shared(pattern) for pattern in _unexpanded(index))
    if setup.retention is not None:
        _check_retention(index, setup.retention, data_stream=setup.data_stream, is_shared=is_shared)
    return Requested(
        index=index,
        form=form,
        name=template_name(index),
        patterns=patterns_of_targets(index, setup.targets),
        retention=setup.retention,
        data_stream=setup.data_stream,
        profile=_profile(setup) or profile,
        is_shared=is_shared,
    )


def _profile(setup: Setup) -> Profile | None:
    try:
        return profile_of(setup.profile) if setup.profile else None
    except ValueError as error:
        raise UsageError(f"--profile: {error}") from None


def _check_names(index: str, setup: Setup) -> None:
    if setup.data_stream and "%" in index:
        raise UsageError(
            f"index: {index} has a date, but the name of a data stream has none",
            'set for example index: "logs-{target}-default"',
        )
    if not setup.data_stream and "%" not in index:
        raise UsageError(
            f"index: {index} has no date: its template is yours, if it is an alias",
            "with --data-stream it becomes the template of data streams",
        )
    if setup.targets and "{target}" not in index:
        raise UsageError(f"index: {index} contains no {{target}}", "leave --target out: all documents are meant")
    if any(len(target) > TARGET_BYTES for target in setup.targets):
        raise UsageError(f"--target: is longer than {TARGET_BYTES} characters", "give the beginning and *")


def _check_retention(index: str, retention: timedelta, *, data_stream: bool, is_shared: bool) -> None:
    if retention < LEAST_RETENTION:
        raise UsageError("--retention: is shorter than a day", "give 1d or more")
    if not data_stream and not lifecycle.is_named_once(index):
        raise UsageError(
            f"index: {index} uses the same index names again each month or year, so retention would delete "
            "new lines too",
            'set an index whose names never repeat, for example "{target}-%Y.%m.%d", "{target}-%G.%V" or '
            '"{target}-%Y.%m"',
        )
    if is_shared:
        raise UsageError(
            f"index: {index} may match indices of others, and retention would delete those too",
            "name the targets (--target 'shop-*'), or state that all such indices are Pilotfish's (--target '*')",
        )


def _unexpanded(index: str) -> list[str]:
    patterns = patterns_of(index)
    return patterns if len(patterns) == 1 else ["*"]  # spelled out by first characters


def _is_shared(pattern: str) -> bool:
    return any(pattern.startswith(beginning) for beginning in _SHARED)


def wanted(requested: Requested, server: Server, kind: Lifecycle) -> list[Wanted]:
    """All objects for this server, which has this kind of lifecycle.

    Raises:
        UsageError: such a server cannot have it.
    """
    if requested.data_stream and not server.streams:
        raise UsageError(f"{server} has no data streams", "set an index with a date, and leave --data-stream out")
    if reason := unserved(requested.form, server):
        raise UsageError(reason, ANOTHER_FORM)
    check(requested.profile, server)
    policies = [_policy(requested, server, kind)] if requested.has_policy and kind != "none" else []
    settings = {"index.lifecycle.name": requested.name} if policies and kind == "ilm" else {}
    if not server.composes:
        return [*policies, _legacy(requested, server, settings)]
    mappings = f"{form_name(requested.form, requested.profile)}@mappings"
    custom = f"{form_name(requested.form)}@custom"
    template = composable(requested.patterns, [mappings, custom], settings=settings, data_stream=requested.data_stream)
    return [
        *policies,
        _component(mappings, component(server, requested.form, requested.profile), META),
        _component(custom, {"template": {}}, None),
        Wanted(
            f"index template {requested.name}",
            f"/_index_template/{requested.name}",
            template,
            META,
            lambda told: dict(told["index_templates"][0]["index_template"]),
            rank="priority",
        ),
    ]


def exported(index: str, form: str, setup: Setup, server: str, profile: Profile) -> list[Wanted]:
    """All objects for a kind of server, a name in `SERVERS`, with the lifecycle that it usually has.

    Raises:
        UsageError: `setup` asks for what cannot be.
    """
    if server not in SERVERS:
        raise UsageError(f"--server: {server} is unknown", f"use one of {', '.join(SERVERS)}")
    known = SERVERS[server]
    return wanted(requested(index, form, setup, profile), known, "ism" if known.opensearch else "ilm")


def _component(name: str, body: dict[str, Any], mark: Mark | None) -> Wanted:
    def opened(told: Any) -> dict[str, Any]:
        return dict(told["component_templates"][0]["component_template"])

    return Wanted(f"component template {name}", f"/_component_template/{name}", body, mark, opened)


def _legacy(requested: Requested, server: Server, settings: dict[str, Any]) -> Wanted:
    name = requested.name
    return Wanted(
        f"index template {name}",
        f"/_template/{name}",
        legacy(requested.patterns, server, requested.form, settings=settings, profile=requested.profile),
        legacy_mark(server),
        lambda told: dict(told[name]),
        rank="order",
    )


def _policy(requested: Requested, server: Server, kind: Lifecycle) -> Wanted:
    name = requested.name
    if kind == "ilm":
        mark = Mark(("policy", "_meta"))
        body = lifecycle.ilm(requested.index, requested.retention, server)
        if server.has_policy_meta:
            body = marked(body, mark, VERSION)
        return Wanted(
            f"lifecycle policy {name}",
            lifecycle.policy_path(name, server),
            body,
            mark,
            lambda told: {"policy": dict(told[name]["policy"])},
        )
    mark = Mark(("policy", "description"), in_text=True)
    patterns, priority = requested.patterns, priority_of(requested.patterns)
    body = lifecycle.ism(requested.index, requested.retention, patterns=patterns, priority=priority)
    return Wanted(
        f"lifecycle policy {name}",
        lifecycle.policy_path(name, server),
        marked(body, mark, VERSION),
        mark,
        lambda told: {"policy": dict(told["policy"])},
        rank="ism_template",
    )
