"""The demo's log files are those that dockerd writes: against bytes known from it, and against a daemon that runs."""

import base64
import json
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from collector.demo.json_file import PIECE_BYTES, Identity, JsonFile, envelopes, rfc3339
from collector.model import Chunk, FileId, LogStream, Position
from collector.text.times import moment
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.engines.dockerd import Dockerd

WEB = Identity("c0ffee", "web", "nginx", {"a": "b"}, ["C=d"], "healthy")
TIME = "2017-11-27T02:13:00.7Z"

# What dockerd 20.10 writes as `log` for each line.
GOLDEN = [
    (b"hello", rb"hello\n"),
    (b"", rb"\n"),
    (b'<a href="x">&</a>', rb"\u003ca href=\"x\"\u003e\u0026\u003c/a\u003e\n"),
    (b"tab\t cr\r esc\x1b del\x7f nul\x00 \\", b"tab\\u0009 cr\\r esc\\u001b del\x7f nul\\u0000 \\\\\\n"),
    ("世界 \u2028\u2029 🌍".encode(), "世界 \\u2028\\u2029 🌍\\n".encode()),
    (b"bad \xff\xe4\xbd. \xed\xa0\x80", rb"bad \ufffd\ufffd\ufffd. \ufffd\ufffd\ufffd\n"),
]


def test_a_line_is_written_as_docker_writes_it() -> None:
    for line, golden in GOLDEN:
        whole = b'{"log":"%b","stream":"stdout","time":"2017-11-27T02:13:00.7Z"}\n' % golden
        assert envelopes(line, "stdout", TIME) == [whole]


def test_a_line_beyond_the_buffer_is_cut_into_pieces_of_one_time() -> None:
    def sizes(length: int) -> list[int]:
        pieces = [orjson.loads(piece) for piece in envelopes(b"x" * length, "stderr", TIME)]
        assert {(piece["stream"], piece["time"]) for piece in pieces} == {("stderr", TIME)}
        assert [piece["log"].endswith("\n") for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        return [len(piece["log"]) for piece in pieces]

    assert sizes(PIECE_BYTES - 1) == [PIECE_BYTES]
    assert sizes(PIECE_BYTES) == [PIECE_BYTES, 1]
    assert sizes(PIECE_BYTES + 1) == [PIECE_BYTES, 2]
    assert sizes(3 * PIECE_BYTES) == [PIECE_BYTES] * 3 + [1]


def test_a_time_loses_the_zeros_at_its_end() -> None:
    second = 1_511_748_780 * 10**9
    assert rfc3339(second) == "2017-11-27T02:13:00Z"
    assert rfc3339(second + 768_000_000) == "2017-11-27T02:13:00.768Z"
    assert rfc3339(second + 1) == "2017-11-27T02:13:00.000000001Z"


def test_a_full_file_is_renamed_before_the_next_entry_and_the_oldest_goes(tmp_path: Path) -> None:
    file = JsonFile(tmp_path, WEB, max_bytes=100, max_files=3)
    for number in range(9):
        file.write(b"line %d" % number, "stdout", number)
    file.close()
    logs = {path.name: path.read_bytes() for path in file.path.parent.glob("*.log*")}
    assert sorted(logs) == ["c0ffee-json.log", "c0ffee-json.log.1", "c0ffee-json.log.2"]
    assert [logs["c0ffee-json.log" + end].count(b"\n") for end in (".2", ".1", "")] == [2, 2, 1]
    assert b'"line 8' in logs["c0ffee-json.log"]
    assert b'"line 7' in logs["c0ffee-json.log.1"]
    assert file.rotated == 4


def test_a_single_file_begins_anew(tmp_path: Path) -> None:
    file = JsonFile(tmp_path, WEB, max_bytes=1, max_files=1)
    for number in range(3):
        file.write(b"line %d" % number, "stdout", number)
    file.close()
    assert [path.name for path in file.path.parent.glob("*.log*")] == ["c0ffee-json.log"]
    assert file.path.read_bytes().count(b"\n") == 1


def test_the_description_tells_what_discovery_reads(tmp_path: Path) -> None:
    JsonFile(tmp_path, WEB).close()
    found = json.loads((tmp_path / "c0ffee" / "config.v2.json").read_bytes())
    assert found["Name"] == "/web"
    assert found["Config"]["Labels"] == {"a": "b"}
    assert found["Config"]["Env"] == ["C=d"]
    assert found["State"]["Running"] is True
    assert found["State"]["Health"]["Status"] == "healthy"


LINES = st.lists(
    st.one_of(
        st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=60),
        st.builds(lambda size, end: "x" * size + end, st.integers(16_300, 50_000), st.sampled_from(["", "y", "{"])),
    ).filter(lambda text: not text.endswith("\r")),
    min_size=1,
    max_size=12,
)


@given(LINES, st.integers(0, 2 * 10**18))
def test_texts_come_back_equal_through_the_transform(texts: list[str], start: int) -> None:
    data = b"".join(
        b"".join(envelopes(text.encode(), "stdout", rfc3339(start + number))) for number, text in enumerate(texts)
    )
    file = FileId("c0ffee", "head", 0)
    begin, end = Position(file, 0, 0), Position(file, len(data), data.count(b"\n"))
    stream = LogStream(
        container_id="c0ffee", container="web", entry="", target="web", path="", running=True, fields={"host": "h"}
    )
    segments = DockerJson(Stamps()).segments(Chunk(stream=stream, data=data, start=begin, end=end))
    documents = [orjson.loads(document) for segment in segments for document in segment.documents]
    assert [document["log"] for document in documents] == [_log(text) for text in texts]
    assert [document["@timestamp"] for document in documents] == [rfc3339(start + n) for n in range(len(texts))]


def _log(text: str) -> object:
    try:
        found = json.loads(text)
    except ValueError:
        return {"message": text}
    return found if isinstance(found, dict) else {"message": text}


def test_files_equal_those_of_a_real_daemon(dockerd: Dockerd, tmp_path: Path) -> None:
    lines = [line for line, _ in GOLDEN] + [b"x" * size for size in (16_383, 16_384, 16_385, 40_000)]
    lines += [b"short %d" % number for number in range(400)]
    lines += ["世".encode() * 6000]  # cut inside a character
    said = base64.b64encode(b"".join(line + b"\n" for line in lines)).decode()
    parts = [said[start : start + 100_000] for start in range(0, len(said), 100_000)]
    container = dockerd.run(
        "sh",
        "-c",
        'printf %s "$@" | base64 -d',
        "sh",
        *parts,
        log_config={"Type": "json-file", "Config": {"max-size": "9k", "max-file": "50"}},
    )
    container.wait()
    theirs = _generations(dockerd.log_file(container))

    # With the daemon's own times, which decide how long a line is and so where a file ends.
    entries = [orjson.loads(entry) for data in theirs for entry in data.splitlines()]
    whole = [number for number, entry in enumerate(entries) if entry["log"].endswith("\n")]
    assert len(whole) == len(lines)
    file = JsonFile(tmp_path, WEB, max_bytes=9000, max_files=50)
    for line, number in zip(lines, whole, strict=True):
        file.write(line, "stdout", moment(entries[number]["time"], now=0, zone=None))
    file.close()
    assert len(theirs) > 10
    assert _generations(file.path) == theirs
    container.remove()


def _generations(live: Path) -> list[bytes]:
    """The files of a log, oldest first."""
    rotated = sorted(live.parent.glob(f"{live.name}.*"), key=lambda path: -int(path.suffix[1:]))
    return [path.read_bytes() for path in [*rotated, live]]
