"""A stream's settings → the composer of its documents: read in a format, redacted, both, or neither."""

from collector import formats
from collector.documents.composer import Composer
from collector.documents.document import Formatted, Pilotfish
from collector.documents.json_text import log_of
from collector.model import LogStream
from collector.redaction.redaction import Redaction


def composer_of(stream: LogStream, redaction: Redaction, *, with_attrs: bool) -> Composer:
    """A new one, for one transform. Lines are redacted before anything else sees them."""
    redact = redaction.redactor(stream.redact)
    if not stream.format and redact is None:
        return Pilotfish(with_attrs=with_attrs)
    read = formats.make(stream.format, stream.format_options).log if stream.format else log_of
    return Formatted(read, redact=redact, with_attrs=with_attrs)
