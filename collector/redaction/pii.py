"""The set `pii`: what names a person or an account, by its form and its check digits.

Cards: ISO/IEC 7812 (Luhn). IBAN: ISO 13616 (lengths by country, ISO 7064 mod 97-10). Telephone numbers: ITU-T E.164.
"""

from ipaddress import AddressValueError, IPv4Address, IPv6Address

from collector.redaction.patterns import Span
from collector.redaction.rule import Rule, matching, stands_alone

_COUNTRIES_BY_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",  # codespell:ignore fo
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS = {country: length for length, some in _COUNTRIES_BY_LENGTH.items() for country in some.split()}
# Country codes of telephone numbers: those of one and two digits, and how those of three begin.
_SHORT_CODES = (
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86"
)
_CODES = frozenset(
    f"{_SHORT_CODES} 90 91 92 93 94 95 98 21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99".split()
)
_FILES = frozenset(
    b"png jpg jpeg gif svg webp ico js mjs ts tsx jsx css map json yaml yml html txt md py go rs java jar so dll exe "
    b"tar gz zip service socket timer mount target slice scope path".split()
)
_NO_ONES = (IPv4Address("127.0.0.0"), IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255"))  # noqa: S104
_LONGEST_TLD = 24
_ZERO = ord("0")
_DIGITS = b"0123456789"


def _digits(text: bytes) -> bytes:
    return text.replace(b" ", b"").replace(b"-", b"")


def _card(data: bytes, start: int, end: int) -> Span | None:
    """No part of a longer number, of a word or of a fraction."""
    digits = _digits(data[start:end])
    before, behind = data[start - 1 : start] if start else b"", data[end : end + 2]
    if before.isalnum() or before in (b"_", b".") or behind[:1].isalnum() or behind[:1] == b"_":
        return None
    if (behind[:1] in (b".", b"-") and behind[1:].isdigit()) or len(set(digits)) == 1:
        return None
    return (start, end) if _is_of_a_network(digits) and _luhn(digits) else None


def _is_of_a_network(digits: bytes) -> bool:
    """Whether such a number is issued: by its first digits and its length."""
    length, first = len(digits), digits[:1]
    if first == b"4":
        return length in (13, 16, 19)
    if digits[:2] in (b"34", b"37"):
        return length == 15
    if first == b"3":
        return length == 14 if digits[1:2] in b"0689" else 16 <= length <= 19
    if first == b"5":
        return length == 16 if digits[1:2] in b"12345" else False
    return length == 16 if first == b"2" else first == b"6" and 16 <= length <= 19


def _luhn(digits: bytes) -> bool:
    total = 0
    for place, one in enumerate(reversed(digits)):
        value = (one - _ZERO) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def _next_group(data: bytes, start: int, end: int) -> Span:
    """Leave the first group of digits behind: a card may begin with the second."""
    places = [place for sign in (b" ", b"-") if (place := data.find(sign, start, end)) > 0]
    return start, min(places) + 1 if places else end


def _email(data: bytes, start: int, end: int) -> Span | None:
    """No file `icon@2x.png`, no unit `getty@tty1.service`, and no `git@host`, with which a repository is named."""
    local, _, domain = data[start:end].rpartition(b"@")
    last = domain.rpartition(b".")[2].lower()
    if local == b"git" or last in _FILES or len(last) > _LONGEST_TLD or data[end : end + 1] == b"@":
        return None
    return start, end


def _iban(data: bytes, start: int, end: int) -> Span | None:
    length = _IBAN_LENGTHS.get(data[start : start + 2].decode())
    if length is None:
        return None
    at, found = start, b""
    while at < end and len(found) < length:
        found += data[at : at + 1].strip()
        at += 1
    if len(found) < length or not stands_alone(data, start, at, b"_"):
        return None
    moved = found[4:] + found[:4]
    number = int("".join(str(int(chr(one), 36)) for one in moved))
    return (start, at) if number % 97 == 1 else None


def _phone(data: bytes, start: int, end: int) -> Span | None:
    digits = bytes(one for one in data[start:end] if _ZERO <= one < _ZERO + 10).decode()
    before, behind = data[start - 1 : start] if start else b"", data[end : end + 2]
    if not 8 <= len(digits) <= 15 or not {digits[:1], digits[:2]} & _CODES:
        return None
    if before.isalnum() or before in (b"+", b"_", b".", b"-", b")"):
        return None
    if behind[:1].isalnum() or (behind[:1] in (b".", b":") and behind[1:].isdigit()):
        return None
    return start, end


def _ip4(data: bytes, start: int, end: int) -> Span | None:
    """No `Chrome/120.0.0.0`, no part of a longer number, and none of those that mean nobody."""
    before = data[max(0, start - 40) : start]
    if not stands_alone(data, start, end, b"_") or before.endswith((b".", b"-")) or _is_version(before):
        return None
    behind = data[end : end + 2]
    if behind[:1] in (b".", b"-") and behind[1:].isalnum():
        return None
    try:
        address = IPv4Address(data[start:end].decode())
    except AddressValueError:
        return None
    return None if address.is_loopback or address in _NO_ONES else (start, end)


def _is_version(before: bytes) -> bool:
    """Whether a product with a slash stands before, as in a user agent: `Chrome/`."""
    word = before[:-1]
    name = word[len(word.rstrip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")) :]
    around = word[: len(word) - len(name)][-1:]
    return before.endswith(b"/") and name != b"" and around in (b"", b" ", b"(", b";", b'"')


def _ip6(data: bytes, start: int, end: int) -> Span | None:
    text = data[start:end]
    if text.endswith(b":") and not text.endswith(b"::"):
        end -= 1
        text = text[:-1]
    has_digit = any(map(_DIGITS.__contains__, text))
    if text.count(b":") < 2 or not has_digit or not stands_alone(data, start, end, b"_:"):
        return None
    try:
        address = IPv6Address(text.decode())
    except AddressValueError:
        return None
    return None if address.is_loopback or address.is_unspecified else (start, end)


_NO_DIGIT = r"(?:^|\D|\\u[0-9A-Fa-f]{4})"  # JSON may write a letter before a number so
_NO_LETTER = r"(?:^|[^A-Z0-9]|\\u[0-9A-Fa-f]{4})"
_CARDS = (
    r"\d{13,19}|\d{4} \d{4} \d{4} \d{4}(?: \d{1,3})?|\d{4}-\d{4}-\d{4}-\d{4}(?:-\d{1,3})?|\d{4}[ -]\d{6}[ -]\d{4,5}"
)
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_IBANS = r"[A-Z]{2}\d\d(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)"
_IP4 = r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}"


def _both_ips() -> Rule:
    four, six = matching(_IP4, _ip4), matching("[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}", _ip6)
    needle = rf"{_IP4}|::[0-9A-Fa-f]|[0-9A-Fa-f]::|(?:[0-9A-Fa-f]{{1,4}}:){{7}}[0-9A-Fa-f]"
    return Rule("ip", needle, lambda data: (span for find in (four, six) for span in find(data)))


RULES = (
    Rule("card", _NO_DIGIT + r"(?:[2-6]\d{12}|[2-6]\d{3}[ -]\d{4}[ -]\d{4}[ -]\d{4}|3\d{3}[ -]\d{6}[ -]\d{4})",
         matching(_CARDS, _card, again=_next_group)),
    Rule("email", "[A-Za-z0-9._%+-]@[A-Za-z0-9]",
         matching(rf"[A-Za-z0-9](?:[A-Za-z0-9._%+\-]{{0,63}})@(?:{_LABEL}\.)+[A-Za-z]{{2,}}", _email)),
    Rule("iban", _NO_LETTER + r"[A-Z]{2}\d\d ?[A-Z0-9]{4} ?[A-Z0-9]{3}", matching(_IBANS, _iban, again=_next_group)),
    Rule("phone", r"\+[1-9](?:[ ().\-/]{0,2}\d){7}", matching(r"\+[1-9](?:[ ().\-/]{0,2}\d){7,14}", _phone)),
    _both_ips(),
)  # fmt: skip
