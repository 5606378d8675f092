"""A RELP server on a plain socket, by what librelp does; a test makes it refuse, lie or go away."""

import asyncio
from collections.abc import Callable

Answer = Callable[[int, bytes], bytes | None]
OPENED = b"200 OK\nrelp_version=0\nrelp_software=tests\ncommands=syslog"


def rsp(number: int, data: bytes = b"200 OK") -> bytes:
    return b"%d rsp %d %b\n" % (number, len(data), data)


class RelpServer:
    """Serves connections of `StreamServer`: `answer` gives what is said to a message by its place, None for the end.

    Answers are kept back until `hold` messages wait, or the client has no more to say for a moment.
    """

    def __init__(self, answer: Answer | None = None, *, opened: bytes = OPENED, hold: int = 1) -> None:
        self.answer: Answer = answer or (lambda place, _: b"200 OK")
        self.opened = opened
        self.hold = hold
        self.taken: list[bytes] = []
        self.most_open = 0
        self.is_closed_well = False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: list[bytes] = []
        while True:
            try:
                async with asyncio.timeout(0.02 if held else None):
                    number, command, data = await self._frame(reader)
            except TimeoutError:
                writer.write(b"".join(held))
                held.clear()
                continue
            if command == b"open":
                writer.write(rsp(number, self.opened))
            elif command == b"close":
                self.is_closed_well = True
                writer.write(rsp(number) + b"0 serverclose 0\n")
                return
            elif (said := self.answer(len(self.taken), data)) is None:
                return
            else:
                self.taken.append(data)
                held.append(said if said.endswith(b"\n") else rsp(number, said))
                self.most_open = max(self.most_open, len(held))
                if len(held) >= self.hold:
                    writer.write(b"".join(held))
                    held.clear()

    async def _frame(self, reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
        number = int(await reader.readuntil(b" "))
        command = (await reader.readuntil(b" ")).strip()
        size = b""
        while (byte := await reader.readexactly(1)).isdigit():
            size += byte
        data = await reader.readexactly(int(size)) if int(size) else b""
        if byte == b" ":
            assert await reader.readexactly(1) == b"\n"
        return number, command, data
