"""A stream's lines are redacted before they are documents, whichever way they become ones."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.documents.formatted import WITHHELD
from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, Chunk, Counts, FileId, LogStream, Position
from collector.ports import Taken
from collector.reading import AS_WRITTEN, Reading
from collector.redaction.options import SETS, RedactOptions
from collector.redaction.redaction import Redaction
from collector.redaction.redactor import MOST_BYTES
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import TIME, log_stream, raw

REDACTION = Redaction(RedactOptions(sets=tuple(SETS)))
TOKEN = "ghp_" + "Fake" * 9
FILE = FileId("c0ffee", "head", 0)


def stream(*redact: str, format: str = "", **options: str) -> LogStream:  # noqa: A002
    names = redact or ("secrets",)
    return replace(log_stream("/logs/x"), reading=Reading(format, options, None, names, REDACTION.of(names)))


def taken(of: LogStream, *chunks: bytes, with_attrs: bool = False) -> list[Taken]:
    """What a transform makes of the chunks, the last of which is the end."""
    reads = JsonFiles(Stamps(), with_attrs=with_attrs)
    transform = reads.transform(of, BEGINNING)
    found, offset, line = [], 0, 0
    for number, data in enumerate(chunks, 1):
        start = Position(FILE, offset, line)
        offset, line = offset + len(data), line + data.count(b"\n")
        end = Position(FILE, offset, line)
        found.append(transform.take(Chunk(stream=of, data=data, start=start, end=end, ended=number == len(chunks))))
    return found


def documents(found: list[Taken]) -> list[tuple[str, bytes]]:
    return [
        pair for one in found for segment in one.segments for pair in zip(segment.ids, segment.documents, strict=True)
    ]


def logs(found: list[Taken]) -> list[dict[str, object]]:
    return [json.loads(document)["log"] for _, document in documents(found)]


def counted(found: list[Taken]) -> dict[str, int]:
    return dict(counts(found).redactions)


def counts(found: list[Taken]) -> Counts:
    total = Counts()
    for one in found:
        if one.counts is not None:
            total.add(one.counts)
    return total


def test_text_and_json_lose_their_secrets_and_they_are_counted() -> None:
    lines = [raw("plain\n"), raw(f"push as {TOKEN}\n"), raw('{"password":"x","n":1}\n', stream="stderr")]
    found = taken(stream(), b"".join(lines))
    assert logs(found) == [
        {"message": "plain"},
        {"message": "push as [redacted:github_token]"},
        {"password": "[redacted:password]", "n": 1},
    ]
    assert counted(found) == {"github_token": 1, "password": 1}
    assert counts(found).misfits == 0


def test_a_secret_over_two_pieces_of_a_line_is_found() -> None:
    """Docker cuts lines at 16 KiB, wherever that is."""
    text = "x" * (16384 - 10) + f" {TOKEN} end\n"
    found = taken(stream(), raw(text[:16384]) + raw(text[16384:]))
    assert logs(found) == [{"message": text[:-1].replace(TOKEN, "[redacted:github_token]")}]


def test_a_line_that_is_no_envelope_loses_its_secrets_too() -> None:
    broken = f'{{"log":"password={TOKEN}\n'.encode()
    found = taken(stream(), raw("a\n") + broken + raw("b\n"))
    assert TOKEN not in str(documents(found))
    assert counted(found) == {"github_token": 1}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<password>hunter2</password>", "<password>[redacted:password]</password>"),
        ("'token' => 'hunter2'", "'token' => '[redacted:password]'"),
        ("postgres://u:p&hunter2@db/x", "postgres://u:[redacted:connection_string]@db/x"),
        ("/a?b=1&token=hunter2&c=3", "/a?b=1&token=[redacted:password]&c=3"),
        ("a < b && c > d", r"a \u003c b \u0026\u0026 c \u003e d"),
    ],
)
@pytest.mark.parametrize(
    "around", [(b'{"log":"', b"\n"), (b"\0\0", b'","stream":"stdout"}\n'), (b'{"log":"a\0', b"\n")]
)
def test_what_docker_escapes_hides_no_secret_in_a_line_that_is_no_envelope(
    text: str, found: str, around: tuple[bytes, bytes]
) -> None:
    """A line without its end, and parts of one that an unclean shutdown filled with NUL bytes."""
    written = text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026").encode()
    told = str([log["message"] for log in logs(taken(stream(), raw("a\n") + written.join(around) + raw("b\n")))])
    assert "hunter2" not in told
    assert found in told.replace("\\\\", "\\").replace("\\'", "'")


def test_pieces_and_broken_lines_wherever_the_reading_is_cut_give_the_same_documents() -> None:
    lines = [raw(f"password=a{n}\n") for n in range(3)]
    lines += [
        raw("tok"),
        raw(f"en={TOKEN}\n"),
        b"no envelope token=abc1\n",
        raw('{"m":"\\"secret\\":\\"x y\\""}\n'),
        raw("z\n"),
    ]
    whole = documents(taken(stream(), b"".join(lines)))
    for at in range(1, len(lines)):
        assert documents(taken(stream(), b"".join(lines[:at]), b"".join(lines[at:]))) == whole
    one_by_one = taken(stream(), *lines)
    assert documents(one_by_one) == whole
    assert counted(one_by_one) == counted(taken(stream(), b"".join(lines))) == {"password": 5, "github_token": 1}


def test_it_stands_before_the_format() -> None:
    found = taken(stream(format="logfmt"), raw(f"level=info token={TOKEN} n=1\n") + raw("no pairs\n"))
    assert logs(found)[0]["token"] == "[redacted:github_token]"
    assert counts(found).misfits == 1
    misfit = taken(stream(format="json"), raw("password=hunter2\n"))
    assert logs(misfit) == [{"message": "password=[redacted:password]"}]


def test_a_line_over_the_budget_is_withheld_and_is_no_misfit() -> None:
    text = "password=x " * (MOST_BYTES // 11 + 1)
    pieces = [text[at : at + 16384] for at in range(0, len(text), 16384)]
    found = taken(stream(format="json"), *map(raw, pieces[:-1]), raw(f"{pieces[-1]}\n"))
    assert logs(found) == [{"message": WITHHELD}]
    assert counted(found) == {"withheld": 1}
    assert counts(found).misfits == 0


def test_attributes_lose_their_secrets() -> None:
    line = (
        f'{{"log":"x\\n","stream":"stdout","attrs":{{"DB_PASSWORD":"hunter2 x","a":"b"}},"time":"{TIME}"}}\n'.encode()
    )
    for more in (b"", b"broken\n"):  # the fast path and the slow one
        ((_, document), *_) = documents(taken(stream(), line + more, with_attrs=True))
        assert json.loads(document)["docker_attrs"] == ["DB_PASSWORD=[redacted:password]", "a=b"]


@pytest.mark.parametrize(
    "text", ["plain\n", '{"a":1}\n', '{"password":"x"}\n', '{"a":\n', "\n", " {} \n", '{"a":"\\ud83d"}\n']
)
def test_a_stream_that_is_not_redacted_has_the_documents_that_it_had(text: str) -> None:
    bare = replace(stream(), reading=AS_WRITTEN)
    plain = documents(taken(bare, raw(text)))
    assert "[redacted" not in str(plain)
    if "password" not in text:
        assert documents(taken(stream(), raw(text))) == plain


@given(
    st.lists(
        st.text() | st.sampled_from(['{"a":1}', " {}", '{"a":"\\ud83d"}', "[1]", "{", "\r", '{"a":\n1}', ""]),
        min_size=1,
    )
)
def test_lines_without_a_secret_are_as_without_redaction(texts: list[str]) -> None:
    data = b"".join(raw(text.replace("\n", " ").replace("\0", "") + "\n") for text in texts)
    assert documents(taken(stream("iban"), data)) == documents(taken(replace(stream(), reading=AS_WRITTEN), data))


def test_ids_are_those_without_redaction() -> None:
    data = raw("password=a\n") + raw("b\n")
    ids = [name for name, _ in documents(taken(stream(), data))]
    assert ids == [name for name, _ in documents(taken(replace(stream(), reading=AS_WRITTEN), data))]


def test_what_is_redacted_does_not_depend_on_a_neighbour(tmp_path: Path) -> None:
    """Lines are looked at together; each is judged by itself."""
    texts = ["password", "=x", "4111", "111111111111", "eyJ", ".a.b", "Bearer", "fakefakefake0000"]
    found = taken(stream("secrets", "pii"), b"".join(raw(f"{text}\n") for text in texts))
    assert logs(found) == [{"message": text} for text in texts]
