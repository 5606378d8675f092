"""What the documents cost a server and what it can tell of them: settings and mappings of `setup`, by a name.

`lean` finds words, phrases and ranges in every member of a line, and counts the whole values of the trusted members,
`level` and `event`. `search` counts those of every text of a line besides, for which each is indexed twice. `logsdb`
is `lean` in Elasticsearch's mode for logs, which sorts an index by container and time. Where the licence allows, the
server then keeps no documents but makes them anew of their fields: that is what takes less room.
What each costs is measured by `script/bench server`: docs/elasticsearch.md.
"""

from typing import Any, Literal, get_args

from collector.errors import UsageError

from .cluster import Server

Profile = Literal["lean", "search", "logsdb"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
USUAL: Profile = "lean"

_EVENT: dict[str, Any] = {  # of a daemon's events: the boards count them by this
    "path_match": "log.event",
    "match_mapping_type": "string",
    "mapping": {"type": "text", "norms": False, "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
}


def profile_of(name: str) -> Profile:
    """The profile of this name.

    Raises:
        ValueError: there is none.
    """
    for each in PROFILES:
        if each == name:
            return each
    raise ValueError(f"there is no profile {name!r}; the profiles are {', '.join(PROFILES)}")


def check(profile: Profile, server: Server) -> None:
    """See that the server has what the profile needs.

    Raises:
        UsageError: it has not.
    """
    if profile == "logsdb" and not server.has_logsdb:
        raise UsageError(f"{server} has no mode `logsdb`, which Elasticsearch has from 8.17 on", f"use profile {USUAL}")


def applied(body: dict[str, Any], profile: Profile, sorted_by: str) -> dict[str, Any]:
    """`body`, the settings and mappings of an index, as the profile wants them; it is changed.

    `sorted_by` is the field of the container's name.
    """
    settings, mappings = body["settings"], body["mappings"]
    if profile == "logsdb":
        settings["index.mode"] = "logsdb"
        settings["index.sort.field"] = [sorted_by, "@timestamp"]
        settings["index.sort.order"] = ["asc", "desc"]
    else:
        settings["index.codec"] = "best_compression"
    if profile == "search":
        return body
    rules = mappings["dynamic_templates"]
    for rule in rules:
        for each in rule.values():
            if each["mapping"].get("type") == "text":
                each["mapping"].pop("fields", None)
    rules.insert(0, {"pilotfish_event": _EVENT})
    return body
