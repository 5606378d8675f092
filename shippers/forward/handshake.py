"""A new connection → a session, once both sides have shown that they know the shared key.

The server says `HELO` with a nonce; `PING` shows it a digest made of a salt, that nonce and the shared key, and another
of the password if the server asks for one; `PONG` says whether it is content, and shows a digest in its turn. No secret
is sent. A server without a shared key says nothing before it gets documents.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from collector.errors import Unauthorized, Unavailable
from collector.net.http_client import one_line
from collector.net.stream import Stream
from shippers.forward.message_pack import first_value

_MOST_BYTES = 1 << 16  # of one answer
_NO_HELO = "remove shared_key and username, or add a section <security> to the server's configuration"
_REMEDY = "correct shared_key_file, username and password_file"


class Secrets(NamedTuple):
    """What both sides know: all empty where the server asks for nothing."""

    shared_key: str = ""
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Secrets(…)"


class Session:
    """A connection on which messages are sent; `is_kept` if the server lets it be used for more than one batch."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.is_kept = True
        self._unread = bytearray()

    @property
    def has_unread(self) -> bool:
        """Whether the server has said more than was asked for."""
        return bool(self._unread)

    async def read(self) -> Any:
        """The next thing that the server says; texts are bytes.

        Raises:
            Unavailable: the connection broke before, it does not come in time, or is no MessagePack.
        """
        while True:
            try:
                found = first_value(self._unread)
            except ValueError:
                raise self.stranger() from None
            if found is not None:
                value, end = found
                del self._unread[:end]
                return value
            if len(self._unread) > _MOST_BYTES:
                raise self.stranger()
            self._unread += await self.stream.read_some()

    def stranger(self) -> Unavailable:
        """The error of a server that speaks otherwise."""
        return self.stream.stranger("answers in another protocol than Fluentd's forward protocol")


class Handshake:
    """Makes sessions; `hostname` is how the agent calls itself, which must be another name than the server's."""

    def __init__(self, hostname: str, known: Callable[[], Secrets]) -> None:
        self._hostname = hostname
        self._known = known

    async def greet(self, stream: Stream) -> Session:
        """A session on a new connection.

        Raises:
            Unavailable: the server says something else, or nothing.
            Unauthorized: it refuses the secrets, or does not know the shared key itself.
        """
        session = Session(stream)
        known = self._known()
        if any(known):
            try:
                helo = await session.read()
            except Unavailable as error:
                raise Unavailable(f"{error.cause} before documents are sent", _NO_HELO) from None
            await self._agree(session, known, _options(helo, session))
        return session

    async def _agree(self, session: Session, known: Secrets, options: dict[bytes, Any]) -> None:
        nonce, auth = _bytes(options.get(b"nonce")), _bytes(options.get(b"auth"))
        salt = secrets.token_hex(16)
        own = _hex(salt.encode(), self._hostname.encode(), nonce, known.shared_key.encode())
        user, password = known.username if auth else "", ""
        if auth:
            password = _hex(auth, known.username.encode(), known.password.encode())
        await session.stream.write(msgspec.msgpack.encode(["PING", self._hostname, salt, own, user, password]))
        match await session.read():
            case [b"PONG", True, _, bytes() as name, bytes() as shown]:
                theirs = _hex(salt.encode(), name, nonce, known.shared_key.encode())
                if not hmac.compare_digest(theirs.encode(), shown):
                    raise Unauthorized(f"{session.stream.host} has another shared key", "correct shared_key_file")
            case [b"PONG", _, reason, *_]:
                words = one_line(_bytes(reason).decode(errors="replace"))
                raise Unauthorized(f"{session.stream.host} refuses the shared key or the user ({words})", _REMEDY)
            case _:
                raise session.stranger()
        session.is_kept = options.get(b"keepalive") is not False


def asks_for_secrets(value: object) -> bool:
    """Whether this is what a server with a shared key says first."""
    return isinstance(value, list) and value[:1] == [b"HELO"]


def _options(helo: object, session: Session) -> dict[bytes, Any]:
    match helo:
        case [b"HELO", dict() as options]:
            return options
        case [b"HELO", None] | [b"HELO"]:
            return {}
    raise session.stranger()


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _hex(*parts: bytes) -> str:
    return hashlib.sha512(b"".join(parts)).hexdigest()
