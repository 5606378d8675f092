"""The output `loki`: the laws of every shipper, then what Loki refuses."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.errors import Refused, Unauthorized, Unavailable
from collector.model import Batch
from collector.net.remote import basic
from collector.ports import OutputContext
from shippers.loki import Settings
from shippers.loki.entries import cut
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import Destination, ShipperContract, deliver, same_json
from tests.receivers.loki import LokiServer
from tests.receivers.own_server import Fault
from tests.shippers.http_family import Halving, OnServer, delivered, opened

SENT = batch(plain_segment(3))
SECRET = "s3cret-in-a-test"


class TestLoki(ShipperContract):
    """What is sent again folds, so a document stands there once; Loki does not say that it was there."""

    deduplicates = False
    takes_anything = True

    @pytest.fixture
    async def destination(self, site: OutputContext) -> AsyncIterator[Destination]:
        async with LokiServer() as server:
            yield OnServer(server, site, "loki", {})


@pytest.fixture
async def server() -> AsyncIterator[LokiServer]:
    async with LokiServer() as server:
        yield server


def loki(site: OutputContext, server: LokiServer, **options: object) -> Any:
    return opened(site, "loki", server.url, **options)


def lines(*texts: str, target: str = "shop", when: str = "2026-11-23T02:13:00.500000000Z") -> Batch:
    stream = log_stream(target)
    logs = [b'{"message":%b}' % orjson.dumps(text) for text in texts]
    return batch(segment([document(log, stream, time=when) for log in logs], stream, file=target))


# ------------------------------------------------------------------ entries


async def test_a_line_has_few_labels_and_the_rest_as_metadata(site: OutputContext, server: LokiServer) -> None:
    shipper = loki(site, server, extra_labels={"env": "live"}, tenant="a")
    await shipper.ship(lines("ERROR: out of stock"))
    await shipper.aclose()
    (entry,) = server.entries
    stream = {"host": "moby", "target": "shop", "container": "c0ffee-1", "level": "error", "env": "live"}
    assert entry.labels == stream
    assert entry.metadata == {"_id": lines("x").segments[0].ids[0], "stream": "stdout"}
    assert (entry.line, entry.time) == ("ERROR: out of stock", 1_795_399_980_500_000_000)
    assert server.asked[0].headers["x-scope-orgid"] == "a"


async def test_members_are_labels_by_choice(site: OutputContext, server: LokiServer) -> None:
    shipper = loki(site, server, labels="stream, target")
    await shipper.ship(lines("ERROR: out of stock"))
    await shipper.aclose()
    assert server.entries[0].labels == {"stream": "stdout", "target": "shop"}
    assert server.entries[0].metadata.keys() == {"_id", "host", "container"}


async def test_equal_lines_of_one_nanosecond_both_stay_and_what_is_sent_again_folds(
    site: OutputContext, server: LokiServer
) -> None:
    shipper = loki(site, server)
    for _ in range(3):
        await shipper.ship(lines("same", "same"))
    await shipper.aclose()
    assert [entry.line for entry in server.entries] == ["same", "same"]


async def test_a_long_line_goes_in_numbered_pieces_and_arrives_whole(site: OutputContext, server: LokiServer) -> None:
    server.most_line_bytes = 1024
    shipper = loki(site, server, max_line_bytes=1024)
    long = "日本 " * 700
    json = document({"message": "x", "more": "y" * 3000}, log_stream())
    sent = batch(*lines(long, "short").segments, segment([json], log_stream(), file="json"))
    assert (await shipper.ship(sent)).delivered == 3
    await shipper.aclose()
    assert [entry.metadata.get("piece") for entry in server.entries if "日" in entry.line] == [
        f"{number}/5" for number in range(1, 6)
    ]
    expected = {name: body for part in sent.segments for name, body in zip(part.ids, part.documents, strict=True)}
    assert all(same_json(server.kept.documents[name][0], body) for name, body in expected.items())


@given(st.text(), st.integers(4, 50))
def test_pieces_are_whole_characters_and_lose_nothing(text: str, most: int) -> None:
    pieces = list(cut(text.encode(errors="replace"), most))
    assert b"".join(pieces) == text.encode(errors="replace")
    assert all(0 < len(piece) <= most and piece.decode() for piece in pieces)


def test_bytes_that_are_no_text_are_cut_too() -> None:
    assert list(cut(b"\x80" * 10, 4)) == [b"\x80" * 4, b"\x80" * 4, b"\x80" * 2]


async def test_more_members_than_loki_takes_are_left_out_and_the_line_arrives(
    site: OutputContext, server: LokiServer
) -> None:
    stream = log_stream()
    many = {**stream.fields, **{f"docker_label_{n}": "v" * 512 for n in range(200)}}
    body = b'{"log":{"message":"x"},"stream":"stdout","@timestamp":"2026-11-23T02:13:00Z",%b' % orjson.dumps(many)[1:]
    shipper = loki(site, server)
    assert (await shipper.ship(batch(segment([body], stream)))).delivered == 1
    await shipper.aclose()
    assert "docker_label_1" in server.entries[0].metadata


async def test_what_is_no_document_is_rejected_and_its_neighbours_arrive(
    site: OutputContext, server: LokiServer
) -> None:
    stream = log_stream()
    bad = document({"message": "x"}, stream, time="yesterday")
    sent = batch(segment([*lines("a").segments[0].documents, bad, b"{}"], stream))
    shipper = loki(site, server)
    receipt = await shipper.ship(sent)
    await shipper.aclose()
    assert (receipt.delivered, [each.index for each in receipt.rejected]) == (1, [1, 2])


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Fault(200), Unavailable, "answers 200 in other words"),
        (Fault(260, b"ingestion blocked for user a until tomorrow"), Unavailable, "answers 260 .*ingestion blocked"),
        (Fault(204 + 1), Unavailable, "answers 205"),
        (Fault(401, b"no org id"), Unauthorized, "401"),
        (Fault(429, b"Ingestion rate limit exceeded for user a"), Unavailable, "raise ingestion_rate_mb"),
        (Fault(500, b"at least 2 live replicas required"), Unavailable, "live replicas"),
        (Fault(400, b"<html>"), Unavailable, "rejected the request"),
        (Fault(400, b"stream '{}' includes structured metadata, but this feature is disallowed."), Unavailable,
         r"set limits_config.allow_structured_metadata: true"),
        (Fault(400, b"couldn't parse push request"), Refused, "parse push"),
        (Fault(413), Refused, "413"),
        (Fault(is_cut=True), Unavailable, "cannot be reached"),
    ],
)  # fmt: skip
async def test_only_204_says_that_all_is_stored(
    site: OutputContext, server: LokiServer, fault: Fault, error: type[Exception], text: str
) -> None:
    shipper = loki(site, server)
    server.faults.append(fault)
    with pytest.raises(error, match=text):
        await shipper.ship(SENT)
    assert (await deliver(shipper, SENT)).delivered == 3
    await shipper.aclose()


async def test_lines_that_are_too_old_are_dead_letters_with_lokis_reason_after_one_more_push(
    site: OutputContext, server: LokiServer
) -> None:
    server.oldest = 1_795_399_980_000_000_000
    old = lines("old", "older", when="2026-11-20T00:00:00.1Z", target="past")
    shipper = loki(site, server)
    sent = batch(*old.segments, *SENT.segments)
    receipt = await shipper.ship(sent)
    await shipper.aclose()
    assert receipt.delivered == 3
    assert {each.segment.ids[each.index] for each in receipt.rejected} == {*old.segments[0].ids}
    assert {(each.type, each.is_final) for each in receipt.rejected} == {("greater_than_max_sample_age", True)}
    assert "oldest acceptable timestamp is: 2026-11-23T02:13:00Z" in receipt.rejected[0].reason
    assert len(server.asked) == 2
    assert {len(copies) for copies in server.kept.documents.values()} == {1}


async def test_behind_old_lines_new_ones_arrive_and_nothing_waits(
    site: OutputContext, server: LokiServer, tmp_path: Path
) -> None:
    server.oldest = 1_795_399_980_000_000_000
    old = [
        lines(*(f"old {n}" for n in range(30)), when=f"2026-11-{day}T00:00:00.1Z", target=f"t{day}").segments[0]
        for day in (20, 21)
    ]
    new = [plain_segment(20, first=20 * n) for n in range(3)]
    desk = await delivered(loki(site, server), tmp_path, *old, *new)
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered, len(desk.settled)) == (60, 60, 5)
    assert {len(copies) for copies in server.kept.documents.values()} == {1}
    assert {letter["reason"] for letter in desk.letters} == {"greater_than_max_sample_age"}


async def test_words_in_a_label_make_no_new_line_too_old(site: OutputContext, server: LokiServer) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.5Z}"
    evil = "x' has timestamp too old: 2026-01-01T00:00:00Z, oldest acceptable timestamp is: 2099-01-01T00:00:00Z"
    shipper = loki(site, server)
    server.faults.append(Fault(400, f"entry for stream '{{target=\"{evil}".encode()))
    with pytest.raises(Refused):
        await shipper.ship(lines("a", "b", target=evil, when=now))
    await shipper.aclose()


async def test_a_line_at_fault_is_found_and_the_others_stay_once(site: OutputContext, server: LokiServer) -> None:
    sent = lines(*(f"line {n}" for n in range(40)), "p0ison", *(f"line {n}" for n in range(40, 50)))
    shipper = Halving(loki(site, server))
    receipt = await shipper.ship(sent)
    await shipper.aclose()
    assert receipt.delivered == 50
    assert [(each.type, each.is_final) for each in receipt.rejected] == [("out_of_order", True)]
    assert "ignored, reason" in receipt.rejected[0].reason
    assert [len(copies) for copies in server.kept.documents.values()] == [1] * 50


async def test_a_stream_over_its_limit_holds_up_no_other(site: OutputContext, server: LokiServer) -> None:
    server.limited = "loud"
    sent = batch(*lines("a", "b", target="loud").segments, *SENT.segments)
    shipper = loki(site, server)
    receipt = await shipper.ship(sent)
    assert (receipt.delivered, receipt.retry.count) == (3, 2)
    with pytest.raises(Unavailable, match="Per stream rate limit"):
        await shipper.ship(receipt.retry)
    server.limited = ""
    assert (await shipper.ship(receipt.retry)).delivered == 2
    await shipper.aclose()
    assert {len(copies) for copies in server.kept.documents.values()} == {1}


# ------------------------------------------------------------------ check, read back, options


async def test_the_version_is_told_by_probe_and_a_refused_push(site: OutputContext, server: LokiServer) -> None:
    shipper = loki(site, server)
    assert await shipper.probe() == f"Loki 3.9.9 at {server.url}"
    server.faults += [Fault(204), Fault(404)]
    assert await shipper.probe() == f"Loki at {server.url}"
    for fault, error in ((Fault(200, b"<html>"), Unavailable), (Fault(401, b"no org id"), Unauthorized)):
        server.faults.append(fault)
        with pytest.raises(error):
            await shipper.probe()
    await shipper.aclose()


async def test_loki_is_asked_which_documents_are_there(site: OutputContext, server: LokiServer) -> None:
    shipper = loki(site, server)
    await shipper.ship(batch(plain_segment(3), plain_segment(4, "till")))
    assert await shipper.read_back(plain_segment(5)) == {*plain_segment(3).ids}
    server.faults.append(Fault(200, b'{"data":[]}'))
    with pytest.raises(Unavailable, match="answers a search in other words"):
        await shipper.read_back(plain_segment(1))
    await shipper.aclose()


async def test_a_secret_is_told_to_loki_alone(site: OutputContext, server: LokiServer) -> None:
    server.authorization = ("authorization", basic("me", SECRET))
    shipper = loki(site, server, username="me", password=SECRET)
    assert (await shipper.ship(SENT)).delivered == 3
    server.authorization = ("authorization", "other")
    with pytest.raises(Unauthorized, match="the user 'me'") as caught:
        await shipper.ship(SENT)
    await shipper.aclose()
    assert SECRET not in f"{caught.value!r} {shipper!r}"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"extra_labels": {"a-b": "x"}}, "is not the name of a label"),
        ({"extra_labels": {"__x": "x"}}, "is not the name of a label"),
        ({"extra_labels": {"env": ""}}, "is empty"),
        ({"labels": [f"l{n}" for n in range(16)]}, "too many"),
        ({"max_line_bytes": 10}, "1024"),
    ],
)
def test_labels_that_loki_refuses_are_refused_before(options: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        Settings.model_validate({"hosts": ["http://loki"], **options})
