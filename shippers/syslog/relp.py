"""RELP, as librelp speaks it: messages under numbers → the answer to each number.

A frame is `TXNR SP COMMAND SP DATALEN [SP DATA] LF`. The session is opened with offers; at most `WINDOW` messages wait
for their answer; an answer of another form leaves everything unknown that was not answered yet.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from collector.errors import Unavailable
from collector.net.stream import Stream

WINDOW = 128
_MOST_NUMBER = 999_999_999
_MOST_ANSWER_BYTES = 128 << 10
_HEAD = re.compile(rb"([0-9]{1,9}) ([a-zA-Z]{1,32}) ([0-9]{1,9})([ \n])")
_LEAST_ANSWER_BYTES = len(b"1 rsp 0\n")
_LONGEST_HEAD = 9 + 1 + 32 + 1 + 9 + 1
_OFFERS = b"relp_version=0\nrelp_software=pilotfish\ncommands=syslog"
_OK = b"200"
_STRANGE = "answers as no RELP server does"


class Frame(NamedTuple):
    """What one side says: `number` is that of what is answered; 0 is what nobody asked."""

    number: int
    command: bytes
    data: bytes


class Malformed(ValueError):
    """Bytes that are no frame."""


def frame(number: int, command: bytes, data: bytes) -> bytes:
    """A frame's bytes."""
    return b"%d %b %d %b\n" % (number, command, len(data), data) if data else b"%d %b 0\n" % (number, command)


def taken(buffer: bytearray) -> Iterator[Frame]:
    """Take the whole frames from the beginning of what has arrived.

    Raises:
        Malformed: it does not begin with one, or one is too long.
    """
    at = 0
    try:
        while found := _HEAD.match(buffer, at):
            size = int(found[3])
            if size > _MOST_ANSWER_BYTES or (found[4] == b"\n") != (size == 0):
                raise Malformed
            end = found.end() + size + (size > 0)
            if end > len(buffer):
                return
            if size and buffer[end - 1] != 0x0A:
                raise Malformed
            at = end
            yield Frame(int(found[1]), found[2], bytes(buffer[found.end() : found.end() + size]))
        if len(buffer) - at >= _LONGEST_HEAD or b"\n" in buffer[at:]:
            raise Malformed
    finally:
        del buffer[:at]


class Outcome:
    """What is known of messages that are under way: how many were taken, and those refused with the server's words."""

    def __init__(self, count: int) -> None:
        self.open: Final = set(range(count))
        self.refused: Final[dict[int, str]] = {}


class Session:
    """A session that is open."""

    def __init__(self, stream: Stream, server: str) -> None:
        self.server = server
        self._stream = stream
        self._buffer = bytearray()
        self._number = 1  # of the frame that was sent last

    def farewell(self) -> bytes:
        """What ends the session."""
        return frame(self._next(), b"close", b"")

    async def send(self, messages: Sequence[bytes], outcome: Outcome) -> None:
        """Send messages, and note in `outcome` what the server says of each, as it comes.

        Raises:
            Unavailable: of those that are still open in `outcome` nothing is known.
        """
        under_way: dict[int, int] = {}
        sent = 0
        while sent < len(messages) or under_way:
            if sent < len(messages) and len(under_way) <= WINDOW // 2:
                part = messages[sent : sent + WINDOW - len(under_way)]
                numbers = [self._next() for _ in part]
                under_way.update(zip(numbers, range(sent, sent + len(part)), strict=True))
                sent += len(part)
                await self._stream.write(b"".join(map(frame, numbers, [b"syslog"] * len(part), part)))
            for answer in await self._answers(len(under_way)):
                index = under_way.pop(answer.number, -1)
                if index < 0:
                    raise self._stream.stranger(_STRANGE)
                outcome.open.discard(index)
                if not answer.data.startswith(_OK):
                    outcome.refused[index] = words(answer.data)

    async def _answers(self, awaited: int = 1) -> list[Frame]:
        """At least one answer; where many are awaited, several at once, since each wait costs more than an answer."""
        answers: list[Frame] = []
        least = max(1, awaited // 2 * _LEAST_ANSWER_BYTES - len(self._buffer))
        while not answers:
            self._buffer += await self._stream.read_some(least)
            least = 1
            answers = self._whole()
        return answers

    def _whole(self) -> list[Frame]:
        try:
            answers = list(taken(self._buffer))
        except Malformed:
            raise self._stream.stranger(_STRANGE) from None
        if any(answer.command == b"serverclose" for answer in answers):
            raise Unavailable(f"{self._stream.host} ends the RELP session", is_lost=self._stream.has_sent)
        if any(answer.command != b"rsp" for answer in answers):
            raise self._stream.stranger(_STRANGE)
        return answers

    def _next(self) -> int:
        self._number = self._number % _MOST_NUMBER + 1
        return self._number

    async def open(self) -> "Session":
        """Open it, as the first thing on a connection.

        Raises:
            Unavailable: the server does not want it, or is none of RELP.
        """
        await self._stream.write(frame(self._number, b"open", _OFFERS))
        first, *others = await self._answers()
        if others or first.number != self._number:
            raise self._stream.stranger(_STRANGE)
        if not first.data.startswith(_OK):
            cause = f"{self._stream.host} refuses the RELP session ({words(first.data)})"
            raise Unavailable(cause, "check its log")
        offers = dict(line.partition("=")[::2] for line in first.data.decode(errors="replace").splitlines()[1:])
        if "syslog" not in offers.get("commands", "syslog"):
            raise self._stream.stranger("does not take the RELP command `syslog`")
        self.server = offers.get("relp_software", "") or self.server
        return self


async def opened(stream: Stream) -> Session:
    """A session on a new connection.

    Raises:
        Unavailable: there is none.
    """
    return await Session(stream, "a RELP server").open()


def words(data: bytes) -> str:
    """What a server says, on one line and cut."""
    return " ".join(data[:300].decode(errors="replace").split()) or "no reason given"
