"""The template that `run` installs at its first connect: since mappings cannot be mended later, never none at all.

Where `setup` was here, its template supersedes this one, and nothing is installed.
"""

import msgspec

from .cluster import Server
from .connection import Connection, words_of
from .node import Answer
from .templates import patterns_of, template, template_name


async def install_template(connection: Connection, index: str, server: Server | None) -> str:
    """Create the template for indices named by `index` unless it is there already; what hindered it, or "".

    Raises:
        Unavailable: no answer came, or a refusal that passes; an index made before the template keeps its mapping.
    """
    if "%" not in index:  # one for all days: an operator's index or alias, or a data stream of `setup`'s
        return ""
    if server and server.composes and await _is_superseded(connection, index):
        return ""
    body = msgspec.json.encode(template(index, server))
    answer = await connection.request("PUT", f"/_template/{template_name(index)}?create=true", body)
    if answer.status == 200 or (answer.status == 400 and b"already exists" in answer.body):
        return ""
    _raise_what_passes(connection, answer)
    return f"{answer.status}: {words_of(answer)}"


async def _is_superseded(connection: Connection, index: str) -> bool:
    """Whether `setup` has installed a template for all these indices, not for those of some targets only."""
    answer = await connection.request(
        "GET", f"/_index_template/{template_name(index)}?filter_path=index_templates.index_template.index_patterns"
    )
    _raise_what_passes(connection, answer)
    if answer.status != 200:
        return False
    try:
        found = msgspec.json.decode(answer.body)["index_templates"][0]["index_template"]["index_patterns"]
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError):
        return False
    return set(patterns_of(index)) <= set(found)


def _raise_what_passes(connection: Connection, answer: Answer) -> None:
    """A refusal that passes by itself."""
    if answer.status == 429 or answer.status >= 500:
        raise connection.refusal(answer)
