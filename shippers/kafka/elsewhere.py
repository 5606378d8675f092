"""How log-pilot and logspout's modules for Kafka name a cluster → options of this output."""

from typing import Any

from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route, Translated, tls_of
from collector.ports.translating import of_set, taken

_PORT = 9092
_COMPRESSIONS = ("gzip", "lz4", "zstd", "none")
_LEAST_RECORD, _MOST_RECORD = 10_000, 1 << 30
_TUNING = "the client finds this by itself"
_TOPIC = "set `topic` to another pattern than {target}"
_IDLE = {
    **dict.fromkeys(
        (f"KAFKA_{name}"
         for name in ("VERSION", "WORKER", "METADATA", "CHANNEL_BUFFER_SIZE", "KEEP_ALIVE", "CLIENT_ID")),
        _TUNING,
    ),
    **dict.fromkeys(("KAFKA_DEFAULT_TOPIC", "KAFKA_EXCLUDE_TOPIC_KEY"), _TOPIC),
    **dict.fromkeys(
        (f"KAFKA_{name}" for name in ("PARTITION_KEY", "PARTITION", "DEFAULT_PARTITION_KEY", "EXCLUDE_PARTITION_KEY",
                                      "DEFAULT_MESSAGE_KEY")),
        "set `key`: records of one key are in one partition",
    ),
    **dict.fromkeys(("KAFKA_REQUIRED_ACKS", "KAFKA_REQUIRE_ACKS"), "not needed: all replicas acknowledge each record"),
    **dict.fromkeys(("KAFKA_MAX_SEND_RETRIES", "KAFKA_DISCARD_KAFKA_DELIVERY_FAILED"),
                    "not needed: the agent retries until the cluster accepts the documents"),
    **dict.fromkeys(("KAFKA_ACK_TIMEOUT", "KAFKA_BROKER_TIMEOUT"), "set `request_timeout_seconds`"),
    **dict.fromkeys(("KAFKA_BULK_MAX_SIZE", "KAFKA_KAFKA_AGG_MAX_BYTES", "KAFKA_KAFKA_AGG_MAX_MESSAGES"),
                    "batches are bounded by bytes: set `batch_bytes`"),
    **dict.fromkeys(
        (f"KAFKA_{name}" for name in ("OUTPUT_DATA_TYPE", "OUTPUT_INCLUDE_TAG", "OUTPUT_INCLUDE_TIME")),
        "a record is a document in the form that `document` says",
    ),
    "KAFKA_GET_KAFKA_CLIENT_LOG": "set `log.level: debug`",
    "KAFKA_COMPRESSION_CODEC": f"use one of {', '.join(_COMPRESSIONS)} in `compression`",
    **dict.fromkeys(("KAFKA_MAX_MESSAGE_BYTES", "KAFKA_MAX_SEND_LIMIT_BYTES"), "set `max_record_bytes`"),
}  # fmt: skip


def of_log_pilot(said: LogPilot) -> Translated:
    """Brokers, credentials, compression and the size of a record.

    Raises:
        ConfigurationError: its variables name no brokers.
    """
    variables = said.variables
    brokers = variables.get("KAFKA_BROKERS", "").replace(",", " ").split()
    if not brokers:
        raise ConfigurationError("KAFKA_BROKERS: is missing", "set it to host:port of the brokers")
    options: dict[str, Any] = {"brokers": brokers}
    origins, idle = {"brokers": "KAFKA_BROKERS"}, of_set(variables, _IDLE)
    names = {"username": "KAFKA_USERNAME", "password": "KAFKA_PASSWORD"}
    found, whence = taken(variables, names)
    if "username" in found:
        found["mechanism"] = "plain"  # the only one that log-pilot's clients speak
    codec, size = variables.get("KAFKA_COMPRESSION_CODEC", ""), variables.get("KAFKA_MAX_MESSAGE_BYTES", "")
    if codec in _COMPRESSIONS:
        found["compression"], whence["compression"] = codec, "KAFKA_COMPRESSION_CODEC"
    if size.isascii() and size.isdecimal() and _LEAST_RECORD <= int(size) <= _MOST_RECORD:
        found["max_record_bytes"], whence["max_record_bytes"] = int(size), "KAFKA_MAX_MESSAGE_BYTES"
    used = set(whence.values())
    return Translated({**options, **found}, {**origins, **whence}, {n: why for n, why in idle.items() if n not in used})


def of_route(route: Route) -> Translated | None:
    """The adapter `kafka`: a broker, and the topic as path or option."""
    if route.adapter != "kafka" or route.transport not in ("", "tcp", "tls"):
        return None
    has_tls = route.transport == "tls"
    tls = tls_of(route)
    found, origins = taken(route.options, {"topic": "topic", "compression": "compression.codec"})
    idle = {}
    if "compression" in found and found["compression"] not in _COMPRESSIONS:
        del found["compression"], origins["compression"]
        idle["compression.codec"] = _IDLE["KAFKA_COMPRESSION_CODEC"]
    topic = {"topic": route.path.strip("/")} if route.path.strip("/") else {}
    brokers = {"brokers": [route.address(_PORT)], **({"tls": True} if has_tls else {})}
    template = of_set(route.variables, {"KAFKA_TEMPLATE": "a record is a document in the form that `document` says"})
    return Translated(
        {**brokers, **topic, **found, **tls.options}, {**origins, **tls.origins}, {**idle, **template, **tls.idle}
    )
