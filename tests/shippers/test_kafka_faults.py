"""What goes wrong between the output kafka and a real broker, and what the output says of it."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from collector.errors import Unauthorized, Unavailable
from collector.ports import OutputContext, Shipper
from shippers.kafka import Settings
from tests.contract.segments import batch, document, log_stream, messages, plain_segment, segment
from tests.contract.shippers import deliver, rejected_ids
from tests.engines.kafka import PASSWORD, USER, Kafka
from tests.needs import marks
from tests.receivers.kafka import stored

SECRET = "correct-horse-7-wrong"


@pytest.fixture(scope="module")
@marks("engines")
def kafka() -> Iterator[Kafka]:
    broker = Kafka().start()
    yield broker
    broker.stop()


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("far", tmp_path / "far")


async def create(kafka: Kafka, *topics: str, **settings: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.plain)
    try:
        await admin.start()
        made = [NewTopic(one, 3, 1, topic_configs=settings) for one in topics]
        await admin.create_topics(made)
    finally:
        await admin.close()


async def found(kafka: Kafka, topic: str) -> dict[str, list[bytes]]:
    return await asyncio.to_thread(lambda: asyncio.run(stored(kafka.plain, topic)))


def copies(of: dict[str, list[bytes]]) -> set[int]:
    return set(map(len, of.values()))


def secured(kafka: Kafka, **options: Any) -> Settings:
    given = {"brokers": [kafka.secured], "tls": True, "ca_file": kafka.ca_file, "username": USER, "password": PASSWORD,
             "request_timeout_seconds": 5}  # fmt: skip
    return Settings(**{**given, **options})


async def fault(shipper: Shipper) -> Unavailable:
    try:
        with pytest.raises(Unavailable) as caught:
            await shipper.ship(batch(plain_segment(1)))
    finally:
        await shipper.aclose()
    return caught.value


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256", "scram-sha-512"])
async def test_a_password_from_a_file_lets_us_in_and_a_wrong_one_is_told_without_it(
    kafka: Kafka, site: OutputContext, tmp_path: Path, mechanism: str
) -> None:
    (file := tmp_path / "password").write_text(f"{PASSWORD}\n")
    await create(kafka, topic := f"in-{mechanism}")
    shipper = secured(kafka, password=None, password_file=file, mechanism=mechanism, topic=topic).open(site)
    assert (await deliver(shipper, batch(plain_segment(3)))).delivered == 3
    await shipper.aclose()
    wrong = secured(kafka, password=SECRET, mechanism=mechanism)
    error = await fault(wrong.open(site))
    assert isinstance(error, Unauthorized)
    assert USER in str(error)
    assert SECRET not in f"{error!r} {wrong!r} {wrong}"


async def test_a_password_that_was_replaced_is_used_without_a_restart(
    kafka: Kafka, site: OutputContext, tmp_path: Path
) -> None:
    (file := tmp_path / "password").write_text(SECRET)
    await create(kafka, "replaced")
    shipper = secured(kafka, password=None, password_file=file, topic="replaced").open(site)
    with pytest.raises(Unauthorized):
        await shipper.ship(batch(plain_segment(1)))
    file.write_text(PASSWORD)
    assert (await deliver(shipper, batch(plain_segment(1)))).delivered == 1
    await shipper.aclose()


async def test_a_strange_certificate_is_not_trusted(kafka: Kafka, site: OutputContext, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "strange.pem")
    error = await fault(secured(kafka, ca_file=tmp_path / "strange.pem").open(site))
    assert "is not trusted" in error.cause
    assert "ca_file" in error.remedy


@pytest.mark.parametrize(
    ("listener", "options"),
    [
        ("plain", {"tls": True}),
        ("tls", {}),
        ("plain", {"username": "u", "password": "p"}),
    ],
)
async def test_a_listener_that_speaks_otherwise_is_told(
    kafka: Kafka, site: OutputContext, listener: str, options: dict[str, Any]
) -> None:
    error = await fault(Settings(brokers=[getattr(kafka, listener)], request_timeout_seconds=2, **options).open(site))
    assert error.cause
    assert error.remedy


async def test_brokers_that_are_away_are_named(site: OutputContext) -> None:
    error = await fault(Settings(brokers=["127.0.0.1:1"]).open(site))
    assert "127.0.0.1:1 cannot be reached" in error.cause
    assert "brokers" in error.remedy


@pytest.mark.parametrize("options", [{}, {"transactional": True}])
async def test_documents_wait_for_a_topic_that_is_missing_and_others_go_on(
    kafka: Kafka, site: OutputContext, options: dict[str, Any]
) -> None:
    prefix = f"wait{len(options)}"
    await create(kafka, f"{prefix}-shop")
    shipper = Settings(brokers=[kafka.plain], topic=f"{prefix}-{{target}}", **options).open(site)
    receipt = await shipper.ship(batch(plain_segment(3), plain_segment(2, "till")))
    assert (receipt.delivered, receipt.retry.count) == (3, 2)
    assert f"{prefix}-till does not exist" in receipt.waits["till"]
    await create(kafka, f"{prefix}-till")
    assert (await deliver(shipper, receipt.retry)).delivered == 2
    await shipper.aclose()
    assert copies(await found(kafka, prefix)) == {1}


async def test_a_topic_that_is_not_allowed_gets_nothing(kafka: Kafka, site: OutputContext) -> None:
    await create(kafka, "app-a", "secret-b")
    shipper = Settings(brokers=[kafka.plain], topics=["app-*"]).open(site)
    receipt = await shipper.ship(batch(plain_segment(2, "app-a"), plain_segment(2, "secret-b")))
    await shipper.aclose()
    assert receipt.delivered == 2
    assert {(each.type, each.is_final) for each in receipt.rejected} == {("topic_not_allowed", True)}
    assert await found(kafka, "secret-b") == {}


@pytest.mark.parametrize("options", [{}, {"record": "bundle"}, {"key": "id"}, {"transactional": True}])
async def test_a_document_that_is_too_large_is_rejected_alone(
    kafka: Kafka, site: OutputContext, options: dict[str, Any]
) -> None:
    """One is larger than the option allows, and one than the topic does."""
    topic = f"large-{'-'.join(map(str, options.values()))}"
    await create(kafka, topic, **{"max.message.bytes": "300000"})
    stream = log_stream()
    bodies = messages(30, stream)
    bodies[7] = document({"message": "x" * 400_000}, stream)
    bodies[20] = document({"message": "y" * 2_000_000}, stream)
    part = segment(bodies, stream)
    shipper = Settings(brokers=[kafka.plain], topic=topic, compression="none", **options).open(site)
    receipt = await deliver(shipper, batch(part))
    again = await shipper.ship(batch(part)) if "transactional" in options else receipt
    await shipper.aclose()
    assert rejected_ids(receipt) == rejected_ids(again) == {part.ids[7], part.ids[20]}
    assert {each.type for each in receipt.rejected} == {"too_large"}
    assert (await found(kafka, topic)).keys() == set(part.ids) - {part.ids[7], part.ids[20]}
    if "transactional" in options:
        assert again.duplicate == 28
        assert copies(await found(kafka, topic)) == {1}


@pytest.mark.engines
@pytest.mark.parametrize("options", [{}, {"transactional": True}])
async def test_a_broker_that_dies_twice_in_mid_stream_neither_loses_nor_doubles_while_the_agent_lives(
    site: OutputContext, options: dict[str, Any]
) -> None:
    broker = Kafka().start()
    try:
        await create(broker, "shop")
        shipper = Settings(brokers=[broker.plain], request_timeout_seconds=20, **options).open(site)
        async with asyncio.TaskGroup() as tasks:
            for number in range(60):
                if number in (20, 40):
                    tasks.create_task(asyncio.to_thread(broker.restart))
                await deliver(shipper, batch(plain_segment(100, first=100 * number)))
        await shipper.aclose()
        there = await found(broker, "shop")
        assert len(there) == 6000
        assert copies(there) == {1}
    finally:
        broker.stop()


# ---------------------------------------------------------------------- transactions


def journal(site: OutputContext) -> Path:
    return site.directory / "journal"


async def test_a_transaction_of_which_the_end_was_not_noted_is_asked_for(kafka: Kafka, site: OutputContext) -> None:
    """As after a kill between the commit and the note of it."""
    await create(kafka, "doubt")
    settings = Settings(brokers=[kafka.plain], topic="doubt", transactional=True)
    sent = batch(plain_segment(20), plain_segment(5, "till"))
    shipper = settings.open(site)
    assert (await shipper.ship(sent)).delivered == 25
    await shipper.aclose()
    lines = journal(site).read_bytes().splitlines(keepends=True)
    assert b'"end"' in lines[-1]
    journal(site).write_bytes(b"".join(lines[:-1]) + lines[-1][:9])  # cut in the middle of a line
    shipper = settings.open(site)
    receipt = await shipper.ship(sent)
    await shipper.aclose()
    assert (receipt.delivered, receipt.duplicate) == (0, 25)
    assert copies(await found(kafka, "doubt")) == {1}


async def test_a_transaction_that_was_noted_and_not_made_is_made(kafka: Kafka, site: OutputContext) -> None:
    await create(kafka, "unmade")
    settings = Settings(brokers=[kafka.plain], topic="unmade", transactional=True)
    first, second = batch(plain_segment(20)), batch(plain_segment(20, first=20))
    shipper = settings.open(site)
    await shipper.ship(first)
    await shipper.aclose()
    begin = msgspec.json.decode(journal(site).read_bytes().splitlines()[-2])
    begin["number"] += 1
    with journal(site).open("ab") as file:
        file.write(msgspec.json.encode(begin) + b"\n")
    shipper = settings.open(site)
    assert (await shipper.ship(second)).delivered == 20
    assert (await shipper.ship(first)).duplicate == 20
    await shipper.aclose()
    assert copies(await found(kafka, "unmade")) == {1}


async def test_a_zombie_with_the_same_state_is_fenced(kafka: Kafka, site: OutputContext, tmp_path: Path) -> None:
    await create(kafka, "zombie")
    settings = Settings(brokers=[kafka.plain], topic="zombie", transactional=True, request_timeout_seconds=5)
    zombie = settings.open(site)
    await zombie.ship(batch(plain_segment(10)))
    shutil.copytree(site.directory, tmp_path / "copy")
    successor = settings.open(site._replace(directory=tmp_path / "copy"))
    await successor.ship(batch(plain_segment(10, first=10)))
    with pytest.raises(Unavailable, match="state_dir of its own"):
        await zombie.ship(batch(plain_segment(10, first=20)))
    for one in (zombie, successor):
        await one.aclose()
    assert (await found(kafka, "zombie")).keys() == {*plain_segment(20).ids}


async def test_nothing_of_a_transaction_that_was_given_up_is_seen(kafka: Kafka, site: OutputContext) -> None:
    await create(kafka, "given-up")
    settings = Settings(brokers=[kafka.plain], topic="given-up", transactional=True)
    sent = batch(plain_segment(3000))
    for seconds in (0.001, 0.02, 0.03, 0.05, 0.08):
        shipper = settings.open(site)
        with suppress(TimeoutError):
            await asyncio.wait_for(shipper.ship(sent), seconds)
        await shipper.aclose()
    shipper = settings.open(site)
    receipt = await deliver(shipper, sent)
    await shipper.aclose()
    assert receipt.delivered + receipt.duplicate == 3000
    assert copies(await found(kafka, "given-up")) == {1}


# ---------------------------------------------------------------------- what operators ask


@pytest.mark.parametrize("options", [{}, {"record": "bundle"}, {"transactional": True}])
async def test_what_was_delivered_is_read_back(kafka: Kafka, site: OutputContext, options: dict[str, Any]) -> None:
    topic = f"back-{'-'.join(map(str, options.values()))}"
    await create(kafka, topic)
    shipper: Any = Settings(brokers=[kafka.plain], topic=topic, **options).open(site)
    part = plain_segment(10)
    assert await shipper.read_back(part) == set()
    await deliver(shipper, batch(part))
    assert await shipper.read_back(plain_segment(12)) == set(part.ids)
    await shipper.aclose()


async def test_a_probe_says_what_is_there(kafka: Kafka, site: OutputContext) -> None:
    shipper: Any = secured(kafka, transactional=True).open(site)
    assert await shipper.probe() == "Kafka cluster with 1 broker"
    await shipper.aclose()


def test_names_of_topics_are_what_kafka_takes() -> None:
    settings = Settings(brokers=["kafka"])
    for target in ("../../x", "", ".", "..", "größe 日本", "a" * 500, "a/b\x00c", "UPPER"):
        name = settings.topic_of(target, "2026-11-23")
        assert re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name)
        assert name not in (".", "..")
