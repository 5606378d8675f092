"""Headers, parameters and a proxy of the operator's: what is sent with them, and which are refused."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from collector.errors import ConfigurationError, Unauthorized, Unavailable
from collector.net.remote import basic
from collector.ports import OutputContext
from shippers.elasticsearch import Settings
from tests.collector.net.forward_proxy import ForwardProxy
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import deliver
from tests.engines.process import free_ports
from tests.engines.search_server import SearchServer
from tests.faults.bulk_endpoint import BulkEndpoint, Received
from tests.shippers.test_elasticsearch import empty, settings_for
from tests.shippers.test_elasticsearch_cluster import put

SECRET = "s3cret-in-a-test"
SENT = batch(plain_segment(2))


def settings(**options: object) -> Settings:
    return Settings.model_validate({"type": "elasticsearch", "hosts": ["http://elasticsearch:9200"], **options})


async def received(site: OutputContext, **options: object) -> list[Received]:
    """What arrives when a batch is sent with these options, the template's requests among it."""
    async with BulkEndpoint() as endpoint:
        shipper = settings(hosts=[endpoint.url], **options).open(site)
        assert (await deliver(shipper, SENT)).delivered == 2
        await shipper.aclose()
        return endpoint.received


def headers_of(one: Received) -> dict[str, str]:
    return {name.lower(): value for name, value in one.headers.items()}


async def test_headers_go_with_each_request_and_leave_ours_as_they_are(site: OutputContext, tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text(f"X-Token: {SECRET}\n\nVL-Stream-Fields: host,@target\r\n")
    given = {"X-Scope-OrgID": "tenant 1", "User-Agent": "ours/1", "AccountID": 7, "X-Debug": True}
    requests = await received(site, headers=given, headers_file=file)
    assert {each.path for each in requests} >= {"/", "/_bulk", "/_template/pilotfish"}
    for each in map(headers_of, requests):
        assert (each["x-scope-orgid"], each["user-agent"]) == ("tenant 1", "ours/1")
        assert (each["accountid"], each["x-debug"]) == ("7", "true")
        assert (each["x-token"], each["vl-stream-fields"]) == (SECRET, "host,@target")
        assert (each["accept"], each["accept-encoding"]) == ("application/json", "gzip")
    assert (
        headers_of(next(each for each in requests if each.path == "/_bulk"))["content-type"] == "application/x-ndjson"
    )


REFUSED_HEADERS = (
    "Content-Type", "content-encoding", "Content-Length", "Transfer-Encoding", "Authorization", "accept",
    "Accept-Encoding", "Connection", "Expect", "Proxy-Authorization", "Upgrade", "a b", "", "a:b", "größe", "x\r\ny",
)  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_HEADERS)
def test_a_header_that_would_break_the_requests_is_refused_without_its_value(
    site: OutputContext, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValidationError, match="headers") as caught:
        settings(headers={name: SECRET})
    assert SECRET not in str(caught.value)
    if name.isascii() and name.replace("-", "").isalpha():
        file = tmp_path / "headers"
        file.write_text(f"X-Good: 1\n{name}: {SECRET}\n")
        with pytest.raises(ConfigurationError, match=rf"headers_file: {file}, line 2: '{name}'") as refused:
            settings(headers_file=file).open(site)
        assert SECRET not in str(refused.value)


@pytest.mark.parametrize("content", ["", "\n\n", f"{SECRET}\n", f"X: {SECRET}\x00", f"{SECRET} x: y"])
def test_a_file_that_holds_no_headers_is_named_without_what_it_holds(
    site: OutputContext, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "headers"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=rf"outputs\.elastic\.headers_file: {file}") as caught:
        settings(headers_file=file).open(site)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", [f"{SECRET}\r\nX: y", f"{SECRET}\n", f"\x00{SECRET}", f"{SECRET}\udcff"])
def test_a_header_over_two_lines_is_refused_without_its_value(value: str) -> None:
    with pytest.raises(ValidationError, match="control character") as caught:
        settings(headers={"X-Token": value})
    assert SECRET not in str(caught.value)


