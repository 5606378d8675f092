r"""The set `secrets`: tokens by their form, keys by what they stand beside.

The forms are those that their issuers document: RFC 7519 (JWT), RFC 7468 (PEM), AWS (IAM, unique identifiers), GitHub
and GitLab (token prefixes), Slack (token types), Stripe (API keys), Google (API keys, OAuth 2.0), RFC 6750 and 7617.
"""

import re
from base64 import b64decode, urlsafe_b64decode

from collector.redaction import assignments
from collector.redaction.patterns import Span
from collector.redaction.rule import Rule, matching, stands_alone

_JWT = r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){1,3}"
_PEM = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PEM_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_GITHUB = r"gh[pousr]_[A-Za-z0-9]{36}[A-Za-z0-9]*|github_pat_[A-Za-z0-9_]{22,}"
_GITLAB = r"gl(?:pat|dt|rt|ft|soat|cbt|ptt|agent|imt|oas|ffct)-[A-Za-z0-9_.\-]{20,}|GR1348941[A-Za-z0-9_\-]{20,}"
_SLACK = r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9\-]{10,}|xapp-\d-[A-Za-z0-9\-]{10,}"
_SLACK_HOOK = r"hooks\.slack\.com(?:\\*/)(?:services|workflows|triggers)(?:\\*/)([A-Za-z0-9_/\\]{20,})"
_STRIPE = r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}"
_GOOGLE = r"AIza[A-Za-z0-9_\-]{35}|ya29\.[A-Za-z0-9_\-.]{20,}|GOCSPX-[A-Za-z0-9_\-]{20,}|1//0[A-Za-z0-9_\-]{30,}"
_AWS_WORDS = r"(?i:secret[_\- .]?(?:access[_\- .]?)?key|aws[_\- .]?secret)"
_AWS_NEAR = _AWS_WORDS + r"""["'\\\]]{0,6}[ \t]{0,8}(?:=>|[=:,]|is)?[ \t]{0,8}["'\\]{0,6}"""
_AWS_BESIDE = r"(?:AKIA|ASIA)[A-Z0-9]{16}[^A-Za-z0-9]{1,40}"
_FORTY = "([A-Za-z0-9/+]{40})"
_HEADER = (
    r"""(?i)authorization["'\\\]]{0,6}[ \t]{0,8}(?:=>|[:=])[ \t]{0,8}["'\\\[]{0,6}"""
    r"(?:bearer|basic|token|apikey)[ \t]+"
)
_HEADER_NEEDLE = r"(?i:authorization)[^a-zA-Z0-9]{1,30}(?i:bearer|basic|token|apikey)"
_CREDENTIAL = r"""([^\s"'\\,;<>&]+)"""
_BARE = r"(?i:\b(?:bearer|basic))[ \t]+([A-Za-z0-9._~+/\-]{12,}=*)"
_SCHEME = r":(?:\\*/){2}"
_USER = r"""[^\s/?#:@"'<>\\\[\]]*"""
# The data source names of Go's MySQL driver: `user:password@tcp(host:port)/db`.
_GO_MYSQL = r"""[A-Za-z0-9_.\-]:([^\s"'<>@/\\]+)@(?:tcp|tcp6|unix|cloudsql)\("""
_GO_NEEDLE = r"@(?:tcp|unix|cloudsql)"
_PASSWORD = re.compile(rb"""[^\s"'<>\\]+""")
_PORT = re.compile(rb"\d{1,5}")
_AUTHORITY = re.compile(rb"""[^\s"'<>\\/?#]*""")
_DIGITS = b"0123456789"
_PEM_BODY = r"^[ \t]*([A-Za-z0-9+/]{64})[ \t\r]*$"


def _jwt(data: bytes, start: int, end: int) -> Span | None:
    """Its first part is the base64 of a JSON object that names an algorithm (RFC 7515, 4.1.1)."""
    if data[start - 1 : start].isalnum() and start:
        return None
    header = data[start:end].split(b".", 1)[0]
    try:
        return (start, end) if b'"alg"' in urlsafe_b64decode(header + b"==") else None
    except ValueError:
        return None


def _key_block(data: bytes, start: int, end: int) -> Span | None:
    closing = _PEM_END.search(data, end)
    return start, closing.end() if closing is not None else len(data)


def _key_line(data: bytes, start: int, end: int) -> Span | None:
    """A line of a key that is logged line by line: nothing but base64, with letters of both cases and digits."""
    line = data[start:end]
    is_mixed = line.upper() != line and line.lower() != line and any(map(_DIGITS.__contains__, line))
    return (start, end) if is_mixed else None


def _token(data: bytes, start: int, end: int) -> Span | None:
    return None if start and (data[start - 1 : start].isalnum()) else (start, end)


