"""What Loki says of entries that it refuses → which of them, and why.

Loki keeps the good entries of a push, and answers 400 with the fault of the last bad one (`pkg/validation/validate.go`,
`pkg/ingester/stream.go`). So what it was sent is sent again without those at fault; what is there already folds.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from collector.net.http_node import Answer

# Words of Loki that are about an entry or its stream, and their reason in `loki_discarded_samples_total`.
_REASONS: Sequence[tuple[bytes, str]] = (
    (b"has timestamp too old", "greater_than_max_sample_age"),
    (b"has timestamp too new", "too_far_in_future"),
    (b"too far behind", "too_far_behind"),
    (b"out of order", "out_of_order"),
    (b"Max entry size", "line_too_long"),
    (b"has structured metadata too large", "structured_metadata_too_large"),
    (b"has too many structured metadata", "structured_metadata_too_many"),
    (b"has label name too long", "label_name_too_long"),
    (b"has label value too long", "label_value_too_long"),
    (b"has duplicate label name", "duplicate_label_names"),
    (b"label names; limit", "max_label_names_per_series"),
    (b"rror parsing labels", "invalid_labels"),
)
_DISALLOWED = b"structured metadata, but this feature is disallowed"
_OLDEST = re.compile(rb"has timestamp too old: [0-9TZ:.+-]+, oldest acceptable timestamp is: ([0-9TZ:.+-]+)\s*$")
_PER_STREAM = b"Per stream rate limit exceeded"
_EMPTY = b"at least one valid stream"


def reason_of(answer: Answer) -> str:
    """Loki's name for the fault of an entry; "" if it names none."""
    return next((reason for words, reason in _REASONS if words in answer.body), "")


def oldest_of(answer: Answer) -> int | None:
    """Before when Loki takes nothing, in nanoseconds since 1970; None if that was not the fault.

    It is looked for at the end: before it stand labels, which may say anything.
    """
    found = _OLDEST.search(answer.body)
    if found is None:
        return None
    try:
        return int(datetime.fromisoformat(found[1].decode()).timestamp()) * 1_000_000_000
    except ValueError:
        return None


def is_for_one_stream(answer: Answer) -> bool:
    """Whether one stream is over its own limit; Loki has taken the others."""
    return answer.status == 429 and _PER_STREAM in answer.body


def remedy_of(answer: Answer) -> str:
    """What helps where it is nobody's line that is at fault."""
    if _DISALLOWED in answer.body:
        return "set limits_config.allow_structured_metadata: true in Loki (schema v13 or newer)"
    return ""


def is_empty_push(answer: Answer) -> bool:
    """Whether it is what Loki answers to a push of nothing."""
    return answer.status == 204 or (answer.status in (400, 422) and _EMPTY in answer.body)
