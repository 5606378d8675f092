"""S3: what goes wrong between the agent and a bucket; on a real SeaweedFS, and on a server that misbehaves on order."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.errors import Unauthorized, Unavailable
from collector.ports import OutputContext
from shippers.s3 import Settings
from shippers.s3.shipper import S3Shipper
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import deliver, rejected_ids, settled
from tests.needs import marks
from tests.plugin.sink_server import Fault, SinkServer
from tests.receivers.destination import shipped_while_killed
from tests.receivers.s3 import BUCKET, WRITER, WRITERS_SECRET, Receiver

SECRET = "s3cret-in-a-test"
SENT = batch(plain_segment(30))
STORED = Fault(200, headers={"etag": '"0"'})


@pytest.fixture(scope="module")
@marks("engines")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("s3")) as receiver:
        yield receiver


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("far", tmp_path / "state")


def shipper(server: Receiver, site: OutputContext, **options: Any) -> S3Shipper:
    return Settings.model_validate({**server.options(), "request_timeout_seconds": 10, **options}).open(site)


# ------------------------------------------------------------------ a real server


async def test_a_server_that_is_killed_in_mid_stream_has_each_batch_once_when_it_is_back(
    server: Receiver, site: OutputContext
) -> None:
    output = shipper(server, site, prefix="killed/{target}/")
    sent = [batch(plain_segment(200, first=200 * n), plain_segment(20, f"t{n % 3}", first=20 * n)) for n in range(20)]
    lost: list[bool] = []
    for round_ in range(2):
        theirs = sent[round_ * 10 : round_ * 10 + 10]
        lost += await shipped_while_killed(output, server, theirs, after_seconds=0.03 * (round_ + 1))
        for each in theirs:
            await _until_taken(output, each)
    await output.aclose()
    assert lost
    assert not any(lost)  # else parts would be sent, under other names
    stored = await asyncio.to_thread(server.stored)
    theirs_ids = {name for each in sent for segment in each.segments for name in segment.ids}
    assert theirs_ids <= stored.keys()
    assert {len(stored[name]) for name in theirs_ids} == {1}


async def _until_taken(output: S3Shipper, sent: Any) -> None:
    """A server that has just started may ask for patience."""
    async with asyncio.timeout(60):
        while True:
            try:
                await deliver(output, sent)
                return
            except Unavailable:
                continue


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"secret_access_key": f"not-{SECRET}"}, r"SignatureDoesNotMatch.*correct secret_access_key_file"),
        ({"access_key_id": "nobody"}, r"InvalidAccessKeyId.*correct access_key_id and secret_access_key_file"),
        ({"access_key_id": WRITER, "secret_access_key": WRITERS_SECRET}, ""),
    ],
)
async def test_a_key_that_is_refused_is_told_with_its_remedy_and_without_its_secret(
    server: Receiver, site: OutputContext, options: dict[str, str], text: str
) -> None:
    output = shipper(server, site, prefix=f"{len(text)}/", **options)
    if not text:  # a key that may write needs no more
        assert (await output.ship(SENT)).delivered == 30
        with pytest.raises(Unauthorized, match=r"AccessDenied"):
            await output.read_back(SENT.segments[0])
    else:
        with pytest.raises(Unauthorized, match=text) as caught:
            await output.ship(SENT)
        assert SECRET not in f"{caught.value}{caught.value!r}{output!r}"
    assert BUCKET in await output.probe() if not text else True
    await output.aclose()


async def test_a_secret_in_a_file_is_read_again(server: Receiver, site: OutputContext, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("wrong")
    options = {**server.options(), "secret_access_key": None, "secret_access_key_file": file, "prefix": "reread/"}
    output = Settings.model_validate(options).open(site)
    with pytest.raises(Unauthorized):
        await output.ship(SENT)
    file.write_text("tests-secret-key\n")
    assert (await output.ship(SENT)).delivered == 30
    await output.aclose()


async def test_a_bucket_that_is_not_there_is_waited_for(server: Receiver, site: OutputContext) -> None:
    output = shipper(server, site, bucket="later")
    with pytest.raises(Unavailable, match=r"NoSuchBucket.*create the bucket, or correct bucket"):
        await output.probe()
    with pytest.raises(Unavailable, match=r"NoSuchBucket.*create the bucket, or correct bucket"):
        await output.ship(SENT)
    assert await asyncio.to_thread(server.ask, "PUT", "/later") == (200, b"")
    assert (await output.ship(SENT)).delivered == 30
    assert "bucket later at http://127.0.0.1" in await output.probe()
    await output.aclose()


async def test_a_prefix_of_names_and_values_is_signed_as_it_is_sent(server: Receiver, site: OutputContext) -> None:
    output = shipper(server, site, prefix="hive/target={target}/date=%Y-%m-%d/host_{host}/")
    headers = {"x-amz-storage-class": "STANDARD"}
    other = shipper(server, site, prefix="hive/target={target}/date=%Y-%m-%d/host_{host}/", object_headers=headers)
    assert (await output.ship(SENT)).delivered == 30
    assert (await other.ship(SENT)).duplicate == 30
    assert await output.read_back(SENT.segments[0]) == set(SENT.segments[0].ids)
    names = [name for name in await asyncio.to_thread(server.names) if name.startswith("hive/")]
    first, last = SENT.segments[0].ids[0], SENT.segments[0].ids[-1]
    assert [name.startswith(f"hive/target=shop/date=2026-11-23/host_moby/{first}_{last}_") for name in names] == [True]
    await output.aclose()
    await other.aclose()


# ------------------------------------------------------------------ a server that misbehaves


def beside(server: SinkServer, site: OutputContext, **options: Any) -> S3Shipper:
    own = {"type": "s3", "hosts": [server.url], "bucket": BUCKET, "access_key_id": "k", "secret_access_key": SECRET}
    return Settings.model_validate({**own, **options}).open(site)


def told(code: str, status: int = 403, more: str = "", **headers: str) -> Fault:
    text = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>words of it</Message>{more}</Error>'
    return Fault(status, text.encode(), headers)


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (told("AccessDenied"), Unauthorized, r"\(403 AccessDenied: words of it\): grant s3:PutObject"),
        (told("ExpiredToken", 400), Unauthorized, "renew the session token"),
        (told("RequestTimeTooSkewed"), Unauthorized, "set the clock of this machine"),
        (told("SlowDown", 503), Unavailable, "the agent retries; lower concurrency"),
        (told("ConditionalRequestConflict", 409), Unavailable, "the agent retries"),
        (told("AuthorizationHeaderMalformed", 400, "<Region>eu-1</Region>"), Unavailable, "set region to eu-1, and"),
        (told("PermanentRedirect", 301), Unavailable, "set region to that of the bucket, and check `hosts`"),
        (told("SomethingNew", 400), Unavailable, r"rejected the request \(400: SomethingNew: words of it\)"),
        (Fault(200), Unavailable, "answers in other words"),
        (Fault(200, b"<html>sign in</html>"), Unavailable, "answers in other words"),
        (Fault(500, b"?"), Unavailable, "rejected the request"),
        (Fault(is_cut=True), Unavailable, "cannot be reached"),
        (Fault(502), Unavailable, "is overloaded or starting"),
    ],
)  # fmt: skip
async def test_a_fault_is_told_with_its_remedy_and_the_batch_goes_through_again(
    site: OutputContext, fault: Fault, error: type[Exception], text: str
) -> None:
    async with SinkServer() as server:
        output = beside(server, site)
        server.faults.extend([fault] * (1 + fault.is_cut))  # a request that is cut goes out once more by itself
        with pytest.raises(error, match=text) as caught:
            await output.ship(SENT)
        assert isinstance(caught.value, Unavailable)
        assert caught.value.remedy
        assert not caught.value.is_lost
        assert SECRET not in str(caught.value)
        server.faults.append(STORED)
        assert (await output.ship(SENT)).delivered == 30
        await output.aclose()
        assert SECRET not in str(server.heads)


async def test_the_wish_when_to_be_asked_again_is_passed_on(site: OutputContext) -> None:
    async with SinkServer() as server:
        output = beside(server, site)
        server.faults.append(told("SlowDown", 503, **{"retry-after": "9"}))
        with pytest.raises(Unavailable) as caught:
            await output.ship(SENT)
        assert caught.value.retry_after == 9.0
        await output.aclose()


async def test_of_several_objects_those_that_failed_are_sent_again(site: OutputContext) -> None:
    async with SinkServer() as server:
        output = beside(server, site)
        server.faults.extend([STORED, told("SlowDown", 503), Fault(412)])
        sent = batch(*(plain_segment(10, f"target-{n}") for n in range(3)))
        receipt = settled(await output.ship(sent), sent)
        assert (receipt.delivered, receipt.duplicate, receipt.retry.count) == (10, 10, 10)
        await output.aclose()


async def test_a_server_without_conditions_gets_the_same_object_without_one(site: OutputContext) -> None:
    async with SinkServer() as server:
        output = beside(server, site)
        server.faults.extend([told("NotImplemented", 501), STORED, STORED])
        assert [(await output.ship(SENT)).delivered for _ in range(2)] == [30, 30]
        assert ["if-none-match" in head for head in server.heads] == [True, False, False]
        await output.aclose()


async def test_an_object_that_is_too_large_is_stored_in_halves_with_names_that_stay(site: OutputContext) -> None:
    async with SinkServer() as server:
        output = beside(server, site)
        sent = batch(plain_segment(3))
        too_large = told("EntityTooLarge", 400)
        for _ in range(2):  # in halves of one and two documents, and of the two the first is too large alone
            server.faults.extend([too_large, STORED, Fault(413), Fault(413), STORED])
            receipt = settled(await output.ship(sent), sent)
            assert receipt.delivered == 2
            assert rejected_ids(receipt) == {sent.segments[0].ids[1]}
            assert [each.is_final for each in receipt.rejected] == [True]
        await output.aclose()


# ------------------------------------------------------------------ where the key comes from


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without any key."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return monkeypatch


def without_key(server: SinkServer, site: OutputContext, **options: Any) -> S3Shipper:
    return Settings.model_validate({"hosts": [server.url], "bucket": BUCKET, **options}).open(site)


async def test_a_key_is_found_in_the_environment_and_in_files_and_the_network_is_not_asked(
    bare: pytest.MonkeyPatch, site: OutputContext, tmp_path: Path
) -> None:
    async with SinkServer() as server, SinkServer() as machine:
        bare.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", machine.url)
        bare.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.url)
        output = without_key(server, site)
        with pytest.raises(Unauthorized, match=r"no credentials are found in the environment or in ~/.aws: set access"):
            await output.ship(SENT)
        (tmp_path / "credentials").write_text(f"[default]\naws_access_key_id=of-file\naws_secret_access_key={SECRET}\n")
        server.faults.append(STORED)
        assert (await output.ship(SENT)).delivered == 30
        bare.setenv("AWS_ACCESS_KEY_ID", "of-environment")
        bare.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        server.faults.extend([told("InvalidAccessKeyId"), STORED])
        with pytest.raises(Unauthorized):
            await output.ship(SENT)
        assert (await output.ship(SENT)).delivered == 30
        used = [head["authorization"].partition("Credential=")[2].partition("/")[0] for head in server.heads]
        assert used == ["of-file", "of-file", "of-environment"]
        assert machine.heads == []
        await output.aclose()


async def test_the_role_of_a_container_is_asked_where_the_operator_wants_it(
    bare: pytest.MonkeyPatch, site: OutputContext
) -> None:
    async with SinkServer() as server, SinkServer() as machine:
        bare.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{machine.url}/role")
        role = {
            "AccessKeyId": "of-role",
            "SecretAccessKey": SECRET,
            "Token": "a-token",
            "Expiration": "2099-01-01T00:00:00Z",
        }
        machine.faults.append(Fault(200, json.dumps(role).encode()))
        output = without_key(server, site, credentials="machine")
        server.faults.append(STORED)
        assert (await output.ship(SENT)).delivered == 30
        (head,) = server.heads
        assert "Credential=of-role/" in head["authorization"]
        assert head["x-amz-security-token"] == "a-token"
        await output.aclose()


async def test_requests_without_credentials_are_not_signed(site: OutputContext) -> None:
    async with SinkServer() as server:
        output = without_key(server, site, credentials="none")
        server.faults.append(STORED)
        assert (await output.ship(SENT)).delivered == 30
        assert "authorization" not in server.heads[0]
        await output.aclose()
