"""What a receiver is told, whatever its kind: members that are kept on disk, a title, and a text of some lines."""

import secrets
from typing import Literal

from msgspec import Struct

from collector.text.times import iso

MOST_SAMPLE = 1000
"""Characters of a line that a notification repeats."""

Reason = Literal["raised", "more", "held", "test"]


class Notification(Struct, frozen=True, kw_only=True):
    """`id` is the same each time that it is sent. `count` lines from `first` to `last`, in nanoseconds since 1970.

    `key` is the pattern or the container that the rule counts by; `sample` is the newest line's message.
    """

    id: str
    rule: str
    receiver: str
    reason: Reason
    made: int
    count: int = 0
    first: int = 0
    last: int = 0
    key: str = ""
    container: str = ""
    target: str = ""
    host: str = ""
    sample: str = ""
    cool_down_seconds: float = 0.0

    @property
    def title(self) -> str:
        """One line."""
        match self.reason:
            case "test":
                return f"Test of the receiver {self.receiver} by Pilotfish"
            case "held":
                return f"{self.count} notifications were held back"
            case "more":
                return f"{self.rule}: {self.count} more lines"
        lines = "line" if self.count == 1 else "lines"
        return f"{self.rule}: {self.count} {lines}"

    @property
    def text(self) -> str:
        """What there is to say, a fact a line."""
        if self.reason == "test":
            return "This receiver works. No line has raised an alert."
        if self.reason == "held":
            return f"The receiver {self.receiver} has reached max_per_hour. Held back, by rule: {self.key}"
        facts = {
            "container": self.container,
            "target": self.target,
            "host": self.host,
            "from": iso(self.first),
            "to": iso(self.last),
        }
        return "\n".join([self.sample, *(f"{name}: {value}" for name, value in facts.items() if value)])


def new_id() -> str:
    """An id that no other notification has."""
    return secrets.token_hex(16)
