"""`collector.documents.go_template`: what logspout's users write in templates is rendered, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.container_settings.keys import plain
from collector.documents.go_template import MOST_CHARACTERS, Template, in_braces, member_of
from tests.contract.segments import document, log_stream
from tests.examples import examples

STREAM = replace(
    log_stream(container_id="0123456789abcdef" * 4),
    container="shop.web.1",
    fields={"host": "moby", "docker_image": "shop/web:2", "docker_label_com_shop_tier": "front", "docker_label_x": "1"},
)
LINE = b'{"message":"a \\"quoted\\" line"}'
DOCUMENT = document(LINE, STREAM, output="stderr")


def rendered(text: str, written: bytes = DOCUMENT) -> str:
    return Template(text).of(STREAM)(written)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("{{.Data}}", 'a "quoted" line'),
        ("{{ .Data }}\n", 'a "quoted" line\n'),
        ("<{{.Source}}> {{.Container.Name}}", "<stderr> /shop.web.1"),
        ("{{.ContainerName}} {{.Hostname}}", "shop.web.1 moby"),
        ("{{.Container.ID}}", "0123456789abcdef" * 4),
        ("{{.Container.Config.Hostname}}", "0123456789ab"),
        ("{{.Container.Config.Image}}", "shop/web:2"),
        ("{{toJSON .Data}}", '"a \\"quoted\\" line"'),
        ("{{.Data | toJSON}}", '"a \\"quoted\\" line"'),
        ("{{toJSON .Container.Config.Labels}}", '{"com_shop_tier":"front","x":"1"}'),
        ('{{index .Container.Config.Labels "com.shop.tier"}}', "front"),
        ('{{index .Container.Config.Labels "none"}}', ""),
        ("{{.Container.Config.Labels.x}}", "1"),
        ('{{join (.ContainerNameSplitN "." 2) "/"}}', "shop/web.1"),
        ('{{index (.ContainerNameSplitN "." 2) 1}}', "web.1"),
        ('{{index (.ContainerNameSplitN "." 2) 7}}', ""),
        ('{{.ContainerNameSplitN "." 3}}', "[shop web 1]"),
        ('{{.Time.Format "2006-01-02T15:04:05Z07:00"}}', "2026-11-23T02:13:00Z"),
        ('{{.Time.Format "Jan _2 15:04:05.000"}}', "Nov 23 02:13:00.768"),
        ("{{.Timestamp}}", "2026-11-23T02:13:00Z"),
        ("{{.Time}}", "2026-11-23 02:13:00.768123456 +0000 UTC"),
        ("a {{- .Source -}} b", "astderrb"),
        ("a{{/* a comment */}}b", "ab"),
        ('{{"a\\tb"}}{{`c"d`}}{{7}}', 'a\tbc"d7'),
        (
            '{ "container" : "{{ .Container.Name }}", "source" : "{{ .Source }}", "message": {{ toJSON .Data }} }',
            '{ "container" : "/shop.web.1", "source" : "stderr", "message": "a \\"quoted\\" line" }',
        ),
    ],
)
def test_the_part_of_the_language_that_is_used_gives_what_go_gives(text: str, expected: str) -> None:
    assert rendered(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{.Container.Config.Env}}", "the environment of a container is never shown"),
        ("{{index .Container.Config.Env 0}}", "the environment of a container is never shown"),
        ("{{toJSON .Container}}", "asks for .Container, which is not known here"),
        ("{{.Container.State.Pid}}", "asks for .Container.State.Pid, which is not known here"),
        ("{{if .Data}}x{{end}}", "calls 'if', which is not known here"),
        ('{{env "HOME"}}', "calls 'env', which is not known here"),
        ("{{.Data", "has {{ without }}"),
        (".Data}}", "}} without {{"),
        ("{{}}", "ends where a value should be"),
        ("{{.Data .Source}}", "has '.Source' where it should end"),
        ("{{toJSON}}", "gives toJSON 0 arguments"),
        ("{{join .Data}}", "gives join 1 arguments"),
        ("{{(.Data}}", "has ( without )"),
        ("{{.Data | .Source}}", "passes a value to '.Source', which takes none"),
        ("{{$x := .Data}}", "which is not understood"),
        ('{{"\\x"}}', "which is not quoted as in JSON"),
        ("{{index .Container.Config.Labels .Data}}", "asks index for a label without its name as a text"),
        ("{{1234567}}", "which is too large"),
        ("x" * (MOST_CHARACTERS + 1), "shorten it"),
    ],
)
def test_everything_else_is_an_error_in_words_before_the_first_line(text: str, words: str) -> None:
    with pytest.raises(ValueError) as raised:
        Template(text)
    assert words in str(raised.value)


def test_what_a_template_needs_of_documents_is_known() -> None:
    assert not Template("{{.Data}}").needs_image
    assert Template("{{.Container.Config.Image}}").needs_image
    assert Template("{{toJSON .Container.Config.Labels}}").labels == {"*"}
    assert Template('{{index .Container.Config.Labels "a.b"}}{{.Container.Config.Labels.c}}').labels == {"a.b", "c"}


@given(st.text(max_size=120))
def test_a_label_is_looked_for_where_a_container_setting_puts_it(label: str) -> None:
    assert member_of(label) == plain(label)


@examples(3)
@given(st.text(alphabet='{}().|-"` toJSONindexData.Source0123\n', max_size=40))
def test_any_text_is_a_template_that_renders_or_an_error(text: str) -> None:
    try:
        template = Template(text)
    except ValueError:
        return
    assert isinstance(template.of(STREAM)(DOCUMENT), str)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_a_line_is_never_read_as_a_template(line: str) -> None:
    written = document(b'{"message":%b}' % json.dumps(f"{{{{.Container.ID}}}}{line}").encode(), STREAM)
    assert rendered("{{.Data}}", written) == f"{{{{.Container.ID}}}}{line}"


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("{{.ContainerName}}.db", "{container}.db"),
        ("{{ .Container.Config.Hostname }}-{{.Hostname}}", "{container_id}-{host}"),
        ("web", "web"),
        ("{{.Data}}", None),
        ("{{index .Container.Config.Labels `x`}}", None),
        ("{x}", None),
    ],
)
def test_a_template_of_fields_alone_is_a_pattern_in_braces(text: str, pattern: str | None) -> None:
    assert in_braces(text) == pattern
