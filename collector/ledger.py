"""The accounting identity of one output, and what else its health is judged by. Plain numbers, read at scrape.

In documents after joining:
`read + recovered_from_spool + replayed =
acknowledged + duplicate + dead_lettered + fallback + dropped{spool_corrupt} + filtered + spooled + in_flight`.
Each method moves both sides in one step of the loop. Two stand outside: `dropped{dead_letters_full}` tells of dead
letters that had to go later, `dropped{stopped}` of documents that the agent's last stop dropped on their way.
"""

import time
from collections import Counter
from collections.abc import Mapping

from collector.histogram import LATENCY_SECONDS, Histogram
from collector.model import Segment
from collector.text.times import seconds_of


class Ledger:
    """The numbers of one output."""

    def __init__(self) -> None:
        self.read = 0
        self.read_bytes = 0
        self.document_bytes = 0  # of documents that were read
        self.document_bytes_per_second = 0.0  # lately
        self.documents_per_second = 0.0  # lately, without those that are left out on purpose
        self.recovered_from_spool = 0
        self.replayed = 0
        self.acknowledged = 0
        self.duplicate = 0
        self.dead_lettered = 0
        self.dropped: dict[str, int] = {"dead_letters_full": 0, "spool_corrupt": 0, "stopped": 0}
        self.fallback = 0  # another output took them
        self.taken_over = 0  # of those read, in the stead of another output
        self.filtered = Counter[str]()  # left out on purpose, by rule
        self.spooled = 0
        self.in_flight = 0
        self.in_flight_bytes = 0
        self.concurrency_limit = 0  # batches that may be under way now
        self.retried = 0
        self.parse_errors = 0
        self.requests: dict[str, int] = {"ok": 0, "unavailable": 0, "unauthorized": 0, "refused": 0}
        self.request_seconds = Histogram()
        self.latency_seconds = Histogram(LATENCY_SECONDS)  # from a line's time until it was taken, in documents
        self.last_acknowledged: float | None = None  # seconds since 1970
        self.error = ""  # why the output takes nothing at the moment
        self.spool_bytes = 0  # on disk
        self.spool_errors = 0
        self.spool_error = ""  # why the spool takes nothing at the moment
        self.spool_read_error = ""  # why what is in it is not delivered
        self.waits: dict[str, str] = {}  # target → why its documents wait for the operator

    def entered(self, segment: Segment, *, again: int = 0) -> None:
        """Its documents were read, and are on their way; `again` of them were already, and went back to their log."""
        new = len(segment.documents) - again
        self.read += new
        self.in_flight += new
        self.in_flight_bytes += segment.size
        self.document_bytes += segment.size

    def left_out(self, filtered: Mapping[str, int]) -> None:
        """So many documents of each rule were read, and go nowhere on purpose."""
        self.filtered.update(filtered)
        self.read += sum(filtered.values())

    def unread(self, count: int) -> None:
        """The agent ends: so many documents that went back to their logs are read by the next start."""
        self.read -= count
        self.in_flight -= count

    def left(self, segment: Segment) -> None:
        """Its documents are settled, or went back to their log: their bytes are free again."""
        self.in_flight_bytes -= segment.size

    def arrived(self, segment: Segment) -> None:
        """Its documents came the whole way from the log: note how long that took, by the last of them."""
        if segment.ticket.last_time > "1971":  # else no line of the log has told a time
            since = time.time() - seconds_of(segment.ticket.last_time)
            self.latency_seconds.observe(max(since, 0.0), segment.count)

    def replay(self, count: int, size: int) -> None:
        """So many dead letters, of `size` bytes, are on their way once more."""
        self.replayed += count
        self.in_flight += count
        self.in_flight_bytes += size

    def give_up_replay(self, count: int, size: int) -> None:
        """So many of them were not sent after all: they are still on disk."""
        self.dead_lettered += count
        self.in_flight -= count
        self.in_flight_bytes -= size

    def fall_back(self, count: int) -> None:
        """So many documents were settled by the output that is there in the stead of this one."""
        self.fallback += count
        self.in_flight -= count

    def take_over(self, count: int) -> None:
        """So many documents of another output were settled; on their way they count there."""
        self.taken_over += count
        self.read += count
        self.in_flight += count

    def spool(self, count: int) -> None:
        """So many documents are on disk, to be sent when the output is back."""
        self.spooled += count
        self.in_flight -= count

    def recover(self, count: int, size: int) -> None:
        """So many spooled documents, of `size` bytes, are on their way again."""
        self.recovered_from_spool += count
        self.in_flight += count
        self.in_flight_bytes += size

    def take_again(self, size: int) -> None:
        """Documents of `size` bytes that are on their way, and were on disk meanwhile, are in memory again."""
        self.in_flight_bytes += size

    def give_up_recovery(self, count: int, size: int) -> None:
        """So many of them were not sent after all: they are still in the spool."""
        self.in_flight_bytes -= size
        self.spool(count)

    def lose(self, count: int) -> None:
        """So many spooled documents, at least, cannot be read back."""
        self.recovered_from_spool += count
        self.dropped["spool_corrupt"] += count

    def lose_on_the_way(self, count: int) -> None:
        """So many documents that were on their way, and on disk meanwhile, cannot be read back."""
        self.in_flight -= count
        self.dropped["spool_corrupt"] += count

    def delivered(self, new: int, duplicate: int) -> None:
        """So many documents are there, `duplicate` of them from before."""
        self.acknowledged += new
        self.duplicate += duplicate
        self.in_flight -= new + duplicate
        if new or duplicate:
            self.last_acknowledged = time.time()

    def buried(self, count: int, dropped: int) -> None:
        """So many documents became dead letters, for which `dropped` older ones had to go.

        Those were counted as dead letters before, perhaps in an earlier run: they stand outside the identity, and no
        counter ever goes back.
        """
        self.dead_lettered += count
        self.dropped["dead_letters_full"] += dropped
        self.in_flight -= count

    @property
    def settled(self) -> dict[str, int]:
        """Documents with which nothing is left to do, by what became of them."""
        return {
            "acknowledged": self.acknowledged,
            "duplicate": self.duplicate,
            "dead_lettered": self.dead_lettered,
            "fallback": self.fallback,
        }

    @property
    def balance(self) -> int:
        """Left side minus right side of the identity: always 0."""
        came = self.read + self.recovered_from_spool + self.replayed
        went = sum(self.settled.values())
        return came - went - self.dropped["spool_corrupt"] - self.filtered.total() - self.spooled - self.in_flight
