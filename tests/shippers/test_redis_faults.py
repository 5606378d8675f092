"""Redis: what goes wrong between the agent and a server, and what is kept of what it took; on real servers."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from redis import Redis
from redis.exceptions import ResponseError

from collector.errors import Unauthorized, Unavailable
from collector.ports import OutputContext
from shippers.redis import Settings
from shippers.redis.shipper import RedisShipper
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import deliver
from tests.engines.process import free_ports
from tests.receivers.destination import shipped_while_killed
from tests.receivers.redis import Receiver

pytestmark = pytest.mark.engines
SECRET = "s3cret-in-a-test"
SENT = batch(plain_segment(30))


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("far", tmp_path / "state")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Receiver]:
    with running(tmp_path / "redis") as server:
        yield server


@contextmanager
def running(directory: Path, *more: str | Path) -> Iterator[Receiver]:
    with Receiver(directory, *more, is_plain=not more) as server:
        yield server


def shipper(server: Receiver, site: OutputContext, **options: Any) -> RedisShipper:
    return Settings.model_validate({**server.options(), "request_timeout_seconds": 5, **options}).open(site)


async def test_a_server_that_is_killed_in_mid_stream_has_each_batch_once_when_it_is_back(
    server: Receiver, site: OutputContext
) -> None:
    sent = [batch(plain_segment(500, first=500 * n), plain_segment(20, f"t{n % 5}", first=20 * n)) for n in range(40)]
    output = shipper(server, site)
    lost: list[bool] = []
    for round_ in range(4):
        theirs = sent[round_ * 10 : round_ * 10 + 10]
        lost += await shipped_while_killed(output, server, theirs, after_seconds=0.01 * (round_ + 1))
        for each in theirs:
            await deliver(output, each)
    await output.aclose()
    assert lost
    assert not any(lost)  # else parts would be sent, which a server does not tell from others
    stored = server.stored()
    assert len(stored) == 40 * 520
    assert {len(copies) for copies in stored.values()} == {1}


async def test_a_server_that_is_away_is_unavailable_with_its_remedy(server: Receiver, site: OutputContext) -> None:
    server.kill()
    output = shipper(server, site)
    with pytest.raises(Unavailable, match=r"^127.0.0.1:\d+ cannot be reached \(Connection refused\): check `hosts`"):
        await output.ship(SENT)
    with pytest.raises(Unavailable):
        await output.probe()
    await output.aclose()


async def test_a_key_of_another_type_holds_up_its_own_target_only(server: Receiver, site: OutputContext) -> None:
    with server.client() as client:
        client.set("pilotfish:till", "mine")
    sent = batch(plain_segment(10), plain_segment(5, "till"))
    output = shipper(server, site)
    receipt = await output.ship(sent)
    assert (receipt.delivered, receipt.retry.count) == (10, 5)
    assert "pilotfish:till has another type than stream: rename or delete it" in receipt.waits["till"]
    with server.client() as client:
        client.delete("pilotfish:till")
    assert (await output.ship(receipt.retry)).delivered == 5
    await output.aclose()


async def test_a_full_memory_waits_and_takes_all_once_there_is_room(server: Receiver, site: OutputContext) -> None:
    output = shipper(server, site)
    with server.client() as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(Unavailable, match=r"OOM .*raise maxmemory, or set max_length"):
            await output.ship(SENT)
        client.config_set("maxmemory", "0")
    assert (await output.ship(SENT)).delivered == 30
    assert (await output.ship(SENT)).duplicate == 30
    await output.aclose()


async def test_a_busy_server_is_waited_for(server: Receiver, site: OutputContext) -> None:
    output = shipper(server, site)
    await output.ship(SENT)
    with server.client() as client:
        client.config_set("busy-reply-threshold", "20")
    looping = threading.Thread(target=_loop, args=(server,))
    looping.start()
    await asyncio.to_thread(_until_busy, server)
    with pytest.raises(Unavailable, match=r"BUSY .*wait until the script that keeps it busy has ended"):
        await output.ship(SENT)
    with server.client() as client:
        client.script_kill()
    await asyncio.to_thread(looping.join)
    assert (await output.ship(SENT)).duplicate == 30
    await output.aclose()


def _loop(server: Receiver) -> None:
    with server.client() as client, pytest.raises(ResponseError, match="killed"):
        client.eval("while true do end", 0)


def _until_busy(server: Receiver) -> None:
    while True:
        try:
            with server.client() as client:
                client.ping()
        except ResponseError as error:
            if "BUSY" in str(error):
                return


# ------------------------------------------------------------------ who asks


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Receiver]:
    with running(tmp_path / "redis", "--requirepass", SECRET) as server:
        yield server


async def test_a_password_is_needed_and_a_file_with_it_is_read_again(
    guarded: Receiver, site: OutputContext, tmp_path: Path
) -> None:
    output = shipper(guarded, site)
    with pytest.raises(Unauthorized, match=r"rejects a client .*set username and password_file"):
        await output.ship(SENT)
    await output.aclose()
    file = tmp_path / "password"
    file.write_text("wrong-" + SECRET)
    output = shipper(guarded, site, password_file=file)
    with pytest.raises(Unauthorized, match=r"rejects the password .*correct username or password_file") as caught:
        await output.ship(SENT)
    assert SECRET not in f"{caught.value}{caught.value!r}{output!r}"
    file.write_text(SECRET)
    assert (await output.ship(SENT)).delivered == 30
    await output.aclose()


async def test_a_user_without_the_commands_is_told_what_to_grant(guarded: Receiver, site: OutputContext) -> None:
    with Redis(port=guarded.port, password=SECRET, protocol=2) as client:
        client.acl_setuser("ship", enabled=True, passwords=["+" + SECRET], keys=["*"], commands=["+@all", "-xadd"])
        output = shipper(guarded, site, username="ship", password=SECRET)
        with pytest.raises(Unauthorized, match=r"does not permit the user 'ship' .*grant the user the keys"):
            await output.ship(SENT)
        least = ["eval", "evalsha", "time", "type", "xadd", "zadd", "zcard", "zcount", "zscore", "zremrangebyrank"]
        client.acl_setuser(
            "ship", enabled=True, reset=True, passwords=["+" + SECRET],
            keys=["pilotfish:*", "{pilotfish:*}:batches:*"], commands=[f"+{word}" for word in (*least, "expire")],
        )  # fmt: skip
    assert (await output.ship(SENT)).delivered == 30
    await output.aclose()


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    ca = trustme.CA()
    issued = ca.issue_cert("127.0.0.1")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    return tmp_path


async def test_tls_is_trusted_by_its_authority_alone(authority: Path, site: OutputContext) -> None:
    (port,) = free_ports(1)
    tls: list[str | Path] = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
    tls += ["--tls-cert-file", authority / "cert.pem", "--tls-key-file", authority / "key.pem"]
    tls += ["--tls-ca-cert-file", authority / "ca.pem"]
    with running(authority / "redis", *tls) as server:
        hosts = [f"rediss://127.0.0.1:{port}"]
        output = shipper(server, site, hosts=hosts)
        with pytest.raises(Unavailable, match=r"certificate of 127.0.0.1:.* cannot be verified .*set ca_file"):
            await output.ship(SENT)
        await output.aclose()
        for options in ({"ca_file": authority / "ca.pem"}, {"verify": False}):
            output = shipper(server, site, hosts=hosts, **options)
            receipt = await output.ship(SENT)
            assert receipt.delivered + receipt.duplicate == 30
            await output.aclose()
        output = shipper(server, site, hosts=[f"redis://127.0.0.1:{port}"])
        with pytest.raises(Unavailable, match=r"rediss or redis"):
            await output.ship(SENT)
        await output.aclose()


# ------------------------------------------------------------------ what is kept


async def test_old_entries_are_removed_where_a_length_is_set(server: Receiver, site: OutputContext) -> None:
    for mode in ("stream", "list"):
        output = shipper(server, site, mode=mode, key=f"pilotfish:{mode}", max_length=1_000)
        for n in range(10):
            await output.ship(batch(plain_segment(500, first=500 * n)))
        await output.aclose()
    with server.client() as client:
        assert 1_000 <= int(str(client.xlen("pilotfish:stream"))) < 1_200
        assert client.llen("pilotfish:list") == 1_000


async def test_of_old_batches_the_last_are_remembered_and_not_all(server: Receiver, site: OutputContext) -> None:
    """A host that was away for a week sends its last batches again; for all that it ever sent there is no memory."""
    output = shipper(server, site, window_seconds=60)
    sent = [batch(plain_segment(1, first=n)) for n in range(300)]
    for each in sent[:200]:
        await output.ship(each)
    (taken,) = [b"{pilotfish:shop}:batches:moby"]
    with server.client() as client:
        for member, score in _scored(client, taken):
            client.zadd(taken, {member: score - 7 * 86400e6})
    assert [(await output.ship(each)).duplicate for each in sent[:200]] == [1] * 200
    for each in sent[200:]:
        await output.ship(each)
    assert [(await output.ship(each)).duplicate for each in sent[172:]] == [1] * 128
    with server.client() as client:
        assert len(_scored(client, taken)) == 128
        assert int(str(client.ttl(taken))) > 29 * 86400
    await output.aclose()


def _scored(client: Redis, key: bytes) -> list[Any]:
    found: Any = client.zrange(key, 0, -1, withscores=True)
    return list(found)


async def test_replicas_are_waited_for(server: Receiver, site: OutputContext, tmp_path: Path) -> None:
    output = shipper(server, site, replicas=1, request_timeout_seconds=1)
    with pytest.raises(Unavailable, match=r"0 replicas of .* have the batch, fewer than `replicas: 1`"):
        await output.ship(SENT)
    with running(tmp_path / "replica", "--replicaof", f"127.0.0.1 {server.port}") as replica:
        async with asyncio.timeout(30):
            while True:
                try:
                    receipt = await output.ship(SENT)
                    break
                except Unavailable:
                    continue
        assert receipt.duplicate == 30
        with replica.client() as client:
            assert client.xlen("pilotfish:shop") == 30
        both = [f"redis://127.0.0.1:{replica.port}", f"redis://127.0.0.1:{server.port}"]
        follower = shipper(server, site, hosts=both)
        with pytest.raises(Unavailable, match=r"READONLY .*name the primary"):
            await follower.ship(batch(plain_segment(3, first=100)))
        assert (await follower.ship(batch(plain_segment(3, first=100)))).delivered == 3
        await follower.aclose()
    await output.aclose()


async def test_a_cluster_is_found_from_any_of_its_servers(tmp_path: Path, site: OutputContext) -> None:
    """Two servers, each with half of the slots."""
    buses = free_ports(2)
    ways = [("--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-port", str(bus)) for bus in buses]
    with running(tmp_path / "one", *ways[0]) as one, running(tmp_path / "other", *ways[1]) as other:
        await asyncio.to_thread(_join, one, other, buses[1])
        output = shipper(one, site)
        sent = batch(*(plain_segment(3, f"target-{n}") for n in range(40)))
        async with asyncio.timeout(30):
            while True:
                try:
                    receipt = await deliver(output, sent)
                    break
                except Unavailable:  # until each knows of the other
                    continue
        assert receipt.delivered + receipt.duplicate == 120
        assert (await deliver(output, sent)).duplicate == 120
        here, there = one.stored(), other.stored()
        assert here
        assert there
        assert len(here | there) == len(here) + len(there) == 120
        assert await output.read_back(sent.segments[0]) == set(sent.segments[0].ids)
        await output.aclose()


def _join(one: Receiver, other: Receiver, bus: int) -> None:
    with one.client() as here, other.client() as there:
        here.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
        there.execute_command("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
        here.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port, bus)


# ------------------------------------------------------------------ servers that are none


NONSENSE = (
    b"HTTP/1.1 400 Bad\r\n\r\n",
    b"+OK\r\n",
    b":7\r\n",
    b"$-1\r\n",
    b"-ERR max number of clients reached\r\n",
    b"",
)


@pytest.mark.parametrize("said", NONSENSE)
async def test_nonsense_is_no_acknowledgement(site: OutputContext, said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        output = Settings(hosts=(f"redis://127.0.0.1:{port}",), request_timeout_seconds=2).open(site)
        with pytest.raises(Unavailable) as caught:
            await output.ship(SENT)
        assert caught.value.remedy
        await output.aclose()


async def test_a_line_that_a_server_repeats_is_in_no_error(site: OutputContext) -> None:
    said = b"-ERR unknown command 'EVALSHA', with args beginning with: 'a private line' \r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        output = Settings(hosts=(f"redis://127.0.0.1:{port}",), request_timeout_seconds=2).open(site)
        with pytest.raises(Unavailable, match=r"check that `hosts` names Redis 5 or later") as caught:
            await output.ship(SENT)
        assert "private" not in str(caught.value)
        await output.aclose()
