"""A stream's settings → the composer of its documents: read in a format, redacted, both, or neither."""

from collector import formats
from collector.documents.composer import Composer
from collector.documents.document import Pilotfish
from collector.documents.formatted import Formatted
from collector.documents.json_text import log_of
from collector.documents.selective import Selective
from collector.filters.steps import Steps
from collector.model import LogStream
from collector.transform.stamps import Stamps


def composer_of(stream: LogStream, stamps: Stamps, carried: str = "", *, with_attrs: bool = False) -> Composer:
    """A new one, for one transform. Lines are redacted before anything else sees them; `carried` is `Start.carried`."""
    reading = stream.reading
    redact = None if reading.redactor is None else reading.redactor()
    if reading.redact and redact is None:
        raise ValueError("nothing takes the secrets out of the stream")
    if not (reading.format or redact or reading.is_selective):
        return Pilotfish(with_attrs=with_attrs)
    format_ = formats.make(reading.format, reading.options) if reading.format else None
    read = log_of if format_ is None else format_.log
    decides = format_ if format_ is not None and format_.decides else None
    lift = () if format_ is None else format_.lift
    if reading.is_selective or decides or lift:
        steps = Steps(reading, carried, decides)
        return Selective(steps, stamps.render, read, lift=lift, redact=redact, with_attrs=with_attrs)
    return Formatted(read, redact=redact, with_attrs=with_attrs)
