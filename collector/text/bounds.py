"""What a container is called, by itself and its labels → no more of it than documents, positions and series carry.

Docker takes a label of megabytes, and each line of its container would bring it along.
"""

from collections.abc import Mapping

MOST_BYTES = 512  # in UTF-8; Kubernetes' names of containers have up to some 430
_KEPT_BYTES = 2 * MOST_BYTES  # of a label's key and value while they are read: enough to see that it is too long
_MARK = "…"
_SHOWN = 80


def bounded(text: str, most: int = MOST_BYTES) -> str:
    """The beginning of `text`; what is cut ends with `…`."""
    raw = text.encode(errors="replace")  # halves of surrogate pairs are no text
    if len(raw) <= most:
        return raw.decode()
    return raw[: most - len(_MARK.encode())].decode(errors="ignore") + _MARK


def is_cut(text: str) -> bool:
    """Whether `bounded` cuts it."""
    return len(text) > MOST_BYTES or len(text.encode(errors="replace")) > MOST_BYTES


def is_cut_off(text: str) -> bool:
    """Whether it may be what `bounded` left of a longer one, of whose last character all four bytes may have gone."""
    return text.endswith(_MARK) and len(text.encode(errors="replace")) > MOST_BYTES - 4


def slim(labels: Mapping[str, str], most: int = _KEPT_BYTES) -> dict[str, str]:
    """Labels or variables without the bulk of keys and values: hundreds of containers are described at once."""
    return {bounded(key, _KEPT_BYTES): bounded(value, most) for key, value in labels.items()}


def shown(name: str) -> str:
    """As much of a name as a message bears."""
    text = name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"
    return text.encode(errors="replace").decode()  # halves of surrogate pairs are no text
