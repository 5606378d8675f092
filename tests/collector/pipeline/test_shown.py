"""Who looks on sees nothing that any output takes out of lines, whichever output has read them."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.container_settings.policy import Policy
from collector.container_settings.rule_book import RuleBook
from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, Chunk, FileId, LogStream, Position, Segment
from collector.pipeline.shown import WITHHELD, Shown
from collector.pipeline.wanted import also_redacted
from collector.ports import ShipperSettings
from collector.reading import Reading
from collector.redaction.options import RedactOptions
from collector.redaction.redaction import Redaction
from collector.transform.stamps import Stamps
from collector.web.ahead import Reached, view_of
from collector.web.live import Live
from tests.collector.docker_lines import log_stream, raw
from tests.collector.pipeline.test_pipeline import Host
from tests.collector.pipeline.test_pipeline_live import Switched, Watch
from tests.collector.redaction.test_rule_corpora import CORPORA
from tests.collector.waiting import until
from tests.examples import examples

ORDER = {"name": "order", "pattern": r"order \d+ by \S+@\S+"}
RULES = Redaction(RedactOptions(patterns=(ORDER,), hash_key_file=None))
TOKEN = "ghp_" + "Fake" * 9
PIECES = [
    TOKEN, "me@example.com", "password=hunter2x9", "4111 1111 1111 1111", "order 17 by me@example.com", "203.0.113.7",
    "postgres://a:me@mail.example:x7Secret@db", "plain", "Grüße", '"', "{", "}", " ", ",", "\\", "<", "…", "\t",
    "[redacted:email]",
]  # fmt: skip
SECRETS = (TOKEN, "me@example.com", "hunter2x9", "1111 1111", "order 17 by", "203.0.113.7", "x7Secret")
LINES = [
    line[1:].replace("«", "").replace("»", "")
    for path in sorted(CORPORA.glob("*.txt"))
    for line in path.read_text("utf-8").splitlines()
]


def stream(*redact: str, format: str = "", **options: str) -> LogStream:  # noqa: A002
    reading = Reading(format, options, redact=redact, redactor=RULES.of(redact))
    return replace(log_stream("/x"), reading=reading)


def made(of: LogStream, *texts: str, attrs: dict[str, str] | None = None) -> Segment:
    """What a transform makes of these lines."""
    data = b"".join(raw(f"{text}\n") for text in texts)
    if attrs:
        data = data.replace(b'"stream":', b'"attrs":%b,"stream":' % json.dumps(attrs).encode())
    file = FileId("c0ffee", "head", 0)
    ends = (Position(file, 0, 0), Position(file, len(data), len(texts)))
    transform = JsonFiles(Stamps(), with_attrs=bool(attrs)).transform(of, BEGINNING)
    [segment] = transform.take(Chunk(stream=of, data=data, start=ends[0], end=ends[1], ended=True)).segments
    return segment


def shown(segment: Segment, *outputs: tuple[str, ...]) -> Segment:
    asked = [ShipperSettings(type="x", redact=names) for names in outputs]
    return Shown(lambda: RULES, asked).segment(segment)


def logs(segment: Segment) -> list[object]:
    return [json.loads(document)["log"] for document in segment.documents]


def is_withheld(document: bytes) -> bool:
    return bool(json.loads(document)["log"] == {"message": WITHHELD})


SOME = [(), ("secrets",), ("pii",), ("order",), ("email", "password"), ("secrets", "pii", "order")]


def check_as_if_all_had_been_taken_out_first(own: tuple[str, ...], others: tuple[str, ...], texts: list[str]) -> None:
    mine = stream(*own)
    whole = made(also_redacted(mine, others, RULES), *texts)
    seen = shown(made(mine, *texts), own, others)
    for text, one, expected in zip(texts, seen.documents, whole.documents, strict=True):
        assert one == expected or is_withheld(one), text
    assert seen.size == sum(map(len, seen.documents))


@pytest.mark.parametrize("own", SOME)
@pytest.mark.parametrize("others", SOME)
def test_a_line_is_shown_as_if_all_had_been_taken_out_first_or_is_withheld(
    own: tuple[str, ...], others: tuple[str, ...]
) -> None:
    texts = random.Random(7).sample(LINES, 40)
    check_as_if_all_had_been_taken_out_first(own, others, [*texts, *(json.dumps({"a": one}) for one in texts)])


@examples(3)
@given(st.sampled_from(SOME), st.sampled_from(SOME), st.lists(st.lists(st.sampled_from(PIECES)), min_size=1))
def test_no_mixture_of_secrets_is_shown(own: tuple[str, ...], others: tuple[str, ...], pieces: list[list[str]]) -> None:
    texts = ["".join(one) for one in pieces]
    mine = stream(*own)
    whole = made(also_redacted(mine, others, RULES), *texts)
    seen = shown(made(mine, *texts), own, others)
    for one, expected in zip(seen.documents, whole.documents, strict=True):
        assert [each for each in SECRETS if each in one.decode() and each not in expected.decode()] == []


def test_members_that_a_format_lifts_are_looked_at_line_by_line() -> None:
    mine = stream(format="json", lift="token,card,team")
    texts = ['{"token":"-","team":"shop"}', '{"token":"hunter2x9","team":"shop"}', '{"card":4111111111111111,"team":1}']
    others = ("secrets", "pii")
    assert shown(made(mine, *texts), others).documents == made(also_redacted(mine, others, RULES), *texts).documents


def test_what_is_missing_may_be_found_behind_what_was_taken_out_and_not_before() -> None:
    """Of `postgres://…` the rule for mails leaves a password that no rule knows any more."""
    line = "order 17 by me@example.com, postgres://a:me@mail.example:x7Secret@db"
    assert logs(shown(made(stream("pii"), line), ("secrets",))) == [{"message": WITHHELD}]
    assert logs(shown(made(stream("pii"), line), ("order",))) == [{"message": WITHHELD}]
    [log] = logs(shown(made(stream("secrets"), line), ("pii",)))
    assert log == {"message": "order 17 by [redacted:email], postgres://a:[redacted:connection_string]@db"}
    assert logs(shown(made(stream(), line), ("order",), ("secrets",))) == [
        {"message": "[redacted:order] postgres://a:[redacted:connection_string]@db"}
    ]


def test_members_of_a_format_are_searched_each_and_withheld_where_a_pattern_may_go_over_several() -> None:
    read = stream(format="logfmt")
    line = "mail=me@example.com password=hunter2 order=17"
    [log] = logs(shown(made(read, line), ("secrets", "pii")))
    assert log == {"mail": "[redacted:email]", "password": "[redacted:password]", "order": "17"}
    assert logs(shown(made(read, line), ("order",))) == [{"message": WITHHELD}]
    assert logs(shown(made(stream("order", format="logfmt"), line), ("order", "pii"))) == [
        {"mail": "[redacted:email]", "password": "hunter2", "order": "17"}
    ]


def test_fields_and_attributes_lose_what_any_output_takes_out_and_names_stay() -> None:
    mine = stream()
    mine = replace(mine, fields={**mine.fields, "docker_service": "a@b.example", "docker_label_mail": "a@b.example"})
    seen = shown(made(mine, "x", attrs={"mail": "a@b.example", "tier": "web"}), ("pii",))
    [found] = map(json.loads, seen.documents)
    assert found["docker_attrs"] == ["mail=[redacted:email]", "tier=web"]
    assert (found["docker_service"], found["docker_label_mail"]) == ("a@b.example", "[redacted:email]")
    assert found["@timestamp"] == json.loads(made(mine, "x").documents[0])["@timestamp"]
    assert seen.stream.fields["docker_label_mail"] == "[redacted:email]"
    without = shown(made(mine, "x", "from a@b.example"), ("pii",))
    assert [json.loads(one)["docker_label_mail"] for one in without.documents] == ["[redacted:email]"] * 2
    assert logs(without) == [{"message": "x"}, {"message": "from [redacted:email]"}]


def test_where_nothing_is_missing_a_segment_stays_as_it_is() -> None:
    for own, others in (((), ()), (("secrets", "pii"), ("pii",)), (("pii",), ("email", "ip"))):
        segment = made(stream(*own), "a@b.example")
        assert shown(segment, own, others).documents is segment.documents


def said(number: int, level: str, output: str = "stdout") -> bytes:
    """A line with a mail in it."""
    return raw(json.dumps({"level": level, "message": f"{number} {level} a@b.example"}) + "\n", stream=output)


async def test_the_view_shows_each_line_that_any_output_takes_and_nothing_that_any_takes_out(tmp_path: Path) -> None:
    host, rules = Host(tmp_path), RuleBook(Policy(), RULES)
    options: dict[str, dict[str, object]] = {
        "whole": {"level": "warn"},
        "public": {"redact": ["secrets", "pii"], "level": "info"},
        "errors": {"of_stream": "stderr"},
    }
    shippers = {name: Switched() for name in options}
    asked = [ShipperSettings.model_validate({"type": "x"} | more) for more in options.values()]
    live = Live(
        64 << 20,
        reached=lambda: (
            Reached(one.output, *place, view_of(one.readers[place[0]].source.stream.reading))
            for one in pipelines
            for place in one.checkpoints.reached()
        ),
        shown=Shown(lambda: rules.redaction, asked).segment,
        outputs_differ=True,
    )
    pipelines = [
        host.pipeline(shippers[name], name, more=more, tap=live.tap(name), rules=rules)
        for name, more in options.items()
    ]
    async with host.run(*pipelines), Watch(live).on() as watch:
        log = host.add("web")
        for number in range(60):
            for one in shippers.values():
                one.is_away = number % 3 == 0 and one is shippers["public"]
            log.write(
                said(number, "warn"), said(number, "info"), said(number, "debug", "stderr"), said(number, "debug")
            )
            await until(lambda number=number: watch.count >= 3 * (number + 1))  # type: ignore[misc]
        for one in shippers.values():
            one.is_away = False
        await until(lambda: sum(len(one.stored) for one in shippers.values()) == 60 * (1 + 2 + 1))
    expected = [f"{n} {text} [redacted:email]" for n in range(60) for text in ("warn", "info", "debug")]
    assert sorted(watch.seen["web"]) == sorted(expected)
