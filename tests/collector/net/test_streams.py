"""Connections to a destination: opened, used again, given up, and what is said of each that breaks; on real sockets."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from collector.errors import ConfigurationError, Unauthorized, Unavailable
from collector.net.addresses import Address
from collector.net.stream import Stream
from collector.net.stream_options import StreamOptions
from collector.net.streams import PLAIN, Protocol, Streams

from .stream_server import StreamServer, echo, take_all


def streams_to(*servers: StreamServer | int, seconds: float = 5.0, idle_seconds: float = 60.0) -> Streams[Stream]:
    ports = [server if isinstance(server, int) else server.port for server in servers]
    addresses = [Address("127.0.0.1", port) for port in ports]
    return Streams(addresses, PLAIN, kind="an echo", timeout_seconds=seconds, idle_seconds=idle_seconds)


async def echoed(streams: Streams[Stream], text: bytes = b"hello") -> bytes:
    async with streams.use() as stream:
        await stream.write(text)
        return await stream.read_exactly(len(text))


@contextmanager
def unavailable(*words: str) -> Iterator[list[Unavailable]]:
    found: list[Unavailable] = []
    with pytest.raises(Unavailable) as caught:
        yield found
    found.append(caught.value)
    assert [word for word in words if word not in str(caught.value)] == []


async def test_one_connection_serves_one_task_after_the_other() -> None:
    async with StreamServer() as server:
        streams = streams_to(server)
        assert [await echoed(streams), await echoed(streams, b"again")] == [b"hello", b"again"]
        assert server.connections == 1
        assert await streams.aclose()


async def test_each_of_several_tasks_has_a_connection_of_its_own() -> None:
    async with StreamServer() as server:
        streams = streams_to(server)
        texts = [b"%d" % n * 1000 for n in range(8)]
        assert await asyncio.gather(*(echoed(streams, text) for text in texts)) == texts
        assert server.connections == 8
        await streams.aclose()


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_connection_that_the_server_closed_is_not_written_to(is_reset: bool) -> None:
    async with StreamServer() as server:
        streams = streams_to(server)
        await echoed(streams)
        await server.close_all(is_reset=is_reset)
        assert await echoed(streams, b"not lost") == b"not lost"
        assert server.connections == 2
        await streams.aclose()


async def test_a_connection_on_which_the_server_speaks_unasked_is_not_used_again() -> None:
    async with StreamServer() as server:
        streams = streams_to(server)
        await echoed(streams)
        server.say(b"who are you?")
        assert await echoed(streams, b"mine") == b"mine"
        assert server.connections == 2
        await streams.aclose()


async def test_an_idle_connection_is_closed_after_a_while() -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        ended.set()

    async with StreamServer(serve) as server:
        streams = streams_to(server, idle_seconds=0.05)
        await echoed(streams)
        await asyncio.wait_for(ended.wait(), 5)
        assert await echoed(streams) == b"hello"
        assert server.connections == 2
        await streams.aclose()


async def test_a_failed_or_cancelled_use_closes_the_connection() -> None:
    async with StreamServer(take_all) as server:
        streams = streams_to(server)
        task = asyncio.create_task(echoed(streams))
        await asyncio.wait_for(server.connected.wait(), 5)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        server.serve = echo
        assert await echoed(streams) == b"hello"
        assert server.connections == 2
        await streams.aclose()


async def test_a_server_that_is_away_is_told_with_a_remedy() -> None:
    async with StreamServer() as server:
        port = server.port
    with unavailable(f"127.0.0.1:{port} cannot be reached (Connection refused)", "check `hosts`") as found:
        await echoed(streams_to(port))
    assert not found[0].is_lost


async def test_a_name_that_is_unknown_is_told() -> None:
    streams = Streams([Address("no-such-host.invalid", 514)], PLAIN, kind="an echo", timeout_seconds=5)
    with unavailable("no-such-host.invalid:514 cannot be reached"):
        await echoed(streams)


async def test_a_connection_that_breaks_behind_what_was_written_is_lost() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with StreamServer(hang_up) as server:
        with unavailable(server.host) as found:
            await echoed(streams_to(server), b"x" * 100)
    assert found[0].is_lost


async def test_a_connection_that_breaks_before_anything_was_written_is_not_lost() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pass

    async with StreamServer(hang_up) as server:
        streams = streams_to(server)
        with unavailable("closed the connection", "check its log") as found:
            async with streams.use() as stream:
                await stream.read_some()
    assert not found[0].is_lost


async def test_an_answer_that_does_not_come_ends_in_time() -> None:
    async with StreamServer(take_all) as server:
        with unavailable("did not answer within 0.05 s", "request_timeout_seconds") as found:
            await echoed(streams_to(server, seconds=0.05))
    assert not found[0].is_lost


async def test_a_server_that_reads_nothing_ends_the_write_in_time() -> None:
    async def sleep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with StreamServer(sleep) as server:
        with unavailable("takes no data within 0.2 s"):
            async with streams_to(server, seconds=0.2).use() as stream:
                await stream.write(b"x" * (64 << 20))


async def test_what_arrived_before_the_end_is_read_and_no_more() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"line one\nrest")

    async with StreamServer(speak) as server:
        with unavailable("closed the connection"):
            async with streams_to(server).use() as stream:
                await stream.write(b"?")
                assert await stream.read_until(b"\n", most_bytes=100) == b"line one\n"
                assert await stream.read_some() == b"rest"
                await stream.read_exactly(1)


@pytest.mark.parametrize("is_open", [True, False])
async def test_fewer_bytes_than_are_waited_for_are_taken_if_no_more_come(is_open: bool) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"few")
        await asyncio.Event().wait() if is_open else None

    async with StreamServer(speak) as server:
        found = b""
        with unavailable("did not answer" if is_open else "closed the connection"):
            async with streams_to(server, seconds=0.2).use() as stream:
                found = await stream.read_some(at_least=10)
                await stream.read_some(at_least=10)
        assert found == b"few"


async def test_an_answer_without_an_end_is_bounded() -> None:
    async with StreamServer() as server:
        with unavailable("sends an answer of more than 100 bytes", "check that `hosts` names an echo"):
            async with streams_to(server).use() as stream:
                await stream.write(b"x" * 5000)
                await stream.read_until(b"\n", most_bytes=100)


async def test_a_long_answer_is_read_whole_though_little_is_kept() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(64):
            writer.write(bytes([number]) * (1 << 16))
            await writer.drain()
        await reader.read()

    async with StreamServer(flood) as server:
        streams = streams_to(server)
        async with streams.use() as stream:
            for number in range(64):
                assert await stream.read_exactly(1 << 16) == bytes([number]) * (1 << 16)
        await streams.aclose()


async def test_another_host_is_tried_where_one_is_away_and_that_one_is_left_alone_for_a_while() -> None:
    async with StreamServer() as gone:
        port = gone.port
    async with StreamServer() as server:
        streams = streams_to(port, server, port, server)
        with capture_logs() as logs:
            for _ in range(4):
                async with streams.use() as first, streams.use():
                    assert first.host == server.host
                await asyncio.gather(*(echoed(streams) for _ in range(4)))
        await streams.aclose()
    assert {log["node"] for log in logs} <= {f"127.0.0.1:{port}"}
    assert len(logs) <= 2


async def test_a_host_that_was_set_aside_is_tried_when_no_other_is_left() -> None:
    async with StreamServer() as first, StreamServer() as second:
        streams = streams_to(first, second)
        ports = first.port, second.port
    with unavailable("cannot be reached"):
        await echoed(streams)
    async with StreamServer(port=ports[0]):
        assert await echoed(streams) == b"hello"
        await streams.aclose()


async def test_a_greeting_that_fails_leads_to_the_next_host_and_is_told_if_all_fail() -> None:
    async def greet(stream: Stream) -> bytes:
        await stream.write(b"?")
        if (answer := await stream.read_exactly(1)) != b"y":
            raise Unauthorized(f"{stream.host} does not want us")
        return answer

    async def no(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"n")
        await reader.read(1)

    async def yes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"y")
        assert await reader.read() == b"bye"

    async with StreamServer(no) as unwilling, StreamServer(yes) as willing:
        addresses = [Address("127.0.0.1", server.port) for server in (unwilling, willing)]
        for hosts in (addresses, addresses[::-1]):
            streams = Streams(hosts, Protocol(greet, lambda _: b"bye", is_heard=True), kind="x", timeout_seconds=5)
            async with streams.use() as session:
                assert session == b"y"
            assert await streams.aclose()
        with pytest.raises(Unauthorized):
            async with Streams(addresses[:1], Protocol(greet), kind="x", timeout_seconds=5).use():
                pass


async def test_the_end_is_heard_by_a_server_that_reads_all() -> None:
    got = bytearray()

    async def gather(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.extend(await reader.read())

    async with StreamServer(gather) as server:
        address = Address("127.0.0.1", server.port)
        streams = Streams([address], PLAIN._replace(is_heard=True), kind="x", timeout_seconds=5)
        async with streams.use() as stream:
            await stream.write(b"x" * 1_000_000)
        assert await streams.aclose()
        assert len(got) == 1_000_000
        assert await streams.aclose()


async def test_closing_does_not_wait_for_ever_for_a_server_that_does_not() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with StreamServer(never) as server:
        streams = Streams(
            [Address("127.0.0.1", server.port)], PLAIN._replace(is_heard=True), kind="x", timeout_seconds=5
        )
        async with streams.use():
            pass
        assert not await streams.aclose(0.05)


class Losses:
    """A protocol that is told of sessions that did not end by our own will."""

    def __init__(self, server: StreamServer, idle_seconds: float = 60.0) -> None:
        self.lost: list[Stream] = []
        address = Address("127.0.0.1", server.port)
        told = PLAIN._replace(is_heard=True, lost=self.lost.append)
        self.streams = Streams([address], told, kind="x", timeout_seconds=5, idle_seconds=idle_seconds)


async def test_a_session_that_the_server_closed_is_told_once_and_when_it_ended() -> None:
    async with StreamServer() as server:
        losses = Losses(server)
        began = asyncio.get_running_loop().time()
        await echoed(losses.streams)
        await server.close_all()
        await echoed(losses.streams)
        assert len(losses.lost) == 1
        assert began <= losses.lost[0].over_at <= asyncio.get_running_loop().time()
        assert await losses.streams.aclose()
        assert len(losses.lost) == 1


async def test_a_session_that_fails_in_use_is_told() -> None:
    async with StreamServer() as server:
        losses = Losses(server)
        with pytest.raises(RuntimeError):
            async with losses.streams.use():
                raise RuntimeError
        assert len(losses.lost) == 1
        await losses.streams.aclose()


async def test_a_session_whose_end_the_server_does_not_read_is_told() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with StreamServer(reset) as server:
        losses = Losses(server)
        async with losses.streams.use() as stream:
            await stream.write(b"unread")
        closing = asyncio.create_task(losses.streams.aclose())
        await server.close_all(is_reset=True)
        assert not await closing
        assert len(losses.lost) == 1


async def test_a_session_that_is_closed_for_idleness_is_not_told() -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        ended.set()

    async with StreamServer(serve) as server:
        losses = Losses(server, idle_seconds=0.01)
        await echoed(losses.streams)
        await asyncio.wait_for(ended.wait(), 5)
        await losses.streams.aclose()
        assert losses.lost == []


# ---------------------------------------------------------------- TLS


class Site(StreamOptions):
    """The options of an output of the kind."""


class Authority:
    def __init__(self, directory: Path, *names: str) -> None:
        self.ca = trustme.CA()
        self.ca_file = directory / "ca.pem"
        self.ca.cert_pem.write_to_path(self.ca_file)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1",))).configure_cert(self.server)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "log.example")


def tls_streams(host: str, **options: object) -> Streams[Stream]:
    return Site(hosts=(host,), tls=True, **options).streams("away", PLAIN, kind="an echo")


async def test_a_server_of_a_trusted_authority_is_spoken_to(authority: Authority) -> None:
    async with StreamServer(tls=authority.server) as server:
        streams = tls_streams(server.host, ca_file=authority.ca_file)
        assert await echoed(streams, b"x" * 200_000) == b"x" * 200_000
        await streams.aclose()


async def test_writes_of_any_size_go_over_tls_without_a_wait_for_nothing(authority: Authority) -> None:
    async with StreamServer(tls=authority.server) as server:
        streams = tls_streams(server.host, verify=False)
        async with streams.use() as stream:
            for size in (1, 0, 17, 1 << 14, 3, (1 << 20) + 1, 5) * 3:
                await stream.write(b"x" * size)
                assert await stream.read_exactly(size) == b"x" * size
        await streams.aclose()


async def test_an_encrypted_connection_is_used_again(authority: Authority) -> None:
    async with StreamServer(tls=authority.server) as server:
        streams = tls_streams(server.host, verify=False)
        assert [await echoed(streams), await echoed(streams, b"again")] == [b"hello", b"again"]
        assert server.connections == 1
        await streams.aclose()


async def test_an_unknown_authority_and_another_name_are_told(authority: Authority, stranger: Authority) -> None:
    async with StreamServer(tls=stranger.server) as server:
        with unavailable("the certificate of", "cannot be verified", "set ca_file"):
            await echoed(tls_streams(server.host, ca_file=authority.ca_file))
        with unavailable("cannot be verified", "use a host name of the server's certificate"):
            await echoed(tls_streams(server.host, ca_file=stranger.ca_file))
        streams = tls_streams(server.host, verify=False)
        assert await echoed(streams) == b"hello"
        await streams.aclose()


async def test_a_server_without_tls_is_told() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"this is no TLS\n")

    async with StreamServer(speak) as server:
        with unavailable("no TLS connection to", "check that this port expects TLS"):
            await echoed(tls_streams(server.host))


async def test_a_server_that_demands_a_certificate_gets_it(tmp_path: Path, authority: Authority) -> None:
    demanding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.ca.issue_cert("127.0.0.1").configure_cert(demanding)
    authority.ca.configure_trust(demanding)
    demanding.verify_mode = ssl.CERT_REQUIRED
    ours = authority.ca.issue_cert("agent.example")
    ours.private_key_and_cert_chain_pem.write_to_path(file := tmp_path / "client.pem")
    async with StreamServer(tls=demanding) as server:
        with unavailable(server.host):
            await echoed(tls_streams(server.host, ca_file=authority.ca_file))
        streams = tls_streams(server.host, ca_file=authority.ca_file, client_cert_file=file)
        assert await echoed(streams) == b"hello"
        await streams.aclose()


async def test_a_connection_of_a_replaced_certificate_is_not_used_again(tmp_path: Path, authority: Authority) -> None:
    file = tmp_path / "ca.pem"
    authority.ca.cert_pem.write_to_path(file)
    async with StreamServer(tls=authority.server) as server:
        streams = tls_streams(server.host, ca_file=file)
        await echoed(streams)
        trustme.CA().cert_pem.write_to_path(file)
        with unavailable("cannot be verified"):
            await echoed(streams)
        authority.ca.cert_pem.write_to_path(file)
        assert await echoed(streams) == b"hello"
        assert server.connections >= 2
        await streams.aclose()


def test_a_certificate_file_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"outputs\.away\.ca_file"):
        tls_streams("127.0.0.1:1", ca_file=tmp_path / "missing.pem")


@pytest.mark.parametrize("options", [{"ca_file": "/ca.pem"}, {"verify": False}, {"client_cert_file": "/c.pem"}])
def test_what_is_of_use_with_tls_alone_is_refused_without(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="has no effect without tls"):
        Site(hosts=("127.0.0.1:1",), **options)


def test_hosts_may_be_one_text_and_a_wrong_one_is_named() -> None:
    assert Site(hosts="a.example:1, b.example").hosts == ("a.example:1", "b.example")
    with pytest.raises(ValueError, match="host 2"):
        Site(hosts=("a.example:1", "tcp://b"))
