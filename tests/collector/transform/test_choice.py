"""An output of a relay gets of the documents of others what its options say, as if the first agent had left it out."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.documents.composer import FinishedLine
from collector.documents.document import Pilotfish
from collector.documents.formatted import Formatted
from collector.documents.redacted import redacted
from collector.documents.summary import summary
from collector.model import LogStream, Segment
from collector.ports.content import is_chosen
from collector.reading import AS_WRITTEN, Reading
from collector.redaction.fields import NAMES
from collector.redaction.options import RedactOptions
from collector.redaction.redaction import Redaction
from collector.sources.partition import Record
from collector.transform.choice import choice_of
from collector.transform.docker_event import STREAM as EVENTS
from collector.transform.relayed import Relayed
from tests.collector.transform.test_relayed import PARTITION, Key, by_id, chunk, sent
from tests.contract.segments import document, log_stream, segment
from tests.contract.shippers import HOSTILE_LOGS
from tests.examples import examples

REDACTION = Redaction(RedactOptions())
SECRET = "AKIAIOSFODNN7EXAMPLE"
STAMP = "2026-11-23T02:13:00.768123456Z"
IDS = {"web": "aa01" * 16, "till": "aa02" * 16, "db": "bb03" * 16}


def of(name: str, *documents: tuple[object, str], day: str = "2026-11-23", first: int = 0) -> Segment:
    """What a container's agent sent: a `log` and its stream each."""
    stream = log_stream(f"shop-{name}", container_id=IDS[name])
    made = [document(log, stream, output=output, time=f"{day}T02:13:00.768123456Z") for log, output in documents]
    return segment(made, stream, day=day, first=first)


def left(reading: Reading, records: Sequence[Record]) -> tuple[dict[str, bytes], Counter[str]]:
    """What is taken of records, and what is left out by rule."""
    given_ = chunk(records, stream=replace(PARTITION, reading=reading))
    taken = Relayed(choice=choice_of(reading)).take(given_)
    assert taken.end is not None
    assert taken.end.end == given_.end
    return by_id(taken.segments), Counter(taken.filtered or {})


def is_wanted(one: Segment, index: int, reading: Reading, *, has_id: bool) -> bool:
    """By the words of the options."""
    found = summary(one.documents[index])
    names = ("trace", "debug", "info", "warn", "error", "fatal")
    is_line = found.stream in ("stdout", "stderr")
    is_low = bool(reading.level and found.level) and names.index(found.level) < names.index(reading.level)
    return (
        is_chosen(one.stream.container, reading.containers)
        and is_chosen(one.stream.target, reading.targets)
        and (not reading.container_ids or (has_id and one.stream.container_id.startswith(reading.container_ids)))
        and not (is_line and (is_low or reading.of_stream not in ("", found.stream)))
    )


documents = st.tuples(
    st.sampled_from([{"level": "debug"}, {"level": "warn", "message": "x"}, {"message": "ERROR: no"}, {"a": 1}]),
    st.sampled_from(["stdout", "stderr", "events"]),
)


def reading_of(options: dict[str, Any]) -> Reading:
    return Reading(**options)


options = st.fixed_dictionaries(
    {
        "containers": st.sampled_from([(), ("aa*",), ("!bb*",), ("none",)]),
        "container_ids": st.sampled_from([(), ("aa01",), ("aa", "bb03")]),
        "targets": st.sampled_from([(), ("shop-*", "!shop-db"), ("shop-web",)]),
        "of_stream": st.sampled_from(["", "stdout", "stderr"]),
        "level": st.sampled_from(["", "info", "error"]),
    }
)