async def test_parameters_go_with_bulk_requests_alone_and_are_encoded(site: OutputContext) -> None:
    asked: list[str] = []

    class Asked(BulkEndpoint):
        async def _handle(self, request):  # type: ignore[no-untyped-def]
            asked.append(request.raw_path)
            return await super()._handle(request)

    async with Asked() as endpoint:
        parameters = {"pipeline": "a b&c", "_stream_fields": "host,@target", "debug": 1, "refresh": False}
        shipper = settings(hosts=[endpoint.url], parameters=parameters).open(site)
        assert (await deliver(shipper, SENT)).delivered == 2
        await shipper.aclose()
    (bulk,) = [each for each in asked if each.startswith("/_bulk")]
    assert bulk.startswith("/_bulk?filter_path=errors,")
    assert parse_qsl(bulk.partition("ms&")[2]) == [
        ("pipeline", "a b&c"), ("_stream_fields", "host,@target"), ("debug", "1"), ("refresh", "false"),
    ]  # fmt: skip
    assert [each for each in asked if "pipeline" in each and not each.startswith("/_bulk")] == []


@pytest.mark.parametrize("name", ["filter_path", "timeout", "format", "source", "source_content_type", "", " "])
def test_a_parameter_that_would_break_the_answers_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=r"parameters\n.*(set by Pilotfish itself|no name)"):
        settings(parameters={name: "x"})


def test_a_parameter_that_is_no_text_is_refused() -> None:
    for parameters in ({"pipeline": "\udcff"}, {"p\udcff": "x"}):
        with pytest.raises(ValidationError, match=r"parameters\n.*UTF-8"):
            settings(parameters=parameters)


@pytest.mark.parametrize("server", ["elasticsearch_8", "elasticsearch_7", "elasticsearch_6"])
async def test_an_ingest_pipeline_takes_each_document_and_one_that_is_missing_waits(
    request: pytest.FixtureRequest, site: OutputContext, server: str
) -> None:
    search_server = request.getfixturevalue(server)  # the OpenSearch of the tests has no node for it
    empty(search_server)
    has_processors = search_server.generation == 6  # the small distributions have none
    body = {"processors": [{"set": {"field": "passed", "value": "the pipeline"}}] if has_processors else []}
    put(search_server, "/_ingest/pipeline/own-pipeline", body)
    try:
        shipper = settings_for(search_server, parameters={"pipeline": "own-pipeline"}).open(site)
        assert (await deliver(shipper, SENT)).delivered == 2
        await shipper.aclose()
        stored = search_server.refresh_and_fetch("shop-2026.11.23")
        assert [each["_source"].get("passed") for each in stored] == ["the pipeline" if has_processors else None] * 2
    finally:
        search_server.request("DELETE", "/_ingest/pipeline/own-pipeline")
    shipper = settings_for(search_server, parameters={"pipeline": "own-pipeline"}).open(site)
    receipt = await shipper.ship(batch(plain_segment(2, "till")))
    await shipper.aclose()
    assert (receipt.delivered, receipt.retry.count, receipt.rejected) == (0, 2, ())
    assert "own-pipeline] does not exist: create the ingest pipeline, or correct `parameters`" in receipt.waits["till"]


# ------------------------------------------------------------------ proxy


@pytest.mark.parametrize("is_in_file", [False, True])
@pytest.mark.parametrize("credentials", ["", f"user:{SECRET}", f"us%40er:{SECRET}%3A%2Fx"])
async def test_all_requests_go_through_the_proxy(
    site: OutputContext, tmp_path: Path, credentials: str, *, is_in_file: bool
) -> None:
    plain = credentials.replace("%40", "@").replace("%3A", ":").replace("%2F", "/")
    async with BulkEndpoint() as endpoint, ForwardProxy(credentials=plain) as proxy:
        url = f"http://{credentials}{'@' if credentials else ''}127.0.0.1:{proxy.port}"
        file = tmp_path / "proxy"
        file.write_text(f"{url}\n")
        given: Mapping[str, object] = {"proxy_url_file": file} if is_in_file else {"proxy_url": url}
        shipper = settings(hosts=[endpoint.url], username="elastic", password="of-elastic", **given).open(site)
        assert (await deliver(shipper, SENT)).delivered == 2
        await shipper.aclose()
        assert {headers_of(each)["authorization"] for each in endpoint.received} == {basic("elastic", "of-elastic")}
        assert len(proxy.asked) == len(endpoint.received) >= 3
        assert f"GET {endpoint.url}/ HTTP/1.1" in proxy.asked
        assert not any("proxy-authorization" in headers_of(each) for each in endpoint.received)


