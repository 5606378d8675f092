"""The options of a `redis` output: what is refused, what they promise, and which keys they give."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.documents.places import Places
from collector.errors import ConfigurationError
from collector.ports import OutputContext
from shippers.redis import Settings
from shippers.redis.shipper import taken_key
from tests.contract.segments import batch, plain_segment
from tests.examples import examples

SECRET = "s3cret-in-a-test"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"hosts": []}, "at least 1 item"),
        ({"hosts": "http://redis"}, r"host 1 \('http://redis'\) is not a URL such as redis://redis:6379"),
        ({"hosts": f"redis://:{SECRET}@redis"}, "host 1 contains credentials: set username and password_file"),
        ({"hosts": f"redis://redis:{SECRET}"}, "the port is not a number"),
        ({"hosts": "redis://redis/3"}, "set database for the number"),
        ({"hosts": "redis://a rediss://b"}, "use one of them for all"),
        ({"key": "logs:{id}"}, r"may contain \{target\}, \{container\}, \{host\}"),
        ({"key": ""}, "may contain"),
        ({"username": "me"}, "username and password .* go together"),
        ({"password": SECRET, "password_file": "/x"}, "password and password_file exclude each other"),
        ({"window_seconds": 1}, "greater than or equal to 60"),
        ({"batch_bytes": 1 << 29}, "less than or equal to"),
    ],
)
def test_wrong_options_are_refused_in_words_without_a_secret(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text) as caught:
        Settings.model_validate({"hosts": "redis://redis", **options})
    assert SECRET not in str(caught.value)


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    settings = Settings.model_validate({"hosts": "redis://redis", "password": SECRET})
    assert SECRET not in f"{settings!r}{settings.open(OutputContext('far', tmp_path))!r}"


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    settings = Settings.model_validate({"hosts": "redis://redis", "password_file": str(tmp_path / "no")})
    with pytest.raises(ConfigurationError, match=r"outputs\.far\.password_file: cannot read"):
        settings.open(OutputContext("far", tmp_path))


def test_it_promises_each_line_once_within_its_window_and_wants_batches_as_they_were() -> None:
    settings = Settings.model_validate({"hosts": "redis://redis", "window_seconds": 7200})
    assert settings.promise().kind == "exactly_once"
    assert "for 7200 s" in settings.promise().text
    assert settings.has_frozen_batches


@given(target=st.text(max_size=300))
@examples(3)
def test_no_target_leaves_its_part_of_the_key(target: str) -> None:
    (key,) = Places("pilotfish:{target}:%Y").groups(batch(plain_segment(1, target)))
    first, name, year = key.split(":")
    assert (first, year) == ("pilotfish", "2026")
    assert name
    assert not set(name) & set("{}/ \n*?[")


def test_the_memory_of_a_key_is_on_the_same_server_of_a_cluster() -> None:
    assert taken_key("pilotfish:shop", "a host") == "{pilotfish:shop}:batches:a_host"