@given(st.data(), options.map(reading_of))
@examples(2)
def test_what_is_wanted_arrives_the_rest_is_counted_and_the_offset_goes_over_both(
    data: st.DataObject, reading: Reading
) -> None:
    parts = [
        of(name, *made, day=f"2026-11-2{day}", first=10 * number)
        for number, (name, made, day) in enumerate(
            data.draw(
                st.lists(
                    st.tuples(st.sampled_from([*IDS]), st.lists(documents, min_size=1, max_size=4), st.integers(3, 4)),
                    min_size=1,
                    max_size=8,
                )
            )
        )
    ]
    is_bundled = data.draw(st.booleans())
    key: Key = data.draw(st.sampled_from(("container", "id", "none")))
    records = sent(*parts, is_bundled=is_bundled, key=key)
    expected = {
        name: body
        for one in parts
        for index, (name, body) in enumerate(zip(one.ids, one.documents, strict=True))
        if is_wanted(one, index, reading, has_id=is_bundled or key == "container")
    }
    cut = data.draw(st.integers(0, len(records)))
    transform = Relayed(choice=choice_of(reading))
    found: dict[str, bytes] = {}
    filtered: Counter[str] = Counter()
    for some in filter(None, (records[:cut], records[cut:])):
        given_ = chunk(some, some[0].offset)
        taken = transform.take(given_)
        found |= by_id(taken.segments)
        filtered.update(taken.filtered or {})
        for one in taken.segments:
            one.ticket.is_settled = True
        assert (given_.settling.offset, given_.settling.is_over) == (given_.end.line, True)
    assert found == expected
    assert len(found) + filtered.total() == sum(one.count for one in parts)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"containers": ("aa*",)}, "container"),
        ({"container_ids": ("aa",)}, "container_id"),
        ({"targets": ("!shop-db",)}, "target"),
        ({"of_stream": "stdout"}, "stream"),
        ({"level": "warn"}, "level"),
    ],
)
@pytest.mark.parametrize("is_bundled", [True, False])
def test_each_option_leaves_out_by_a_rule_of_its_own(options: dict[str, Any], rule: str, is_bundled: bool) -> None:
    web = of("web", ({"level": "warn", "message": "kept"}, "stdout"))
    db = of("db", ({"level": "info", "message": "left"}, "stderr"))
    kept, filtered = left(Reading(**options), sent(web, db, is_bundled=is_bundled))
    assert (kept, filtered) == (by_id([web]), {rule: 1})


def test_without_options_nothing_chooses() -> None:
    assert choice_of(AS_WRITTEN) is None
    assert Relayed().take(chunk(sent(of("web", ({"a": 1}, "stdout")), is_bundled=True))).filtered is None


def test_what_tells_of_containers_is_no_line_of_a_stream_or_level() -> None:
    event = segment([document({"level": "info", "event": "die"}, EVENTS, output="events")], EVENTS)
    reading = Reading(level="error", of_stream="stderr")
    assert left(reading, sent(event, is_bundled=True)) == (by_id([event]), {})


def test_the_level_beside_a_line_counts_before_what_the_line_says() -> None:
    stream = replace(log_stream(), fields={**log_stream().fields, "level": "error", "severity_number": "17"})
    one = segment([document({"message": "INFO: read in a format"}, stream)], stream)
    assert left(Reading(level="error"), sent(one, is_bundled=False)) == (by_id([one]), {})


def test_records_of_no_agent_have_their_topic_as_container_and_target_and_no_id() -> None:
    records = [Record(0, 0, {}, f"ERROR: {SECRET}".encode()), Record(1, 0, {}, b"DEBUG: x")]
    shop = PARTITION.container
    assert left(Reading(containers=("other",)), records)[1] == {"container": 2}
    assert left(Reading(container_ids=("c0ffee",)), records)[1] == {"container_id": 2}
    assert left(Reading(targets=(f"!{PARTITION.target}",)), records)[1] == {"target": 2}
    reading = Reading(containers=(shop,), level="info", redactor=REDACTION.of(("secrets",)))
    kept, filtered = left(reading, records)
    assert ([*kept], filtered) == (["shop-0-0"], {"level": 1})
    assert SECRET not in kept["shop-0-0"].decode()


def made(stream: LogStream, texts: Sequence[str], composer: Pilotfish, attrs: bytes = b"") -> list[bytes]:
    """The documents of lines, as an agent composes them."""
    lines = [FinishedLine(text, "stdout", STAMP, f"id-{number}", attrs) for number, text in enumerate(texts)]
    return composer.finished(stream, lines, [STAMP] * len(lines)).documents


SECRETS = (
    *(f"key {SECRET} in text", f'{{"aws":"{SECRET}","n":1}}', f'["{SECRET}"]', 'password="hunter2-and-more"'),
    *('{"password":"hunter2-and-more"}', '{"message":"{\\"token\\":\\"hunter2-and-more\\"}"}'),
    *(f"two\nlines {SECRET}", f"größe 🐟 {SECRET}", "nothing", '{"nothing":1}', "", "x" * 300_000 + SECRET),
)


@given(st.lists(st.sampled_from([*SECRETS, *HOSTILE_LOGS]) | st.text(max_size=40), max_size=6))
@examples(1)
def test_a_relay_takes_out_of_a_line_what_the_first_agent_would_have(texts: list[str]) -> None:
    stream = log_stream()
    redactor = REDACTION.redactor(("secrets", "pii"))
    assert redactor is not None
    expected = made(stream, texts, Formatted(redact=redactor))
    assert redacted(made(stream, texts, Pilotfish()), redactor, keeps=NAMES) == expected


