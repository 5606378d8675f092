"""`shippers.elasticsearch.elsewhere`: a cluster in the words of log-pilot and logspout."""

from pathlib import Path
from typing import Any

import pytest

from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route
from shippers.elasticsearch import Settings

SECRET = "k9:Geheim-7"


def options(secret: str = "", **variables: str) -> dict[str, Any]:
    found = Settings.from_log_pilot(LogPilot("elasticsearch", variables, lambda name: secret))
    assert found is not None
    assert found.options.keys() == found.origins.keys()
    assert not found.idle.keys() & {word for words in found.origins.values() for word in words.split(", ")}
    Settings.model_validate(found.options)
    return dict(found.options)


@pytest.mark.parametrize(
    ("variables", "hosts"),
    [
        ({"HOST": "es", "PORT": "9201"}, ["http://es:9201"]),
        ({"HOST": "es"}, ["http://es:9200"]),
        ({"HOSTS": "a:9200,b:9200"}, ["http://a:9200", "http://b:9200"]),
        ({"HOSTS": "a:9200", "HOST": "es", "SCHEME": "https"}, ["https://a:9200"]),
        ({"HOSTS": "https://a:9200/x", "PATH": "/y/"}, ["https://a:9200/x"]),
        ({"HOST": "es", "PORT": "80", "PATH": "/es/"}, ["http://es:80/es"]),
    ],
)
def test_hosts_get_what_other_variables_say_unless_they_are_urls(variables: dict[str, str], hosts: list[str]) -> None:
    assert options(**{f"ELASTICSEARCH_{name}": value for name, value in variables.items()})["hosts"] == hosts


def test_the_secret_is_divided_at_its_first_colon_and_counts_more_than_variables() -> None:
    found = options(f"me:{SECRET}", ELASTICSEARCH_HOST="es", ELASTICSEARCH_USER="you", ELASTICSEARCH_PASSWORD="x")
    assert (found["username"], found["password"]) == ("me", SECRET)
    assert options(ELASTICSEARCH_HOST="es", ELASTICSEARCH_USER="you", ELASTICSEARCH_PASSWORD="x")["username"] == "you"
    with pytest.raises(ConfigurationError) as raised:
        options(SECRET.replace(":", ""), ELASTICSEARCH_HOST="es")
    assert "Geheim" not in str(raised.value)


def test_index_and_verification_are_taken_and_the_rest_is_explained() -> None:
    found = options(ELASTICSEARCH_HOST="es", ELASTICSEARCH_INDEX="logs", ELASTICSEARCH_SSL_VERIFY="false")
    assert (found["index"], found["verify"]) == ("logs-%Y.%m.%d", False)
    variables = {"ELASTICSEARCH_HOST": "es", "ELASTICSEARCH_WORKER": "2", "ELASTICSEARCH_SSL_VERIFY": "true"}
    told = Settings.from_log_pilot(LogPilot("elasticsearch", variables))
    assert told is not None
    assert told.idle.keys() == {"ELASTICSEARCH_WORKER", "ELASTICSEARCH_SSL_VERIFY"}


def test_a_missing_host_is_an_error_with_its_variable() -> None:
    with pytest.raises(ConfigurationError, match="ELASTICSEARCH_HOSTS: is missing"):
        options(ELASTICSEARCH_PORT="9200")


def test_other_outputs_and_adapters_are_not_ours() -> None:
    assert Settings.from_log_pilot(LogPilot("kafka", {})) is None
    assert Settings.from_route(Route("syslog", "", "a")) is None
    assert Settings.from_route(Route("elasticsearch", "udp", "a")) is None


def test_a_route_becomes_a_cluster(tmp_path: Path) -> None:
    found = load(None, installed_types(), {}, routes="elasticsearch+https://es:443/x")
    [output] = found.outputs.values()
    assert output.model_dump()["hosts"] == ("https://es:443/x",)
