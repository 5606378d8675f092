"""`shippers.redis.elsewhere`: a server in the words of log-pilot and of logspout's modules."""

import pytest

from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route
from shippers.redis import Settings


def test_log_pilots_variables_become_a_list() -> None:
    variables = {"REDIS_HOST": "r", "REDIS_PORT": "6380", "REDIS_PASSWORD": "x", "REDIS_WORKER": "2"}
    found = Settings.from_log_pilot(LogPilot("redis", variables))
    assert found is not None
    assert found.options == {"hosts": ["redis://r:6380"], "mode": "list", "password": "x"}
    assert found.origins == {"hosts": "REDIS_HOST, REDIS_PORT", "password": "REDIS_PASSWORD"}
    assert found.idle.keys() == {"REDIS_WORKER"}
    Settings.model_validate(found.options)


def test_a_channel_cannot_be_had_and_a_missing_host_is_an_error() -> None:
    found = Settings.from_log_pilot(LogPilot("redis", {"REDIS_HOST": "r", "REDIS_DATATYPE": "channel"}))
    assert found is not None
    assert (found.options["mode"], list(found.idle)) == ("list", ["REDIS_DATATYPE"])
    with pytest.raises(ConfigurationError, match="REDIS_HOST: is missing"):
        Settings.from_log_pilot(LogPilot("redis", {"REDIS_PORT": "1"}))
    assert Settings.from_log_pilot(LogPilot("kafka", {})) is None


def test_a_route_becomes_a_list_of_the_key_that_it_or_the_variable_names() -> None:
    for adapter, transport, scheme in (("redis", "", "redis"), ("redis", "tls", "rediss"), ("rediss", "", "rediss")):
        found = Settings.from_route(Route(adapter, transport, "r", variables={"REDIS_KEY": "a", "REDIS_PASSWORD": "p"}))
        assert found is not None
        assert found.options == {"hosts": [f"{scheme}://r:6379"], "mode": "list", "key": "a", "password": "p"}
        Settings.model_validate(found.options)
    found = Settings.from_route(Route("redis", "", "r", options={"key": "b"}, variables={"REDIS_KEY": "a"}))
    assert found is not None
    assert (found.options["key"], found.origins["key"]) == ("b", "key")
    assert Settings.from_route(Route("raw", "", "r")) is None
