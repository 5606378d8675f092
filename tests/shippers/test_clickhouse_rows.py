"""Documents as rows: whatever a line holds, its row is one line of JSON from which the document can be made again."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.errors import ConfigurationError
from collector.files import gzip
from collector.ports import OutputContext
from shippers.clickhouse import Settings
from shippers.clickhouse.rows import COLUMNS, Rows
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import HOSTILE_LOGS, same_json
from tests.examples import examples
from tests.receivers.clickhouse import document_of

SECRET = "s3cret-in-a-test"
STREAM = log_stream()


def rows(*logs: object, columns: tuple[str, ...] = COLUMNS) -> list[dict[str, Any]]:
    part = batch(segment([document(log, STREAM) for log in logs], STREAM))
    lines = Rows(columns, compress=False).body(part).splitlines()
    return [orjson.loads(line) for line in lines]


def test_a_row_has_what_its_document_says() -> None:
    (row,) = rows({"level": "warning", "message": "slow"})
    assert row == {
        "id": segment([b"x"], STREAM).ids[0],
        "timestamp": "2026-11-23T02:13:00.768123456Z",
        "target": "shop",
        "container": "c0ffee-1",
        "host": "moby",
        "stream": "stdout",
        "level": "warn",
        "message": "slow",
        "log": '{"level": "warning", "message": "slow"}',
        "fields": dict(STREAM.fields),
    }


def test_the_level_of_a_line_of_text_is_found_in_its_text_and_a_trusted_one_is_taken() -> None:
    found = rows({"message": "ERROR: it broke"}, {"message": "all is well"}, {"n": 1})
    assert [row["level"] for row in found] == ["error", "", ""]
    body = document({"level": "info"}, STREAM)[:-1] + b',"level":"fatal","truncated":true}'
    (row,) = map(orjson.loads, Rows(COLUMNS, compress=False).body(batch(segment([body], STREAM))).splitlines())
    assert (row["level"], row["fields"]["truncated"]) == ("fatal", "true")


@pytest.mark.parametrize("log", HOSTILE_LOGS)
def test_a_document_can_be_made_again_of_its_row(log: str) -> None:
    (row,) = rows(log.encode())
    assert same_json(document_of(row), document(log.encode(), STREAM))


@given(columns=st.sets(st.sampled_from(COLUMNS), min_size=1), text=st.text())
@examples(3)
def test_a_row_has_the_columns_that_are_asked_for(columns: set[str], text: str) -> None:
    (row,) = rows({"message": text}, columns=tuple(columns))
    assert row.keys() == columns


def test_what_is_no_document_is_a_row_with_its_text() -> None:
    part = batch(segment([b"not a document"], STREAM))
    (row,) = map(orjson.loads, Rows(COLUMNS, compress=False).body(part).splitlines())
    assert (row["log"], row["message"], row["fields"]) == ("not a document", "not a document", {})


def test_a_body_is_compressed_where_that_is_asked_for() -> None:
    part = batch(plain_segment(100))
    assert gzip.decompress(Rows(COLUMNS, compress=True).body(part)) == Rows(COLUMNS, compress=False).body(part)


# ------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"table": "a.b"}, "is not a name of letters"),
        ({"database": "x'; DROP"}, "is not a name of letters"),
        ({"columns": "id nothing log"}, "'nothing' is none of id, timestamp"),
        ({"columns": ["id"]}, "log or message must be among them"),
        ({"settings": {"async_insert": 1}}, "'async_insert' is set by Pilotfish itself"),
        ({"settings": {"a&b": 1}}, "is not the name of a setting"),
        ({"username": "me"}, "username and password .* go together"),
        ({"batch_bytes": 1 << 30}, "less than or equal to"),
        ({"hosts": f"http://me:{SECRET}@clickhouse"}, "contains credentials"),
    ],
)
def test_wrong_options_are_refused_in_words_without_a_secret(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text) as caught:
        Settings.model_validate({"hosts": "http://clickhouse", **options})
    assert SECRET not in str(caught.value)


def test_a_secret_is_not_shown_and_a_missing_file_is_named(tmp_path: Path) -> None:
    settings = Settings.model_validate({"hosts": "http://clickhouse", "username": "me", "password": SECRET})
    assert SECRET not in f"{settings!r}{settings.open(OutputContext('far', tmp_path))!r}"
    options = {"hosts": "http://clickhouse", "username": "me", "password_file": str(tmp_path / "no")}
    with pytest.raises(ConfigurationError, match=r"outputs\.far\.password_file: cannot read"):
        Settings.model_validate(options).open(OutputContext("far", tmp_path))


def test_each_line_once_is_promised_with_tokens_alone() -> None:
    told = Settings.model_validate({"hosts": "http://clickhouse"})
    assert (told.promise().kind, told.has_frozen_batches) == ("exactly_once", True)
    told = Settings.model_validate({"hosts": "http://clickhouse", "tokens": False})
    assert (told.promise().kind, told.has_frozen_batches) == ("at_least_once", False)
