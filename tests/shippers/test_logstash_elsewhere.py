"""`shippers.logstash.elsewhere`: a server in the words of log-pilot and of logspout's module."""

import pytest

from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route
from shippers.logstash import Settings


def test_log_pilots_variables_become_the_protocol_of_beats() -> None:
    variables = {"LOGSTASH_HOST": "l", "LOGSTASH_PORT": "5045", "LOGSTASH_BULK_MAX_SIZE": "100", "LOGSTASH_WORKER": "2"}
    found = Settings.from_log_pilot(LogPilot("logstash", variables))
    assert found is not None
    assert found.options == {"hosts": ["l:5045"], "window": 100}
    assert found.idle.keys() == {"LOGSTASH_WORKER"}
    assert Settings.model_validate(found.options).protocol == "lumberjack"
    with pytest.raises(ConfigurationError, match="LOGSTASH_HOST: is missing"):
        Settings.from_log_pilot(LogPilot("logstash", {}))
    assert Settings.from_log_pilot(LogPilot("kafka", {})) is None


@pytest.mark.parametrize(("transport", "way", "tls"), [("", "udp", False), ("udp", "udp", False), ("tcp", "tcp", False),
                                                       ("tls", "tcp", True)])  # fmt: skip
def test_a_route_becomes_lines_of_json_by_its_transport(transport: str, way: str, tls: bool) -> None:
    found = Settings.from_route(Route("logstash", transport, "l", 5000, variables={"LOGSTASH_TAGS": "a"}))
    assert found is not None
    made = Settings.model_validate(found.options)
    assert (made.hosts, made.protocol, made.transport, made.tls) == (("l:5000",), "json_lines", way, tls)
    assert found.idle.keys() == {"LOGSTASH_TAGS"}


def test_other_adapters_are_not_ours() -> None:
    assert Settings.from_route(Route("raw", "tcp", "l")) is None