async def test_https_goes_through_the_proxy_in_a_tunnel(elasticsearch_7: SearchServer, site: OutputContext) -> None:
    async with ForwardProxy(credentials=f"user:{SECRET}") as proxy:
        url = f"http://user:{SECRET}@127.0.0.1:{proxy.port}"
        shipper = settings_for(elasticsearch_7, proxy_url=url).open(site)
        assert elasticsearch_7.version in await shipper.probe()
        await shipper.aclose()
        assert {each.split()[0] for each in proxy.asked} == {"CONNECT"}
        assert not any("authorization" in each for each in proxy.heads)  # what is for the server is in the tunnel


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_refuses_the_password_is_told_with_the_option_and_without_it(
    site: OutputContext, scheme: str
) -> None:
    async with BulkEndpoint() as endpoint, ForwardProxy(credentials="user:another") as proxy:
        url = endpoint.url.replace("http", scheme)
        given = settings(hosts=[url], proxy_url=f"http://user:{SECRET}@127.0.0.1:{proxy.port}")
        shipper = given.open(site)
        for ask in (shipper.probe, lambda: shipper.ship(SENT)):
            with pytest.raises(Unauthorized) as caught:
                await ask()
            assert str(caught.value) == (
                f"the proxy in front of {url} rejects the credentials (407): correct user and password in proxy_url"
            )
        await shipper.aclose()
    assert SECRET not in f"{given!r} {given.model_dump_json()}"


async def test_a_proxy_that_is_away_or_reaches_nobody_is_told_as_the_proxy(site: OutputContext) -> None:
    (port,) = free_ports(1)
    shipper = settings(proxy_url=f"http://user:{SECRET}@127.0.0.1:{port}").open(site)
    with pytest.raises(
        Unavailable, match=r"^the proxy in front of .*9200 cannot be reached .*: check proxy_url"
    ) as caught:
        await shipper.probe()
    await shipper.aclose()
    assert SECRET not in str(caught.value)
    async with ForwardProxy(refuses=503) as proxy:
        shipper = settings(hosts=["https://elasticsearch"], proxy_url=f"http://127.0.0.1:{proxy.port}").open(site)
        with pytest.raises(Unavailable, match=r"^the proxy in front of .* cannot connect to it \(503\)"):
            await shipper.probe()
        await shipper.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "proxy",
        "proxy:3128",
        f"socks5://user:{SECRET}@proxy:1080",
        f"https://user:{SECRET}@proxy",
        f"http://user:{SECRET}@",
        f"http://user:{SECRET}@proxy:99999",
        f"http://proxy/{SECRET}",
        f"http://proxy?{SECRET}",
        f"http://user:{SECRET}@[::1",
        f"http://user:{SECRET}@a b",
        "",
    ],
)
def test_what_is_no_proxy_is_refused_without_repeating_it(site: OutputContext, tmp_path: Path, url: str) -> None:
    with pytest.raises(ValidationError, match="proxy_url") as caught:
        settings(proxy_url=url)
    assert SECRET not in str(caught.value)
    file = tmp_path / "proxy"
    file.write_text(url)
    with pytest.raises(ConfigurationError, match=r"outputs\.elastic\.proxy_url_file") as refused:
        settings(proxy_url_file=file).open(site)
    assert SECRET not in str(refused.value)


def test_a_proxy_and_its_file_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="proxy_url and proxy_url_file exclude each other"):
        settings(proxy_url="http://proxy", proxy_url_file="/x")
