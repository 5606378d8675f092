"""The seam of a preset: what a kind of server is sent, and what its answers mean.

An answer of another kind than a preset knows says nothing: what it answers to is sent again.
"""

import re
from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple

from collector.documents.form import Form
from collector.model import Segment
from collector.net.http_client import HttpClient, words_of
from collector.net.http_node import Answer

from .encoding import lines

CONTENT = "refused_by_server"  # the reason of a dead letter where the server names none


class Limits(NamedTuple):
    """What one request may have at most: documents, and bytes before compression; 0: any number."""

    documents: int = 0
    size: int = 0


class Verdict(NamedTuple):
    """What an answer says of a request.

    `taken`: all of it is. `unclear`: what is wrong with an answer that says nothing; `remedy` for the operator.
    `refused`: the kind of fault that is in the content, and `number` (from 0) the document that has it, if it is named.
    """

    taken: bool = False
    unclear: str = ""
    remedy: str = ""
    refused: str = ""
    number: int | None = None


TAKEN = Verdict(taken=True)
UNKNOWN = Verdict()  # what its status means everywhere


class Preset:
    """Documents as they are, one a line, to any server; the others are made of it."""

    kind: ClassVar[str] = "a server that takes documents by HTTP"
    path: ClassVar[str] = "/"
    content_type: ClassVar[str] = ""
    format: ClassVar[Literal["ndjson", "json_array"]] = "ndjson"
    limits: ClassVar[Limits] = Limits()
    health: ClassVar[str] = ""
    """Where its health is asked for; "": where documents go."""
    other_words: ClassVar[str] = "check `hosts` and `path`; if this is how it says that all is well, set success_text"

    def __init__(self, form: Form, id_field: str, success_text: str = "") -> None:
        self.form, self.id_field, self._success = form, id_field, success_text.encode()

    def items(self, segment: Segment) -> list[bytes]:
        """Each document as a JSON object without a newline."""
        return lines(self.form.written(segment.documents), segment.ids, self.id_field)

    def headers(self) -> Mapping[str, str]:
        """Headers of each request with documents, besides the usual ones."""
        return {}

    def verdict(self, answer: Answer) -> Verdict:
        """What an answer says."""
        if not 200 <= answer.status < 300:
            return self.refusal(answer)
        if self._success and self._success not in answer.body:
            return Verdict(unclear="answers without the configured success_text", remedy="correct success_text")
        if self._success or self.is_understood(answer):
            return TAKEN
        return Verdict(unclear=f"answers {answer.status} in other words ({words_of(answer)})", remedy=self.other_words)

    def is_understood(self, answer: Answer) -> bool:
        """Whether the body of a good status says that all was taken: here, any that is no page and names no error."""
        body = answer.body.lstrip()
        return not body.startswith(b"<") and not _ERROR.search(body, 0, _LOOKED_AT)

    def refusal(self, answer: Answer) -> Verdict:
        """What an answer of a bad status says."""
        if answer.status in (400, 422) and not answer.body.lstrip().startswith(b"<"):
            return Verdict(refused=CONTENT)
        return UNKNOWN

    async def settle(self, client: HttpClient, answer: Answer, seconds: float) -> None:
        """Wait, `seconds` at most, until what was taken is safe.

        Raises:
            Unavailable: it is not, or nobody knows.
        """

    def is_healthy(self, answer: Answer) -> bool:
        """Whether it answers as such a server does when its health is asked for."""
        return answer.status not in (401, 403, 407) and answer.status < 500


class Silent(Preset):
    """A server that says nothing when it has taken all."""

    other_words = ""

    def is_understood(self, answer: Answer) -> bool:
        """Whether it says nothing."""
        return not answer.body.strip()


_LOOKED_AT = 1000  # bytes of an answer
_ERROR = re.compile(rb'"errors?" *+: *+(?!null|false|""|\[ *\]|\{ *\}|0\b)|\bexception\b', re.IGNORECASE)