def test_what_is_redacted_is_counted_and_what_has_no_secret_stays_as_it_is() -> None:
    stream = log_stream()
    lines = made(stream, ["plain", f"x {SECRET}"], Pilotfish())
    reading = Reading(redactor=REDACTION.of(("secrets",)))
    taken = Relayed(choice=choice_of(reading)).take(chunk(sent(segment(lines, stream), is_bundled=True)))
    assert Relayed(choice=choice_of(reading)).is_slow  # others have their turn between chunks
    assert taken.counts is not None
    assert taken.counts.redactions.total() == 1
    assert [one.documents[0] for one in taken.segments] == lines[:1]
    assert SECRET.encode() not in taken.segments[0].documents[1]


@pytest.mark.parametrize("is_bundled", [True, False])
def test_fields_of_a_stream_lose_their_secrets_too_in_documents_and_beside_them(*, is_bundled: bool) -> None:
    plain, secret = log_stream(container_id="a"), log_stream(container_id="b")
    secret = replace(secret, fields={**secret.fields, "docker_env_API_KEY": "hunter2-and-more", "docker_app": "shop"})
    reading = Reading(redactor=REDACTION.of(("secrets",)))
    segments = [segment([document({"a": 1}, one), document({"a": 2}, one)], one) for one in (plain, secret)]
    records = [record for one in segments for record in sent(one, is_bundled=is_bundled)]
    first, second = Relayed(choice=choice_of(reading)).take(chunk(records)).segments
    assert (first.documents, first.stream.fields) == (segments[0].documents, plain.fields)
    seen = dict(secret.fields) | {"docker_env_API_KEY": "[redacted:password]"}
    assert second.stream.fields == seen
    assert second.documents == [document({"a": number}, replace(secret, fields=seen)) for number in (1, 2)]


@pytest.mark.parametrize("is_bundled", [True, False])
def test_members_that_a_format_lifted_are_looked_at_line_by_line(*, is_bundled: bool) -> None:
    plain = document({"a": 1}, replace(log_stream(), fields={"host": "moby"}))
    values = ("hunter2-and-more", "other-hunter3", "[redacted:password]")
    one, other, hidden = (
        document({"a": 1}, replace(log_stream(), fields={"host": "moby", "token": value})) for value in values
    )
    records = sent(segment([plain, one, other], log_stream()), is_bundled=is_bundled)
    reading = Reading(redactor=REDACTION.of(("secrets",)))
    segments = Relayed(choice=choice_of(reading)).take(chunk(records)).segments
    assert [body for each in segments for body in each.documents] == [plain, hidden, hidden]


def test_what_log_opts_added_loses_its_secrets_too() -> None:
    attrs = json.dumps({"API_KEY": "hunter2-and-more", "tag": "web"}).encode()
    redactor = REDACTION.redactor(("secrets",))
    assert redactor is not None
    lines = made(log_stream(), ["plain"], Pilotfish(with_attrs=True), attrs)
    assert redacted(lines, redactor, keeps=NAMES) == made(
        log_stream(), ["plain"], Formatted(redact=redactor, with_attrs=True), attrs
    )
    assert b"hunter2" in lines[0]


def test_a_broken_envelope_hides_no_secret_behind_escapes() -> None:
    redactor = REDACTION.redactor(("secrets",))
    assert redactor is not None
    text = r'{"log":"\u003cpassword=hunter2-and-more\u003e'
    found = redacted(made(log_stream(), [text], Pilotfish()), redactor, keeps=NAMES)
    assert b"hunter2" not in found[0]


@given(st.binary(max_size=60), st.binary(max_size=60))
@examples(1)
def test_damaged_documents_stay_documents(log: bytes, rest: bytes) -> None:
    redactor = REDACTION.redactor(("secrets",))
    assert redactor is not None
    broken = [
        b'{"log":%b,"stream":"stdout"%b}' % (log, rest),
        b'{"log":%b,"stream":"stdout","@timestamp":"x","docker_attrs":%b}' % (log, rest),
        b'{"log":{},"stream":"stdout","@timestamp":"x","docker_attrs":["a=b"],"docker_attrs":1}',
    ]
    for found in redacted(broken, redactor, keeps=NAMES):
        assert found.startswith(b'{"log":')
        assert found.endswith(b"}")
