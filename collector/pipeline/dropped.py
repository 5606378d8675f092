"""What a stop drops: told in the log then, and counted by the next start, whose counters begin with 0.

Log files that were removed can be read for as long as they are open: what of them was not read, or was read and not
delivered, is gone with the process.
"""

from collections.abc import Collection, Mapping, Sequence

import structlog

from collector.ledger import Ledger
from collector.model import StreamKey
from collector.sources.log_files import is_kept
from collector.sources.tail_counts import TailCounts
from collector.state.checkpoint import Checkpoints
from collector.state.positions_file import Saved

log = structlog.get_logger(__name__)

_NAMED = 5


def tell(
    output: str, checkpoints: Checkpoints, unread_bytes: Mapping[StreamKey, int], behind: Collection[StreamKey]
) -> None:
    """The pipeline ends: `Checkpoints.drop`."""
    if dropped := checkpoints.drop(unread_bytes, behind, is_kept):
        log.warning(
            "stopping: undelivered lines of removed log files are lost",
            output=output,
            **_sums(dropped),
            remedy="raise drain_seconds, or the log options max-file or max-size of these containers",
        )


def count(output: str, checkpoints: Checkpoints, counts: TailCounts, ledger: Ledger) -> None:
    """The pipeline begins: count what the last stop dropped."""
    if dropped := checkpoints.take_dropped():
        counts.lost_bytes += sum(one.dropped_bytes for one in dropped)
        ledger.dropped["stopped"] += sum(one.dropped_documents for one in dropped)
        log.warning(
            "undelivered lines of removed log files were lost at the last stop", output=output, **_sums(dropped)
        )


def _sums(dropped: Sequence[Saved]) -> dict[str, object]:
    names = [one.container_id[:12] for one in dropped[:_NAMED]]
    return {
        "unread_bytes": sum(one.dropped_bytes for one in dropped),
        "undelivered_documents": sum(one.dropped_documents for one in dropped),
        "containers": names + ["…"] * (len(dropped) > _NAMED),
    }
