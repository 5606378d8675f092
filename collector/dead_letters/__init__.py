"""Documents that a destination will never take: kept with the reason, listed, and sent once more.

Reading order: `folder` (what is on disk for one output), `letter` (one line), `listing` (which there are), `replay`
(letters → documents for the delivery).
"""

from .folder import DeadLetters

__all__ = ["DeadLetters"]
