"""One of so many lines, the same ones at each read: by the value of a member, or by the line's id."""

import re
from hashlib import blake2b

import orjson

from collector.documents.members import Member
from collector.reading import Sample

MOST = 1_000_000
_FORM = re.compile(r"1 ?/ ?(?P<one_of>[0-9]{1,7})(?: by (?P<key>.+))?")


def sample(text: str) -> Sample:
    """A sample as text: `1/10`, `1/10 by trace_id`.

    Raises:
        ValueError: it is none.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None or not 2 <= int(found["one_of"]) <= MOST:
        raise ValueError(
            f"use 1/N with N from 2 to {MOST:,}, such as 1/10, or 1/N by a member, such as 1/10 by trace_id"
        )
    key = found["key"] or ""
    if key:
        Member(key)
    return Sample(int(found["one_of"]), key)


def is_kept(wanted: Sample, value: object, name: str) -> bool:
    """Whether a line is in the sample: by the value of its member, without one (None) by its id."""
    text = name if value is None else orjson.dumps(value).decode()
    digest = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % wanted.one_of == 0
