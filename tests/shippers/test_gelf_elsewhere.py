"""`shippers.gelf.elsewhere`: a server in the words of log-pilot and of logspout's module."""

import pytest

from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route
from shippers.gelf import Settings


def test_log_pilots_variables_become_a_server_by_udp_or_tcp() -> None:
    found = Settings.from_log_pilot(LogPilot("graylog", {"GRAYLOG_HOST": "g", "GRAYLOG_PORT": "1"}))
    assert found is not None
    assert found.options == {"hosts": ["g:1"], "transport": "udp"}
    tcp = Settings.from_log_pilot(LogPilot("graylog", {"GRAYLOG_HOST": "g", "GRAYLOG_PROTOCOL": "tcp"}))
    assert tcp is not None
    assert (Settings.model_validate(tcp.options).transport, tcp.origins["transport"]) == ("tcp", "GRAYLOG_PROTOCOL")
    with pytest.raises(ConfigurationError, match="GRAYLOG_HOST: is missing"):
        Settings.from_log_pilot(LogPilot("graylog", {}))
    assert Settings.from_log_pilot(LogPilot("gelf", {})) is None


@pytest.mark.parametrize(
    ("transport", "way", "tls"),
    [("", "udp", False), ("udp", "udp", False), ("tcp", "tcp", False), ("tls", "tcp", True), ("http", "http", False)],
)
def test_a_route_becomes_a_server_by_its_transport(transport: str, way: str, tls: bool) -> None:
    found = Settings.from_route(Route("gelf", transport, "g"))
    assert found is not None
    made = Settings.model_validate(found.options)
    assert (made.hosts, made.transport, made.tls) == (("g:12201",), way, tls)
    assert Settings.from_route(Route("raw", transport, "g")) is None
