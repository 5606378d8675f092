"""A thousand hosts' documents → Kafka, as their agents would send them; and what a destination must have then.

As a process: `python -m tests.faults.fleet BROKER SEED FIRST END` sends those of the hosts from FIRST to before END.
Each host has an output `kafka` of its own, so a producer and connections of its own. All hosts have containers of the
same names, whose lines have the same times: ids and the field `host` alone tell them apart.
"""

import asyncio
import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import uvloop

from collector.documents.document import Pilotfish
from collector.errors import Unavailable
from collector.model import Batch, FileId, LogStream, Position, Receipt, Segment, Ticket
from collector.ports import OutputContext, Shipper
from shippers.kafka import Settings
from tests.faults.verifier import Arrived

HOSTS = 1_000
_CONTAINERS = ("web-1", "worker-1")
_TARGETS = ("shop", "till", "stock", "billing")
_ROUNDS, _LINES = 4, 25  # batches of a host, and lines of a container in each
_AT_ONCE = 16  # hosts that send at the same time, for each process
_AGAIN_SECONDS = 0.2
_DAY = "2026-11-23"

PER_HOST = len(_CONTAINERS) * _ROUNDS * _LINES
DOCUMENTS = HOSTS * PER_HOST


class _Line(NamedTuple):
    log: str
    stream: str
    time: str


class Kept(NamedTuple):
    """What a document must be, whose id is known."""

    host: str
    container: str
    number: int
    stored_in: str


def stream_of(host: int, container: str) -> LogStream:
    """A container of a host."""
    container_id = hashlib.sha256(f"{host}/{container}".encode()).hexdigest()
    target = _TARGETS[host % len(_TARGETS)]
    fields = {"host": f"host-{host:04}", "@target": target, "docker_container": container}
    return LogStream(
        container_id=container_id, container=container, entry="", target=target, running=True, fields=fields,
        path=f"/var/lib/docker/containers/{container_id}/{container_id}-json.log",
    )  # fmt: skip


def _head(stream: LogStream) -> str:
    return hashlib.blake2b(stream.container_id.encode(), digest_size=12).hexdigest()


def segment_of(host: int, container: str, number: int) -> Segment:
    """The lines of a container that a host sends in its batch with this number."""
    stream = stream_of(host, container)
    head = _head(stream)
    lines = range(number * _LINES, (number + 1) * _LINES)
    stamps = [f"{_DAY}T02:{one // 60:02}:{one % 60:02}.000000000Z" for one in lines]
    said = f'{{"message":"{stream.fields["host"]} says %d","number":%d}}\n'
    logs = [_Line(said % (one, one), "stdout", "") for one in lines]
    made = Pilotfish().whole_lines(stream, logs, stamps, [f"{head}-{one}" for one in lines])
    assert made is not None
    size = sum(map(len, made.documents))
    end = Position(FileId(stream.container_id, head, 0), lines.stop * 100, lines.stop)
    return Segment(
        stream=stream, day=_DAY, documents=made.documents, ids=made.ids, size=size, ticket=Ticket(end, documents=_LINES)
    )


def truth() -> dict[str, Kept]:
    """Every document of the fleet by its id."""
    found: dict[str, Kept] = {}
    for host in range(HOSTS):
        for container in _CONTAINERS:
            stream = stream_of(host, container)
            head, name, stored_in = _head(stream), stream.fields["host"], f"{stream.target}-{_DAY.replace('-', '.')}"
            found |= {f"{head}-{one}": Kept(name, container, one, stored_in) for one in range(_ROUNDS * _LINES)}
    return found


def judge(right: Mapping[str, Kept], arrived: Iterable[Arrived]) -> Counter[str]:
    """How many documents are `lost`, `doubled`, `wrong` or `unknown`, and how many hosts are `incomplete`."""
    found: Counter[str] = Counter()
    seen: set[str] = set()
    hosts: Counter[str] = Counter()
    for document in arrived:
        if (kept := right.get(document.id)) is None:
            found["unknown"] += 1
            continue
        if document.id in seen:
            found["doubled"] += 1
            continue
        seen.add(document.id)
        source = document.source
        log: Mapping[str, Any] = source["log"]
        is_right = log == {"message": f"{kept.host} says {kept.number}", "number": kept.number}
        at = Kept(source["host"], source["docker_container"], log["number"], document.stored_in)
        found["wrong"] += not is_right or at != kept
        hosts[source["host"]] += 1
    found["lost"] = len(right) - len(seen)
    found["incomplete"] = len({kept.host for kept in right.values() if hosts[kept.host] != PER_HOST})
    return +found


class Fleet:
    """Processes that send; `directory` gets what they say."""

    def __init__(self, directory: Path, broker: str, seed: int, processes: int = 2) -> None:
        self._log = (directory / "fleet.log").open("wb")
        borders = [HOSTS * number // processes for number in range(processes + 1)]
        words = [sys.executable, "-m", "tests.faults.fleet", broker, str(seed)]
        self._children = [
            subprocess.Popen([*words, str(first), str(end)], stdout=self._log, stderr=self._log)
            for first, end in pairwise(borders)
        ]

    def has_sent(self) -> bool:
        """Whether all is acknowledged by the brokers.

        Raises:
            AssertionError: a process failed.
        """
        codes = [child.poll() for child in self._children]
        assert not any(codes), Path(self._log.name).read_text()[-2000:]
        return None not in codes

    def close(self) -> None:
        """End what still runs."""
        for child in self._children:
            child.kill()
            child.wait()
        self._log.close()


async def _ship(shipper: Shipper, batch: Batch) -> None:
    """Send it until the brokers have all of it, as an agent does."""
    while batch.count:
        try:
            receipt = await shipper.ship(batch)
        except Unavailable:
            receipt = Receipt(retry=batch)
        assert not receipt.rejected, receipt.rejected[0].reason
        if batch := receipt.retry:
            await asyncio.sleep(_AGAIN_SECONDS)


async def send(broker: str, seed: int, hosts: Sequence[int]) -> None:
    """Send all of these hosts, in each round in another order; every host stays connected to the end."""
    settings = Settings(type="kafka", brokers=(broker,), topic="logs-{target}", record="bundle")
    shippers = {host: settings.open(OutputContext("kafka", Path())) for host in hosts}
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(host: int, number: int) -> None:
        async with turn:
            await _ship(shippers[host], Batch(tuple(segment_of(host, name, number) for name in _CONTAINERS)))

    for number in range(_ROUNDS):
        async with asyncio.TaskGroup() as group:
            for host in Random(seed * 10 + number).sample(hosts, len(hosts)):
                group.create_task(one(host, number))
    for shipper in shippers.values():
        await shipper.aclose()


if __name__ == "__main__":
    uvloop.run(send(sys.argv[1], int(sys.argv[2]), range(int(sys.argv[3]), int(sys.argv[4]))))
