"""What a run of a scenario came to."""

from msgspec import Struct


class Outcome(Struct):
    """One run; `readable` counts lost lines whose bytes could have been read."""

    scenario: int
    what: str
    seed: int
    passed: bool = False
    written: int = 0
    lost: int = 0
    duplicates: int = 0
    readable: int = 0
    peak_rss_bytes: int = 0
    catch_up_seconds: float = 0.0
    seconds: float = 0.0
    note: str = ""
