"""`shippers.syslog.elsewhere`: a server in the words of log-pilot and of logspout."""

from typing import Any

import pytest

from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route, Translated
from shippers.syslog import Settings


def routed(
    transport: str = "", options: dict[str, str] | None = None, variables: dict[str, str] | None = None
) -> Translated:
    found = Settings.from_route(Route("syslog", transport, "logs.example", 55555, "", options or {}, variables or {}))
    assert found is not None
    Settings.model_validate(found.options)
    return found


def test_a_route_without_a_transport_goes_by_udp_in_the_usual_format() -> None:
    assert routed().options == {
        "hosts": ["logs.example:55555"], "transport": "udp", "format": "rfc5424", "framing": "newline",
        "hostname": "{container_id}", "procid": "-",
    }  # fmt: skip
    assert Settings.from_route(Route("raw", "udp", "a")) is None
    assert Settings.from_route(Route("syslog", "http", "a")) is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SYSLOG_FORMAT": "rfc3164"}, {"format": "rfc3164"}),
        ({"SYSLOG_TCP_FRAMING": "octet-counted"}, {"framing": "octet_counted"}),
        ({"SYSLOG_TCP_FRAMING": "traditional"}, {"framing": "newline"}),
        ({"SYSLOG_HOSTNAME": "{{.Hostname}}"}, {"hostname": "{host}"}),
        ({"SYSLOG_TAG": "{{.Container.Config.Image}}"}, {"app_name": "{docker_image}"}),
        ({"SYSLOG_PID": "7"}, {"procid": "7"}),
    ],
)
def test_variables_become_options(variables: dict[str, str], expected: dict[str, Any]) -> None:
    found = routed("tcp", variables=variables)
    assert found.options.items() >= expected.items()
    assert found.origins == dict(zip(expected, variables, strict=True))
    assert found.members == ({"container": ("image",)} if "{docker_image}" in expected.values() else {})


def test_append_tag_stands_behind_the_tag() -> None:
    assert routed("tcp", {"append_tag": ".db"}).options["app_name"] == "{container}.db"
    found = routed("tcp", {"append_tag": ".db"}, {"SYSLOG_TAG": "{{.ContainerName}}-x"})
    assert (found.options["app_name"], found.origins) == ("{container}-x.db", {"app_name": "SYSLOG_TAG, append_tag"})


def test_what_has_no_meaning_here_is_explained() -> None:
    found = routed(
        "tcp", {"structured_data": "x"}, dict.fromkeys(("SYSLOG_PRIORITY", "SYSLOG_DATA", "SYSLOG_TIMESTAMP"), "x")
    )
    assert found.idle.keys() == {"SYSLOG_PRIORITY", "SYSLOG_DATA", "SYSLOG_TIMESTAMP", "structured_data"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("SYSLOG_FORMAT", "rfc1"), ("SYSLOG_TCP_FRAMING", "x"), ("SYSLOG_TAG", "{{.Data}}"), ("SYSLOG_PID", "{{")],
)
def test_a_value_that_cannot_be_had_is_an_error_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: "):
        routed("tcp", variables={name: value})


def test_tls_has_logspouts_certificates() -> None:
    assert str(routed("tls", variables={"LOGSPOUT_TLS_CA_CERTS": "/ca.pem"}).options["ca_file"]) == "/ca.pem"


def test_log_pilots_variables_become_a_server_by_udp() -> None:
    variables = {"SYSLOG_HOST": "s", "SYSLOG_PORT": "515", "SYSLOG_FACILITY": "local0", "SYSLOG_SEVERITY": "warn"}
    found = Settings.from_log_pilot(LogPilot("syslog", variables))
    assert found is not None
    assert found.options == {"hosts": ["s:515"], "transport": "udp", "facility": "local0"}
    assert found.idle.keys() == {"SYSLOG_SEVERITY"}
    Settings.model_validate(found.options)
    assert Settings.from_log_pilot(LogPilot("file", {})) is None
