"""Positions of streams that nobody lists any more → which of them are gone for good."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from collector.model import StreamKey
from collector.state.positions_file import Saved


def is_gone(saved: Saved, answers: Mapping[str, bool]) -> bool:
    """Whether the input that listed it would list it now; of an unknown one, or one that is no more, each has to."""
    return answers.get(saved.input, bool(answers) and all(answers.values()))


def unsettled(
    saved: Iterable[tuple[StreamKey, Saved]],
    followed: Collection[StreamKey],
    present: Collection[str],
    answers: Mapping[str, bool],
) -> Iterator[Saved]:
    """Those of containers that are not among `present`, though not all of their logs was settled in an earlier run.

    Files that are no container's have paths as ids, and may come again.
    """
    for key, one in saved:
        is_unsettled = one.behind == 1 or (not one.behind and one.head and not one.line)
        is_unseen = key not in followed and key.container_id not in present and key.container_id[:1] != "/"
        if is_unsettled and is_unseen and is_gone(one, answers):
            yield one
