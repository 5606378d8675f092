"""`collector.config.routes`: what logspout's URIs and files of routes say."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.config.routes import Filters, Place, Wanted, of_directory, of_json, parse
from collector.errors import ConfigurationError
from collector.ports import Route
from tests.examples import examples

SECRET = "k9-Geheim-7"


def one(text: str, **variables: str) -> Wanted:
    [found] = parse(text, "ROUTE_URIS", variables)
    return found


@pytest.mark.parametrize(
    ("uri", "adapter", "transport", "host", "port"),
    [
        ("syslog://logs.papertrailapp.com:55555", "syslog", "", "logs.papertrailapp.com", 55555),
        ("syslog+tls://logs.example:6514", "syslog", "tls", "logs.example", 6514),
        ("SYSLOG+TLS://Logs.Example:6514", "syslog", "tls", "logs.example", 6514),
        ("raw+tcp://10.0.0.1:9000", "raw", "tcp", "10.0.0.1", 9000),
        ("tcp://10.0.0.1:9000", "raw", "tcp", "10.0.0.1", 9000),
        ("udp://10.0.0.1:9000", "raw", "udp", "10.0.0.1", 9000),
        ("tls://10.0.0.1:9000", "raw", "tls", "10.0.0.1", 9000),
        ("raw://[::1]:9000", "raw", "", "::1", 9000),
        ("logstash://logstash", "logstash", "", "logstash", 0),
        ("multiline+logstash+tcp://logstash:5000", "logstash", "tcp", "logstash", 5000),
    ],
)
def test_a_uri_has_an_adapter_a_transport_and_an_address(
    uri: str, adapter: str, transport: str, host: str, port: int
) -> None:
    found = one(uri)
    assert found.route[:4] == (adapter, transport, host, port)
    assert found.is_multiline == uri.startswith("multiline+")
    assert found.filters == Filters()


def test_an_address_has_brackets_around_an_ipv6_address_and_a_default_port() -> None:
    assert one("raw://[::1]").route.address(514) == "[::1]:514"
    assert one("raw://a:1").route.address(514) == "a:1"


def test_filters_are_told_from_options_of_the_adapter() -> None:
    found = one(
        "raw://a:1?filter.name=*_db&filter.id=0123456789ab&filter.sources=stdout%2Cstderr"
        "&filter.labels=com.example.env:prod*%2Ctier:web&append_tag=.db&structured_data="
    )
    labels = {"com.example.env": "prod*", "tier": "web"}
    assert found.filters == Filters("0123456789ab", "*_db", labels, ("stdout", "stderr"))
    assert found.route.options == {"append_tag": ".db", "structured_data": ""}


def test_a_list_is_divided_at_commas_before_anything_is_decoded_or_expanded() -> None:
    found = parse("raw://$A:1?x=1%2C2, syslog://${B}c,,", "here", {"A": "a", "B": "b,"})
    assert [(one.route.host, one.number) for one in found] == [("a", 1), ("b,c", 2)]
    assert found[0].route.options == {"x": "1,2"}


@pytest.mark.parametrize(
    ("uri", "cause"),
    [
        ("logs.example:514", "is not a URI"),
        ("syslog+tls+tcp://a:1", "has more than an adapter and a transport"),
        ("syslog://", "has no host; a variable in it may not be set"),
        ("syslog://$HOST:514", "has no host; a variable in it may not be set"),
        ("syslog://a:x", "has an address that is not host:port"),
        ("syslog://a:70000", "has an address that is not host:port"),
        ("syslog://[::1:1", "has an address that is not host:port"),
        (f"http://me:{SECRET}@a:1", "contains credentials"),
        (f"raw://a:1?filter.nope={SECRET}", "has filter.nope, which is no filter"),
        ("raw://a:1?filter.sources=stdin", "has the source 'stdin'"),
        ("raw://a:1?filter.labels=tier", "has the label 'tier' without a value"),
        ("raw://a:1?filter.labels=:web", "has the label ':web' without a value"),
        ("raw://a:1?filter.labels=tier:a%2Ctier:b", "has the label 'tier' twice"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_without_the_uri(uri: str, cause: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse(f"raw://good:1,{uri}", "ROUTE_URIS", {})
    assert str(raised.value).startswith(f"ROUTE_URIS: route 2 {cause}")
    assert raised.value.remedy
    assert SECRET not in str(raised.value)


def test_a_name_says_adapter_and_address_whatever_stands_beside_it() -> None:
    first, second = parse("syslog+tls://Logs-1.example:6514?x=y,raw://[::1]", "here", {})
    assert (first.name, second.name) == ("syslog_logs_1_example_6514", "raw_1")
    assert one("1a://x").name == "route_1a_x"


def test_routes_are_read_from_logspouts_directory_in_the_order_of_its_files(tmp_path: Path) -> None:
    db = {"id": "b", "adapter": "syslog", "address": "a:514", "filter_name": "*_db", "options": {"append_tag": ".x"}}
    raw = {
        "adapter": "raw+tcp",
        "address": "b:1",
        "filter_sources": ["stderr"],
        "filter_labels": ["k:v"],
        "filter_id": "",
    }
    (tmp_path / "b.json").write_text(json.dumps(db))
    (tmp_path / "c.json").write_text(json.dumps(raw))
    (tmp_path / "notes.txt").write_text("x")
    first, second = of_directory(tmp_path, {})
    assert (first.route, first.filters.name) == (Route("syslog", "", "a", 514, "", {"append_tag": ".x"}), "*_db")
    assert (second.route[:2], second.filters) == (("raw", "tcp"), Filters("", "", {"k": "v"}, ("stderr",)))
    assert second.place == f"{tmp_path}/c.json: route 1"


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"adapter":1}', '{"adapter":"raw"}', '{"adapter":"raw","address":1}',
        '{"adapter":"raw","address":"a:1","options":[]}', '{"adapter":"raw","address":"a:1","options":{"a":1}}',
        '{"adapter":"raw","address":"a:1","filter_sources":"stdout"}',
        '{"adapter":"raw","address":"a:1","filter_id":1}',
        '{"source":{"filter":"db"},"target":{"type":"syslog","addr":"a:1"}}', "\ud800",
    ],
)  # fmt: skip
def test_json_that_is_no_route_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="there: route 1 "):
        of_json(text.encode("utf-8", "surrogatepass"), Place("there", 1), {})


@examples(3)
@given(st.text(max_size=60))
def test_any_text_is_routes_or_one_clear_error(text: str) -> None:
    try:
        found = parse(f"raw://{text}", "here", {})
    except ConfigurationError:
        return
    assert all(one.route.host and one.name.replace("_", "").isalnum() for one in found)
