"""`collector.search.trusted_filter`: a token's filter means the same to documents on their way as to a store."""

import pytest

from collector.errors import QueryError
from collector.search.trusted_filter import admits, read

MEMBERS = {"@target": "shop", "docker_container": "web-1", "stream": "stdout", "host": "moby", "docker_app": "eshop"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("target:shop", True),
        ("target:Shop", False),
        ("target:sho", False),
        ("container:web-*", True),
        ("container:db-* OR target:shop", True),
        ("target:shop AND NOT stream:stdout", False),
        ("target:shop -host:other", True),
        ("docker_app:eshop", True),
        ("k8s_pod:x*", False),
        ("NOT k8s_pod:x", True),
        ("target:IN [till shop]", True),
    ],
)
def test_a_filter_admits_what_has_the_whole_value(text: str, expected: bool) -> None:
    assert admits(text, MEMBERS) is expected


@pytest.mark.parametrize(
    "text",
    ["", "  ", "*", "shop", "level:error", "log.target:shop", "target:shop OR level:error", "target:shop NOT error",
     "@timestamp:>=2026-11-23", "delivery_error:x", "status:>5", "target:("],
)  # fmt: skip
def test_a_filter_names_trusted_members_alone(text: str) -> None:
    with pytest.raises(QueryError):
        read(text)
