"""URLs → URLs that may be shown: without the user and the password in them, and without what they ask for."""

import re

MASK = "**********"
_QUERY = re.compile(r"(://[^\s?]*\?)[^\s)'\"]+")  # it may hold a token
_USERINFO = re.compile(r"(?<=://)(?<!unix://)\S*@")  # to the last @: a password may hold one, and a slash, too


def mask_url(text: str) -> str:
    """Hide user, password and query inside a URL."""
    return _QUERY.sub(rf"\1{MASK}", _USERINFO.sub(f"{MASK}@", text))
