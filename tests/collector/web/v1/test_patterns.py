"""`collector.web.v1.patterns`: messages of one pattern are one."""

import json

from collector.web.v1.patterns import of


def test_what_is_no_document_takes_nothing_with_it() -> None:
    good = json.dumps({"_id": "x", "log": {"message": "a 1"}, "@timestamp": "2026-11-23T02:13:00Z"}).encode()
    (found,) = of([b"{", good, b'{"log":{"message":"a 2"}}'])
    assert (found.pattern, found.count, found.id) == ("a <…>", 2, "x")
