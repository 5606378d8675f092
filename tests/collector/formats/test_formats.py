"""The page about formats says what they do: its examples come out as shown, its options are those of the code."""

import json
import re

import pytest

from collector.container_settings.policy import Policy
from collector.container_settings.statement import Asking
from collector.documents import document
from collector.formats import FORMATS, make
from collector.formats.known import kind_of
from tests.reference import ROOT

PAGE = (ROOT / "docs" / "formats.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
LABEL = re.compile(r"^(pilotfish\.format\S*?)=(.*)$", re.MULTILINE)
EXAMPLE = re.compile(r"^```text\n(.*?)\n```\n\n```json\n(.*?)^```", re.DOTALL | re.MULTILINE)
OPTION = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)


def test_every_format_has_its_section_and_is_in_the_list() -> None:
    assert SECTIONS.keys() == FORMATS
    assert set(re.findall(r"^\| \[`(\w+)`\]", PAGE, re.MULTILINE)) == FORMATS


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_example_comes_out_as_the_page_shows_it(name: str) -> None:
    labels = dict(LABEL.findall(SECTIONS[name]))
    settings = Policy().settings(Asking("0" * 64, "web-1", "nginx", labels, {}, "default"), select="all")
    assert settings.faults == ()
    (entry,) = settings.entries
    assert entry.reading.format == name
    reader = make(entry.reading.format, entry.reading.options)
    examples = EXAMPLE.findall(SECTIONS[name])
    assert len(examples) == SECTIONS[name].count("```text") > 0
    for line, shown in examples:
        found = reader.log(line)
        assert found is not None
        assert list(json.loads(found).items()) == list(json.loads(shown).items())


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_options_are_those_of_the_code(name: str) -> None:
    table = SECTIONS[name].partition("| Option | Meaning |\n")[2].partition("\n\n")[0]
    assert dict(OPTION.findall(table)) == dict(kind_of(name).OPTIONS)


@pytest.mark.parametrize(
    ("name", "line", "level", "message"),
    [
        ("nginx", "2024/01/02 15:04:05 [warn] 1#1: low", "warn", "low"),
        ("apache_error", "[Mon Jan 01 00:00:00 2024] [core:crit] down", "crit", "down"),
        ("klog", "W0923 14:02:11.345678       1 a.go:70] old", "warn", "old"),
        ("syslog", "<11>Jan  2 15:04:05 box app: failed", "error", "failed"),
        ("logfmt", 'lvl=debug msg="a b"', "debug", "a b"),
    ],
)
def test_level_and_message_are_found_where_documents_have_them(name: str, line: str, level: str, message: str) -> None:
    made = b'{"log":%b,"stream":"stdout"}' % (make(name, {}).log(line) or "").encode()
    assert (document.level(made), document.message(made)) == (level, message)


def test_an_unknown_format_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="no format nginy; the formats are apache2, apache_error, auto, csv"):
        make("nginy", {})
