"""The form in which documents are kept, read back from a server."""

import json

import pytest

from collector.documents.document import fields, is_document, message
from collector.documents.forms.pilotfish import FORM
from tests.contract.segments import plain_segment

DOCUMENT = plain_segment(1).documents[0]


def test_a_document_that_a_server_has_made_anew_has_our_order_again() -> None:
    anew = json.dumps(json.loads(DOCUMENT), sort_keys=True).encode()
    assert not is_document(anew)
    read = FORM.read(anew)
    assert is_document(read)
    assert (message(read), fields(read)) == (message(DOCUMENT), fields(DOCUMENT))
    assert json.loads(read) == json.loads(DOCUMENT)


@pytest.mark.parametrize("other", [DOCUMENT, b"", b"[]", b"{", b'{"log":{}}', b'{"message":"of another program"}'])
def test_what_is_one_already_or_is_none_stays_as_it_is(other: bytes) -> None:
    assert FORM.read(other) == other
