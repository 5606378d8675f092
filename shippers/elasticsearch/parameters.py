"""Parameters that an operator adds to each bulk request → judged, and ready to be sent.

Refused are those that we set ourselves, and those that change the form of the answers.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from collector.net import remote

_OURS = frozenset({"filter_path", "format", "source", "source_content_type", "timeout"})


def fault_of_parameter(name: str, value: str) -> str:
    """What is wrong with a parameter, or ""."""
    if not name.strip():
        return "a parameter has no name: expected one such as pipeline"
    if name in _OURS:
        return f"{name!r} is set by Pilotfish itself, or changes the form of the answers: leave it out"
    return "" if remote.encodes(name + value) else f"{name!r} is not text: write it in UTF-8"


def query_of(parameters: Mapping[str, str]) -> str:
    """The parameters as they stand behind others in a request's target."""
    return f"&{urlencode(parameters)}" if parameters else ""