def _exact(data: bytes, start: int, end: int) -> Span | None:
    return (start, end) if stands_alone(data, start, end, b"_") else None


def _aws_secret(data: bytes, start: int, end: int) -> Span | None:
    value = data[start:end]
    is_random = value.upper() != value and value.lower() != value
    return (start, end) if is_random and stands_alone(data, start, end, b"/+") else None


def _bare(data: bytes, start: int, end: int) -> Span | None:
    """Without its header it may be prose: a bearer token has digits, what is basic is the base64 of `user:password`."""
    value = data[start:end]
    if data[max(0, start - 16) : start].rstrip(b" \t")[-5:].lower() != b"basic":
        return (start, end) if any(map(_DIGITS.__contains__, value)) else None
    try:
        return (start, end) if b":" in b64decode(value + b"=" * (-len(value) % 4), validate=True) else None
    except ValueError:
        return None


def _connection(data: bytes, start: int, end: int) -> Span | None:
    """`start` is behind the colon of `user:`. The password ends at the last @ of the authority.

    Where that has none it may have a slash that was not encoded: then it ends at the first @ behind, unless what
    begins it is a port.
    """
    authority = _AUTHORITY.match(data, start)
    behind = authority.end() if authority is not None else start
    at = data.rfind(b"@", start, behind)
    if at < 0 and not _is_port(data, start, behind):
        at = _next_at(data, behind)
    return (start, at) if at > start else None


def _no_connection(data: bytes, start: int, end: int) -> Span:
    """Where there is no @ up to a space, there is none for what begins within, either."""
    authority = _AUTHORITY.match(data, start)
    behind = authority.end() if authority is not None else start
    if data.rfind(b"@", start, behind) >= 0 or _is_port(data, start, behind):
        return start, end
    rest = _PASSWORD.match(data, behind)
    return start, max(end, (rest.end() if rest is not None else behind) - len("x:/"))  # `x:/\\/` may begin there


def _is_port(data: bytes, start: int, end: int) -> bool:
    return _PORT.fullmatch(data, start, end) is not None


def _next_at(data: bytes, start: int) -> int:
    found = _PASSWORD.match(data, start)
    return data.find(b"@", start, found.end()) if found is not None else -1


def _several(*finds: Rule) -> Rule:
    first = finds[0]
    return Rule(first.name, "|".join(one.needle for one in finds),
                lambda data: (span for one in finds for span in one.find(data)))  # fmt: skip


RULES = (
    Rule("jwt", "eyJ[A-Za-z0-9_-]+[.]", matching(_JWT, _jwt)),
    _several(
        Rule("private_key", "-----BEGIN ", matching(_PEM, _key_block)),
        Rule("private_key", "[A-Za-z0-9+/]{64}", matching(f"(?m){_PEM_BODY}", _key_line)),
    ),
    Rule("aws_access_key", "A(?:KIA|SIA)[A-Z0-9]{16}", matching("(?:AKIA|ASIA)[A-Z0-9]{16}", _exact)),
    _several(
        Rule("aws_secret_key", _AWS_WORDS, matching(_AWS_NEAR + _FORTY, _aws_secret)),
        Rule("aws_secret_key", "A(?:KIA|SIA)[A-Z0-9]{16}", matching(_AWS_BESIDE + _FORTY, _aws_secret)),
    ),
    Rule("github_token", "gh[pousr]_[A-Za-z0-9]{4}|github_pat_", matching(_GITHUB, _token)),
    Rule("gitlab_token", "gl[a-z]{2,5}-[A-Za-z0-9_]|GR1348941", matching(_GITLAB, _token)),
    _several(
        Rule("slack_token", "xox[a-z][-.]|xapp-", matching(_SLACK, _token)),
        Rule("slack_token", r"hooks\.slack\.com", matching(_SLACK_HOOK)),
    ),
    Rule("stripe_key", "[rs]k_(?:live|test)_|whsec_", matching(_STRIPE, _token)),
    Rule("google_key", "AIza|ya29[.]|GOCSPX-|1//0", matching(_GOOGLE, _token)),
    _several(
        Rule("authorization", _HEADER_NEEDLE, matching(_HEADER + _CREDENTIAL)),
        Rule("authorization", r"(?i:bearer|basic)(?:[ \t]+|\\t)[A-Za-z0-9._~+/\-\\]{12}", matching(_BARE, _bare)),
    ),
    _several(
        Rule(
            "connection_string",
            r""":(?:\\*/){2}[^\s/?#:@"'<>\[\]]*:[^\s"'<>]*@""",
            matching(f"[A-Za-z0-9]{_SCHEME}{_USER}:()", _connection, again=_no_connection),
        ),
        Rule("connection_string", _GO_NEEDLE, matching(_GO_MYSQL)),
    ),
    Rule("password", assignments.NEEDLE, assignments.find),
)
