"""A stream's settings → the composer of its documents: read in a format, redacted, both, or neither."""

from collector import formats
from collector.documents.composer import Composer
from collector.documents.document import Pilotfish
from collector.documents.formatted import Formatted
from collector.documents.json_text import log_of
from collector.model import LogStream
from collector.redaction.redaction import Redaction


def composer_of(stream: LogStream, redaction: Redaction, *, with_attrs: bool) -> Composer:
    """A new one, for one transform. Lines are redacted before anything else sees them."""
    reading = stream.reading
    redact = redaction.redactor(reading.redact)
    if not reading.format and redact is None:
        return Pilotfish(with_attrs=with_attrs)
    read = formats.make(reading.format, reading.options).log if reading.format else log_of
    return Formatted(read, redact=redact, with_attrs=with_attrs)
