"""Calls of the script → answers, at the server that holds the key.

Of a cluster any server tells who holds a key (`MOVED`), and is believed until another one tells otherwise; so neither
slots nor topology are looked at. Of several hosts the first that answers is asked, until it fails.
"""

import ssl
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import MovedError, NoScriptError, RedisError

from collector.errors import Unavailable
from collector.net.addresses import Address

from .faults import error_of
from .scripts import Script

CONNECT_SECONDS = 5.0
_REMEMBERED = 100_000  # keys of which it is known who holds them
_MOST_MOVES = 5


class Access(NamedTuple):
    """What a connection begins with: user and password ("": none), and whom a server with TLS is trusted by."""

    username: str
    password: str
    tls: ssl.SSLContext | None


class Call(NamedTuple):
    """One call of the script: the `key` that it writes, and all that it is given."""

    key: str
    keys: tuple[str, ...]
    values: tuple[str | bytes | int, ...]


class _Credentials(CredentialProvider):
    """Asked at each connection, so that a new password holds from the next one on."""

    def __init__(self, access: Callable[[], Access]) -> None:
        self._access = access

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """User, if there is one, and password."""
        username, password, _ = self._access()
        return (username, password) if username else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """The same: no wait is needed."""
        return self.get_credentials()


class _TlsConnection(SSLConnection):
    """A connection with the trust that holds when it is made."""

    def __init__(self, *, access: Callable[[], Access], **options: Any) -> None:
        super().__init__(**options)
        self._access = access

    def _connection_arguments(self) -> dict[str, Any]:
        return {"host": self.host, "port": self.port, "ssl": self._access().tls}


class Nodes:
    """The servers of one destination. `who` asks them, with the `remedy` if that one is refused."""

    def __init__(
        self,
        addresses: list[Address],
        *,
        access: Callable[[], Access],
        database: int,
        timeout_seconds: float,
        who: str,
        remedy: str,
    ) -> None:
        self._addresses = addresses
        self._access = access
        self._database = database
        self._timeout_seconds = timeout_seconds
        self._who = who, remedy
        self._clients: dict[Address, Redis] = {}
        self._holders: dict[str, Address] = {}
        self._first = 0  # of the hosts: which is asked where nothing is known

    @property
    def name(self) -> str:
        """The hosts, for errors."""
        return ", ".join(map(str, self._addresses))

    async def run(self, script: Script, calls: list[Call], replicas: int) -> list[int | Exception]:
        """What the script answered to each call, an error of its own for one that a server refused.

        With `replicas`, so many of a server have its part, too.

        Raises:
            Unavailable: of one of them nothing is known.
        """
        answers: dict[str, int | Exception] = {}
        left = calls
        for _ in range(_MOST_MOVES):
            for address, theirs in self._by_holder(left):
                answers |= await self._run_at(address, script, theirs, replicas)
            left = [call for call in left if isinstance(answers[call.key], MovedError)]
            for call in left:
                self._learn(call.key, answers[call.key])
            if not left:
                return [answers[call.key] for call in calls]
        raise Unavailable(f"the cluster of {self.name} moves keys", "the agent retries once it has settled")

    async def ask(self, key: str, *words: str | int) -> Any:
        """The answer to a command about the key.

        Raises:
            Unavailable: there is none.
        """
        for _ in range(_MOST_MOVES):
            address = self._holder(key)
            try:
                return await self._client(address).execute_command(*words)  # type: ignore[no-untyped-call]
            except MovedError as error:
                self._learn(key, error)
            except (RedisError, OSError) as error:
                raise self._failed(address, error) from None
        raise Unavailable(f"the cluster of {self.name} moves keys", "the agent retries once it has settled")

    def error(self, error: Exception) -> Unavailable:
        """What an answer that is an error means."""
        return error_of(error, self.name, *self._who)

    async def aclose(self) -> None:
        """Close every connection; may be called twice."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def _run_at(
        self, address: Address, script: Script, calls: list[Call], replicas: int
    ) -> dict[str, int | Exception]:
        answers, have = await self._send(address, ("EVALSHA", script.name), calls, replicas)
        unknown = [call for call in calls if isinstance(answers[call.key], NoScriptError)]
        if unknown:
            more, have = await self._send(address, ("EVAL", script.text), unknown, replicas)
            answers |= more
        if isinstance(have, Exception):
            raise error_of(have, str(address), *self._who)
        if not isinstance(have, int) or have < replicas:
            raise Unavailable(
                f"{have} replicas of {address} have the batch, fewer than `replicas: {replicas}`",
                "check that its replicas are connected (INFO replication), or lower replicas",
            )
        return answers

    async def _send(
        self, address: Address, head: tuple[str, str], calls: list[Call], replicas: int
    ) -> tuple[dict[str, int | Exception], object]:
        """What was answered to each call, and how many replicas have it all."""
        pipeline = self._client(address).pipeline(transaction=False)
        for call in calls:
            pipeline.execute_command(*head, len(call.keys), *call.keys, *call.values)
        if replicas:
            pipeline.execute_command("WAIT", replicas, int(self._timeout_seconds * 500))
        try:
            found = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise self._failed(address, error) from None
        have = found.pop() if replicas else 0
        return dict(zip((call.key for call in calls), found, strict=True)), have

    def _failed(self, address: Address, error: Exception) -> Unavailable:
        """The error to raise; another host is asked next, and a cluster is looked at anew."""
        self._holders = {key: holder for key, holder in self._holders.items() if holder != address}
        if len(self._addresses) > 1 and address == self._addresses[self._first]:
            self._first = (self._first + 1) % len(self._addresses)
        return error_of(error, str(address), *self._who)

    def skip(self) -> None:
        """The host that is asked first takes no writes: ask the next one."""
        self._first = (self._first + 1) % len(self._addresses)
        self._holders.clear()

    def _by_holder(self, calls: Iterable[Call]) -> list[tuple[Address, list[Call]]]:
        found: dict[Address, list[Call]] = {}
        for call in calls:
            found.setdefault(self._holder(call.key), []).append(call)
        return list(found.items())

    def _holder(self, key: str) -> Address:
        return self._holders.get(key, self._addresses[self._first])

    def _learn(self, key: str, moved: object) -> None:
        if isinstance(moved, MovedError):
            if len(self._holders) >= _REMEMBERED:
                self._holders.clear()
            self._holders[key] = Address(moved.host or self._holder(key).host, moved.port)

    def _client(self, address: Address) -> Redis:
        if address not in self._clients:
            _, password, tls = self._access()
            options: dict[str, Any] = {"access": self._access} if tls else {}
            pool = ConnectionPool(
                connection_class=_TlsConnection if tls else Connection,
                host=address.host,
                port=address.port,
                db=self._database,
                credential_provider=_Credentials(self._access) if password else None,
                socket_timeout=self._timeout_seconds,
                socket_connect_timeout=CONNECT_SECONDS,
                retry=Retry(NoBackoff(), 0),  # the delivery tries again
                protocol=2,
                driver_info=None,  # it would ask the disk for its version
                **options,
            )
            self._clients[address] = Redis.from_pool(pool)
        return self._clients[address]
