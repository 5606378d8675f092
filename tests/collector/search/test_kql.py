"""What a query is in KQL."""

import pytest

from collector.errors import QueryError
from collector.search import kql

TEXTS = {
    "": "*",
    "timeout": '"timeout"',
    '"connection refused"': '"connection refused"',
    "error cart": '"error" and "cart"',
    "level:error": 'log.level: "error"',
    "level:IN [warn error]": 'log.level: "warn" or log.level: "error"',
    "a OR (b AND NOT c)": '"a" or ("b" and (not "c"))',
    "-level:info": 'not log.level: "info"',
    "target:shop stream:stderr": '@target: "shop" and stream: "stderr"',
    "container:web-*": "docker_container: web-*",
    "level:err* x": 'log.level: err* and "x"',
    "status:>=500": "log.status >= 500",
    "ms:{10 TO 12.5] OR x": '(log.ms > 10 and log.ms <= 12.5) or "x"',
    "@timestamp:>=2026-11-23T00:00Z": '@timestamp >= "2026-11-23T00:00:00.000000000Z"',
    r'"say \"hi\" \\ *"': r'"say \"hi\" \\ *"',
    "not*": r"\not*",
    "or:x": r'log.or: "x"',
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_query_is_the_same_in_kql(text: str) -> None:
    assert kql.of(text) == TEXTS[text]


@pytest.mark.parametrize("text", ['"a b"~2', "ms:>1e999", '"a b"*', 'container:"a b"*'])
def test_what_kql_cannot_say_is_an_error_with_a_remedy(text: str) -> None:
    with pytest.raises(QueryError, match="KQL cannot"):
        kql.of(text)


def test_fields_have_the_names_of_the_index() -> None:
    def ecs(name: str, *, is_trusted: bool) -> str:
        return "container.name" if is_trusted else f"app {name}"

    assert kql.of("container:web level:x", ecs) == 'container.name: "web" and app\\ level: "x"'
