"""`<state_dir>/tokens` ↔ the tokens that were made: each with a role, a filter and an end, and never the secret itself.

A token is 256 random bits behind its id; the file, of mode 0600, has a SHA-256 of it, which is enough for what nobody
can guess. A running agent reads the file again when it has changed: a token that was revoked opens nothing from the
next request on. A file that cannot be read opens nothing.
"""

import fcntl
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from collector.errors import UNREADABLE, PilotfishError, StateError
from collector.files import ownership, writing
from collector.search import trusted_filter
from collector.state import places
from collector.web.rights import Rights, Role

log = structlog.get_logger(__name__)

MOST = 256
_PREFIX = "pf_"
_MOST_BYTES = 1 << 20
_MOST_NAME = 100  # characters


class Token(Struct, frozen=True, kw_only=True):
    """What is kept of one; times are in seconds since 1970, `expires` None: never; `filter` "": all lines."""

    id: str
    role: Role
    digest: str
    created: float
    name: str = ""
    filter: str = ""
    expires: float | None = None

    @property
    def rights(self) -> Rights:
        """What it lets do."""
        return Rights(role=self.role, only=(self.filter,) if self.filter else (), expires=self.expires, token=self.id)

    def is_valid(self) -> bool:
        """Whether its time is not over."""
        return self.expires is None or time.time() < self.expires


class Tokens:
    """Those of a state directory, as a running agent looks at them."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / places.TOKENS_FILE
        self._seen: tuple[int, int, int] | None = None
        self._by_id: dict[str, Token] = {}

    def of(self, given: str) -> Token | None:
        """The valid token that this text is."""
        if not given.startswith(_PREFIX) or len(given) > 128:
            return None
        found = self.by_id(given[len(_PREFIX) :].partition("_")[0])
        return found if found is not None and hmac.compare_digest(found.digest, _digest(given)) else None

    def by_id(self, name: str) -> Token | None:
        """The valid token of this id."""
        self._look()
        found = self._by_id.get(name)
        return found if found is not None and found.is_valid() else None

    def _look(self) -> None:
        try:
            told = self._path.stat()
            stamp = told.st_ctime_ns, told.st_ino, told.st_size
        except OSError:
            stamp = None
        if stamp == self._seen:
            return
        self._seen, self._by_id = stamp, {}
        if stamp is None:
            return
        try:
            self._by_id = {one.id: one for one in read(self._path.parent)}
        except PilotfishError as error:
            log.error("tokens cannot be read; none of them is valid", reason=error.cause, remedy=error.remedy)


def read(state_dir: Path) -> list[Token]:
    """All that are kept, oldest first.

    Raises:
        StateError: the file cannot be read, or is damaged.
    """
    path = state_dir / places.TOKENS_FILE
    try:
        with open(path, "rb", opener=ownership.open_own) as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=list[Token])
    except FileNotFoundError:
        return []
    except (OSError, *UNREADABLE) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StateError(f"{path}: cannot be used ({reason})", "remove it, and create the tokens again") from None


def create(state_dir: Path, *, role: Role, filter_text: str, seconds: float | None, name: str) -> tuple[str, Token]:
    """Make a token and keep what is needed to know it again: its text, which is nowhere else, and what is kept.

    Raises:
        QueryError: the filter is none.
        StateError: the file cannot be used, or has too many.
    """
    if filter_text:
        trusted_filter.read(filter_text)
    key = secrets.token_hex(4)
    text = f"{_PREFIX}{key}_{secrets.token_urlsafe(32)}"
    now = time.time()
    made = Token(
        id=key,
        role=role,
        digest=_digest(text),
        created=now,
        name=name[:_MOST_NAME],
        filter=filter_text,
        expires=None if seconds is None else now + seconds,
    )
    with _locked(state_dir):
        kept = [one for one in read(state_dir) if one.is_valid()]
        if len(kept) >= MOST:
            raise StateError(f"there are {MOST} tokens already", "revoke some of them")
        _keep(state_dir, [*kept, made])
    return text, made


def revoke(state_dir: Path, key: str) -> Token | None:
    """Forget the token of this id or name; None if there is none, or several have the name.

    Raises:
        StateError: the file cannot be used.
    """
    with _locked(state_dir):
        kept = read(state_dir)
        found = [one for one in kept if one.id == key] or [one for one in kept if one.name and one.name == key]
        if len(found) != 1:
            return None
        _keep(state_dir, [one for one in kept if one is not found[0]])
        return found[0]


def _keep(state_dir: Path, kept: list[Token]) -> None:
    path = state_dir / places.TOKENS_FILE
    try:
        writing.replace(path, msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
        if os.geteuid() == 0:  # for an agent of another user
            owner = state_dir.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise StateError(f"{path}: cannot be written ({error.strerror})", "check the state directory") from None


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    """One change at a time."""
    try:
        descriptor = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        remedy = "start the agent once, or name its directory with --state-dir"
        raise StateError(f"{state_dir}: cannot be used ({error.strerror})", remedy) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
