"""URLs → URLs that may be shown: without the user and the password in them."""

import re

MASK = "**********"
_USERINFO = re.compile(r"(?<=://)\S*@")  # to the last @: a password may hold one, and a slash, too


def mask_url(text: str) -> str:
    """Hide user and password inside a URL."""
    return _USERINFO.sub(f"{MASK}@", text)
