"""What came of one object of a board."""

from typing import Literal, NamedTuple

Verdict = Literal["created", "imported", "updated", "unchanged", "kept", "would be", "failed"]


class Outcome(NamedTuple):
    """One object, and what was done with it; `why` says it where the verdict alone does not, or names the remedy."""

    verdict: Verdict
    subject: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:<9} {self.subject}{': ' if self.why else ''}{self.why}"
