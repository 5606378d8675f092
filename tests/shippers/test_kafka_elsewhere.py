"""`shippers.kafka.elsewhere`: a cluster in the words of log-pilot and of logspout's modules."""

import pytest

from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route
from shippers.kafka import Settings


def test_log_pilots_variables_become_options_and_the_rest_is_explained() -> None:
    variables = {
        "KAFKA_BROKERS": "a:9092,b:9092", "KAFKA_COMPRESSION_CODEC": "gzip", "KAFKA_MAX_MESSAGE_BYTES": "2000000",
        "KAFKA_VERSION": "1.0", "KAFKA_REQUIRE_ACKS": "1",
    }  # fmt: skip
    found = Settings.from_log_pilot(LogPilot("kafka", variables))
    assert found is not None
    assert found.options == {"brokers": ["a:9092", "b:9092"], "compression": "gzip", "max_record_bytes": 2_000_000}
    assert found.idle.keys() == {"KAFKA_VERSION", "KAFKA_REQUIRE_ACKS"}
    Settings.model_validate(found.options)


def test_a_compression_that_is_not_there_is_explained_and_missing_brokers_are_an_error() -> None:
    found = Settings.from_log_pilot(LogPilot("kafka", {"KAFKA_BROKERS": "a", "KAFKA_COMPRESSION_CODEC": "snappy"}))
    assert found is not None
    assert (list(found.options), list(found.idle)) == (["brokers"], ["KAFKA_COMPRESSION_CODEC"])
    with pytest.raises(ConfigurationError, match="KAFKA_BROKERS: is missing"):
        Settings.from_log_pilot(LogPilot("kafka", {}))
    assert Settings.from_log_pilot(LogPilot("redis", {})) is None


def test_a_route_names_a_broker_and_a_topic() -> None:
    found = Settings.from_route(Route("kafka", "", "k", 0, "/logs", {"compression.codec": "snappy"}))
    assert found is not None
    assert found.options == {"brokers": ["k:9092"], "topic": "logs"}
    assert list(found.idle) == ["compression.codec"]
    tls = Settings.from_route(Route("kafka", "tls", "k", 1, "", {"topic": "t"}))
    assert tls is not None
    made = Settings.model_validate(tls.options)
    assert (made.brokers, made.topic, made.tls) == (("k:1",), "t", True)
    assert Settings.from_route(Route("raw", "", "k")) is None
