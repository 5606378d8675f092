"""What stands in place of a secret: `[redacted:<rule>]`, or with a key `[redacted:<rule>:<8 hex digits>]`.

The digits are the first of an HMAC-SHA256 of the secret, so that a search can follow one that nobody sees: with one
key the same secret has the same digits, whichever rule found it and wherever it stands.
"""

import hmac
import re

NAME = r"[a-z][a-z0-9_-]{0,31}"
TAG = re.compile(rf"\[redacted:{NAME}(?::[0-9a-f]{{8}})?\]".encode())
BEGINS = b"[redacted:"
_BYTES = 4


class Tags:
    """Makes them; without a key they have no digits."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    def tag(self, rule: str, secret: bytes) -> bytes:
        """The one for a secret. It has neither quotes nor backslashes, so it stands in JSON as it is."""
        if not self._key:
            return b"[redacted:%b]" % rule.encode()
        digits = hmac.digest(self._key, secret, "sha256")[:_BYTES].hex()
        return f"[redacted:{rule}:{digits}]".encode()
