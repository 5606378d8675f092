"""The options of an `s3` output: what is refused, where requests go, and how objects are called."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.documents.forms import form_of
from collector.errors import ConfigurationError
from collector.ports import OutputContext
from shippers.s3 import Settings
from shippers.s3.objects import Part, ids_in
from tests.contract.segments import plain_segment
from tests.examples import examples

SECRET = "s3cret-in-a-test"
KEY = {"access_key_id": "k", "secret_access_key": SECRET}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"bucket": "a/b"}, "is not the name of a bucket"),
        ({"bucket": "a..b"}, "is not the name of a bucket"),
        ({"prefix": "logs/{id}"}, r"may contain \{target\}, \{container\}, \{host\}"),
        ({"prefix": "/logs/"}, "must not begin with /"),
        ({"prefix": "logs/../"}, "must not begin with /, nor have an empty part"),
        ({"prefix": "logs//"}, "must not begin with /, nor have an empty part"),
        ({"access_key_id": "k"}, "access_key_id and secret_access_key .* go together"),
        ({"secret_access_key": SECRET}, "access_key_id and secret_access_key .* go together"),
        ({"session_token": SECRET}, "session_token needs access_key_id"),
        ({**KEY, "secret_access_key_file": "/x"}, "exclude each other"),
        ({"object_headers": {"content-type": "x"}}, "is no header of an object"),
        ({"object_headers": {"x-amz-date": "x"}}, "is no header of an object"),
        ({"object_headers": {"x-amz-meta-a": "x\ny"}}, "write it as one line of ASCII"),
        ({"hosts": f"https://k:{SECRET}@s3.example"}, "contains credentials"),
        ({"hosts": ["https://a", "https://b"]}, "at most 1 item"),
    ],
)
def test_wrong_options_are_refused_in_words_without_a_secret(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text) as caught:
        Settings.model_validate({"bucket": "logs", **options})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "urls"),
    [
        ({}, ["https://logs.s3.us-east-1.amazonaws.com:443"]),
        ({"region": "eu-west-1"}, ["https://logs.s3.eu-west-1.amazonaws.com:443"]),
        ({"region": "cn-north-1"}, ["https://logs.s3.cn-north-1.amazonaws.com.cn:443"]),
        ({"bucket": "lo.gs"}, ["https://s3.us-east-1.amazonaws.com:443"]),  # no certificate is for such a host
        ({"hosts": "http://minio:9000"}, ["http://minio:9000"]),
        ({"hosts": "http://minio:9000/s3"}, ["http://minio:9000/s3"]),
        ({"hosts": "https://oss.example", "path_style": False}, ["https://logs.oss.example:443"]),
    ],
)
def test_requests_go_to_the_region_or_to_the_server_that_is_named(options: dict[str, Any], urls: list[str]) -> None:
    assert Settings.model_validate({"bucket": "logs", **options}).urls() == urls


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    settings = Settings.model_validate({"bucket": "logs", **KEY})
    assert SECRET not in f"{settings!r}{settings.open(OutputContext('far', tmp_path))!r}"


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    options = {"bucket": "logs", "access_key_id": "k", "secret_access_key_file": str(tmp_path / "no")}
    with pytest.raises(ConfigurationError, match=r"outputs\.far\.secret_access_key_file: cannot read"):
        Settings.model_validate(options).open(OutputContext("far", tmp_path))


def test_it_promises_each_line_once_and_wants_batches_as_they_were() -> None:
    settings = Settings.model_validate({"bucket": "logs"})
    assert settings.promise().kind == "exactly_once"
    assert settings.has_frozen_batches


@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=5))
@examples(3)
def test_halves_have_all_documents_in_their_order_and_the_same_names_each_time(counts: list[int]) -> None:
    part = Part("p/", [plain_segment(count, file=str(n)) for n, count in enumerate(counts)])
    if part.documents == 1:
        return
    halves = part.halves()
    ids = [name for half in halves for segment in half.segments for name in segment.ids]
    assert ids == [name for segment in part.segments for name in segment.ids]
    assert abs(halves[0].documents - halves[1].documents) <= 1
    assert [half.name for half in halves] == [half.name for half in part.halves()]
    assert len({part.name, *(half.name for half in halves)}) == 3


def test_an_object_has_the_same_content_each_time_and_tells_its_ids() -> None:
    part = Part("p/", [plain_segment(50), plain_segment(50, first=50)])
    content = part.content(form_of("pilotfish"))
    assert content == part.content(form_of("pilotfish"))
    assert ids_in(content) == {name for segment in part.segments for name in segment.ids}
    assert ids_in(b"nonsense") == ids_in(content[:-20]) == set()
