"""`collector.config.translating` with the types of output that there are: each word is known by one of them at most."""

import pytest

from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.ports import LogPilot, Route

ROUTES = {
    "raw+tcp://a:1": ("raw", {"hosts": ("a:1",), "transport": "tcp", "template": "{{.Data}}"}),
    "tls://a:1": ("raw", {"hosts": ("a:1",), "transport": "tls", "template": "{{.Data}}"}),
    "syslog+tls://a": (
        "syslog",
        {
            "hosts": ("a:6514",),
            "transport": "tls",
            "format": "rfc5424",
            "framing": "newline",
            "hostname": "{container_id}",
            "procid": "-",
        },
    ),
    "gelf://a": ("gelf", {"hosts": ("a:12201",), "transport": "udp"}),
    "kafka://a/logs": ("kafka", {"brokers": ("a:9092",), "topic": "logs"}),
    "logstash://a:1": ("logstash", {"hosts": ("a:1",), "protocol": "json_lines", "transport": "udp"}),
    "redis://a": ("redis", {"hosts": ("redis://a:6379",), "mode": "list", "key": "logspout"}),
    "fluentd+tcp://a": ("forward", {"hosts": ("a:24224",)}),
    "fluentd+tls://a:1": ("forward", {"hosts": ("a:1",), "tls": True}),
    "loki+https://a/push": ("loki", {"hosts": ("https://a:443",), "path": "/push"}),
    "loki://a": ("loki", {"hosts": ("http://a:3100",)}),
    "https://a/in": ("http", {"hosts": ("https://a:443",), "path": "/in"}),
    "elasticsearch://a": ("elasticsearch", {"hosts": ("http://a:9200",)}),
}
ADAPTERS = sorted({uri.partition("://")[0].partition("+")[0] for uri in ROUTES})
PILOT = ("elasticsearch", "kafka", "redis", "logstash", "syslog", "graylog", "file", "console", "null", "count",
         "flowcounter", "aliyun_sls")  # fmt: skip


@pytest.mark.parametrize(("uri", "expected"), ROUTES.items(), ids=list(ROUTES))
def test_a_route_becomes_an_output(uri: str, expected: tuple[str, dict[str, object]]) -> None:
    [output] = load(None, installed_types(), {}, routes=uri).outputs.values()
    assert (output.type, output.model_dump(exclude_unset=True, exclude={"type"})) == expected


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_no_two_types_know_one_adapter(adapter: str) -> None:
    types = installed_types().outputs
    assert len([kind for kind in types if types[kind].from_route(Route(adapter, "", "a", 1)) is not None]) <= 1


@pytest.mark.parametrize("word", PILOT)
def test_no_two_types_know_one_output_of_log_pilots(word: str) -> None:
    types = installed_types().outputs
    names = ("ELASTICSEARCH_HOST", "KAFKA_BROKERS", "REDIS_HOST", "LOGSTASH_HOST", "SYSLOG_HOST", "GRAYLOG_HOST")
    said = LogPilot(word, {**dict.fromkeys(names, "a"), "FILE_PATH": "/x"})
    assert len([kind for kind in types if types[kind].from_log_pilot(said) is not None]) <= 1
