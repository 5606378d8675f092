"""A search, or the `_id` of a document → what the running agent answers."""

from pathlib import Path

import msgspec

from collector.cli import agent


class Table(msgspec.Struct):
    """What a pipe makes of documents."""

    columns: list[str]
    rows: list[list[str | int | float | None]]


class Answer(msgspec.Struct):
    """Documents, the newest first, of all that match; or a table."""

    total: int
    documents: list[msgspec.Raw] = []
    cut: bool = False
    table: Table | None = None


def found(asked: list[tuple[str, str]], *, state_dir: Path | None, config: Path | None) -> Answer:
    """What a search finds.

    Raises:
        PilotfishError: no agent answers, or it cannot answer this.
    """
    with agent.ask("/api/search", asked, state_dir=state_dir, config=config) as response:
        return msgspec.json.decode(response.read(), type=Answer)


class _Answer(msgspec.Struct):
    documents: list[msgspec.Raw]


class _Named(msgspec.Struct):
    id: str = msgspec.field(name="_id")


def around(name: str, before: int, after: int, *, of: str, state_dir: Path | None, config: Path | None) -> list[bytes]:
    """The documents `before` and `after` one, and itself, oldest first; `of` is container or all.

    Raises:
        PilotfishError: there is none, or no agent answers.
    """
    asked = [("id", name), ("before", str(before)), ("after", str(after)), ("of", of)]
    with agent.ask("/api/v1/context", asked, state_dir=state_dir, config=config) as response:
        return [bytes(each) for each in msgspec.json.decode(response.read(), type=_Answer).documents]


def with_context(
    documents: list[bytes], number: int, *, state_dir: Path | None, config: Path | None
) -> list[list[bytes]]:
    """Documents with so many of their container around each; those of which the surroundings meet are one group.

    With none around them all are one.

    Raises:
        PilotfishError: no agent answers.
    """
    if not number:
        return [documents]
    groups: list[list[bytes]] = []
    for document in documents:
        name = msgspec.json.decode(document, type=_Named).id
        its = around(name, number, number, of="container", state_dir=state_dir, config=config)
        known = set(groups[-1]) if groups else set()
        if known.intersection(its):
            groups[-1] += [each for each in its if each not in known]
        else:
            groups.append(its)
    return groups
