"""What becomes of a line: any text, JSON and not."""

import json
import time
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from collector.redaction.assignments import is_secret
from collector.redaction.options import SETS, OwnPattern, RedactOptions
from collector.redaction.redaction import Redaction
from collector.redaction.redactor import MOST_BYTES, MOST_MATCHES, Redactor
from collector.text.bounds import bounded
from tests.collector.redaction.test_rule_corpora import MARKED, RULES, lines, unmarked

OPTIONS = RedactOptions(sets=tuple(SETS))
REDACTION = Redaction(OPTIONS)
TAG = "[redacted:password]"
PIECES = ["password", "token", "=", ":", '"', "\\", "'", "{", "}", "[", "]", ",", "://", "@", "a", "b9", " ", "\n", "é",
          "eyJ", ".", "-----BEGIN PRIVATE KEY-----", "AKIA", "4111111111111111", "+4915112345678", "::1:", "1.2.3.4",
          "Bearer ", "\\u0061", "\\u00e9", "\\u0000", "DE89370400440532013000",
          "\ud83d", "[redacted:ip]", "&"]  # fmt: skip
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["password", "a", "apiKey", "user", "db_password", "x.token", "msg", "p\\u0061ssword"])
objects = st.dictionaries(names | texts, values, max_size=4)


def redactor(*names: str, options: RedactOptions = OPTIONS) -> Redactor:
    found = Redaction(options).redactor(names) if options is not OPTIONS else REDACTION.redactor(names or tuple(SETS))
    assert found is not None
    return found


def made(text: str, *names: str) -> str:
    found = redactor(*names).text(text)
    assert found is not None
    return found


SECRETS = [secret for rule in RULES for line in lines(rule, "+") if not line.startswith("{")
           for _, secret in MARKED.findall(line) if len(secret) > 8]  # fmt: skip


@given(texts)
@example("DE89370400440532013000::2")  # an address of IPv6 is one only once what stands before it is gone
def test_no_text_raises_and_redacting_twice_is_redacting_once(text: str) -> None:
    once = made(text)
    assert made(once) == once


@given(st.sampled_from([line for rule in RULES for line in lines(rule, "+") if line[:1] not in "{«"]), texts, texts)
def test_a_secret_is_found_whatever_stands_around_its_line(line: str, before: str, after: str) -> None:
    """Lines before and behind it in one event."""
    assume("\\" not in after and "\ud83d" not in before + after)
    secrets = [secret for _, secret in MARKED.findall(line) if len(secret) > 8]
    found = redactor().text(f"{before}\n{line.replace('«', '').replace('»', '')}\n{after}")
    assert found is not None
    assert [secret for secret in secrets if secret in found and secret not in before + after] == []


@given(objects, st.booleans())
def test_an_object_stays_one_with_the_same_keys_and_loses_secrets_alone(found: dict[str, Any], is_ascii: bool) -> None:
    text = json.dumps(found, ensure_ascii=is_ascii)
    assume("\ud83d" not in text and "\\ud83d" not in text)
    check(found, json.loads(made(text, "password")))


def check(before: Any, after: Any) -> None:
    if isinstance(before, dict):
        assert isinstance(after, dict)
        kept = {name: one for name, one in before.items() if made(name, "password") == name}
        assert kept.keys() <= after.keys()
        for name, value in kept.items():
            if is_secret(name.encode()):
                assert after[name] == TAG or (after[name] == value and str(value).startswith("[redacted:"))
            else:
                check(value, after[name])
    elif isinstance(before, list):
        for one, other in zip(before, after, strict=True):
            check(one, other)
    elif not isinstance(before, str):
        assert before == after


@given(objects)
def test_json_stays_json_with_all_rules(found: dict[str, Any]) -> None:
    text = json.dumps(found)
    assert isinstance(json.loads(made(text)), dict)


@settings(max_examples=300, deadline=None)
@given(texts | objects.map(json.dumps))
def test_the_filter_leaves_out_no_line_in_which_a_rule_finds_something(text: str) -> None:
    """What the needles do not let pass would not have been changed."""
    assume("\ud83d" not in text)
    careful = redactor()
    careful._which = lambda data: range(100)
    assert careful.text(text) == made(text)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        texts
        | st.sampled_from([unmarked(line) for rule in RULES for line in lines(rule, "+")])
        | st.sampled_from(["password=x", "no", "a\nb", "4111111111111111"]),
        max_size=12,
    )
)
def test_lines_that_are_looked_at_together_are_suspected_as_by_themselves(found: list[str]) -> None:
    one = redactor()
    suspected = set(one.suspects(found))
    changed = {number for number, text in enumerate(found) if one.text(text) != text}
    assert changed <= suspected
    assert suspected <= set(range(len(found)))


SECRET_NAMES = [
    "password",
    "Password",
    "userPassword",
    "DB_PASSWORD",
    "db.password",
    "api-key",
    "apiKey",
    "API_key",
    "x-auth-token",
    "clientSecret",
    "secretAccessKey",
    "password2",
    "new_password_confirmation",
    "pwd",
    "passwordHash",
    "smtp_pass",
    "credentials",
    "authorization",
]
OTHER_NAMES = [
    "token_count",
    "max_tokens",
    "password_length",
    "hasPassword",
    "is_secret",
    "secretary",
    "tokenizer",
    "primary_key",
    "key",
    "secret_name",
    "user",
    "passenger",
    "message",
]
VALUES: list[Any] = ["hunter2", 5, 1.5, True, None, [], {"deep": ["x", {"y": "}"}]}, ""]


@pytest.mark.parametrize("name", [*SECRET_NAMES, "api key"])
def test_a_name_whose_last_word_is_a_secret_is_one(name: str) -> None:
    for one in VALUES:
        assert json.loads(made(json.dumps({"a": 1, name: one, "b": [one]}))) == {"a": 1, name: TAG, "b": [one]}


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_names_keep_their_values(name: str) -> None:
    assert json.loads(made(json.dumps({name: "x1"}))) == {name: "x1"}


@pytest.mark.parametrize("text", [
    r'{"m":"{\"password\":\"hunter2-x\"}"}',
    r'{"m":"{\"m\":\"{\\\"password\\\":\\\"hunter2-x\\\"}\"}"}',
    r'{"p\u0061ssword":"hunter2-x"}',
    r'{"m":"p\u0061ssword=hunter2-x"}',
    r'{"m":"password\u003dhunter2-x"}',
    r'{"m":"postgres:\/\/u:hunter2-x@h\/d"}',
    r'{"m":"say \"password\": \"hunter2-x\" now"}',
    r'{"m":"line\npassword: hunter2-x\nline"}',
    r'{"m":"tab\tpassword=\thunter2-x"}',
    r'log {"password":"hunter2-x"}',
    r'[{"p\u0061ssword":"hunter2-x"},1]',
    r' [ "token\u003dhunter2-x" ]',
    r'log {\"password\":\"hunter2-x\"}',
    "{'password': 'hunter2-x'}",
    r'log password={\"a\":\"x}hunter2-x\"} end',
    r'log {"m":"password={\"a\":\"x}hunter2-x\"}"',
    r"a://u:b:\/\/u:hunter2-x@h",
    r"x://u:1/b://u:hunter2-x@h",
    '{"apiKeys":["hunter2-x"]}',
    "api_keys=hunter2-x",
    'accessKeys: "hunter2-x"',
    '{"password" : "hunter2-x"',
    '{"password":"hunter2-x',
])  # fmt: skip
def test_no_way_of_escaping_hides_a_secret(text: str) -> None:
    assert "hunter2" not in made(text)


def test_with_a_key_one_secret_has_one_tag_wherever_it_stands() -> None:
    token = "ghp_" + "Fake" * 9
    found = Redaction(RedactOptions(sets=("secrets",)))
    found._tags._key = b"0" * 32
    one = found.redactor(("secrets",))
    assert one is not None
    tags = [
        one.text(text)
        for text in (
            token,
            f"x {token}",
            f'{{"a":"{token}"}}',
            f"Bearer {token}",
            f"token={token}",
            f'{{"Authorization":"Bearer {token}"}}',
            f"Authorization: Token {token}",
            f'{{"m":"\\"{token}\\""}}',
        )
    ]
    digits = {str(tag).partition("[redacted:")[2].partition("]")[0].partition(":")[2] for tag in tags}
    assert len(digits) == 1
    assert len(digits.pop()) == 8
    assert one.text("ghp_" + "Fakf" * 9) != tags[0]


def test_an_own_pattern_is_redacted_before_the_sets_and_its_group_alone() -> None:
    own = (OwnPattern(name="order", pattern=r"order-(?P<secret>\d+)"), OwnPattern(name="fruit", pattern="(?i)äpfel+"))
    one = redactor("order", "fruit", "password", options=RedactOptions(patterns=own))
    assert one.text("order-123 ÄPFELL") == "order-[redacted:order] [redacted:fruit]"
    assert one.text("password=a order-123") == "password=[redacted:password] order-[redacted:order]"
    assert one.text(r'{"id":"order\u002d123","n":5}') == '{"id":"order-[redacted:order]","n":5}'
    assert one.text("none") == "none"
    assert one.counted() == {"order": 3, "fruit": 1, "password": 1}
    assert one.counted() == {}


def test_a_number_that_an_own_pattern_finds_becomes_a_string() -> None:
    own = (OwnPattern(name="customer", pattern=r"\b7\d{7}\b"),)
    one = redactor("customer", options=RedactOptions(patterns=own))
    assert one.text('{"id":71234567,"n":[7,71234567.5]}') is not None
    assert json.loads(str(one.text('{"id":71234567,"n":[7]}'))) == {"id": "[redacted:customer]", "n": [7]}


@pytest.mark.parametrize("text", [
    "password=x " * (MOST_BYTES // 11 + 1),
    "a@example.com " * (MOST_MATCHES + 1),
    json.dumps({"m": ["token=x"] * (MOST_MATCHES + 1)}),
    json.dumps({f"{n}password": "x" for n in range(MOST_MATCHES + 1)}),
])  # fmt: skip
def test_a_line_over_the_budget_is_withheld_and_counted(text: str) -> None:
    one = redactor()
    assert one.text(text) is None
    assert one.counted() == {"withheld": 1}


@pytest.mark.parametrize("text", [
    "[" + "1," * 100_000 + '"order1-12"]', "[" + '"a",' * 60_000 + '"order1-12"]',
    "[" + '"\\n",' * 40_000 + '"order1-12"]', "x" * 250_000,
])  # fmt: skip
def test_what_own_patterns_cost_is_part_of_the_budget(text: str) -> None:
    """They are looked for in each string and number, and one may pass by the rest of the line for each short match."""
    own = [OwnPattern(name=f"order{n}", pattern=f"order{n}-(?P<secret>[0-9]+)") for n in range(15)]
    options = RedactOptions(patterns=(*own, OwnPattern(name="far", pattern="x.*y|x")))
    one = redactor(*options.names, options=options)
    assert one.text(text) is None
    assert one.counted() == {"withheld": 1}
    assert one.text('[1,"a","\\n","order1-12"]') == '[1,"a","\\n","order1-[redacted:order1]"]'


def test_a_long_line_that_has_nothing_passes() -> None:
    text = "nothing here " * 40_000
    assert made(text) == text


def test_a_line_longer_than_an_own_pattern_is_let_loose_on_is_withheld() -> None:
    own = (OwnPattern(name="wide", pattern="(?:ab?c?d?e?f?g?h?){20}x"),)
    one = redactor("wide", options=RedactOptions(patterns=own))
    assert one.text("y" * 100_000) is None
    assert one.text("y" * 1000) == "y" * 1000


@pytest.mark.parametrize("text", [
    "a" * 250_000 + "@", "1" * 250_000, "::" * 120_000, "password" * 30_000, "://a:" * 50_000, '"' * 250_000 + "token=",
    "\\" * 250_000 + "token=x", "A" * 250_000 + " Bearer x", "eyJ" * 80_000 + ".", "[" * 100_000 + "password=[",
    '{"a":' * 5000 + '"password=x"' + "}" * 5000, "-----BEGIN " * 20_000, "+1" * 120_000, "DE89 " * 50_000,
    'password="\\"' * 1500, "token='" * 1900, "4111 " * 50_000, "pwd=/" * 1990 + "a" * 250_000, "pwd='/" * 40_000,
    "token:/" * 200 + "a" * 250_000, "password=" + "\\" * 250_000, 'password={"' + '\\"' * 120_000,
    'password={' + '\\"a"' * 60_000, "a://u:p@h " + "://a:" * 1900 + "b" * 240_000,
    "a://u:p@h " + "a://u:1/" * 1900 + "b" * 240_000,
    "a://u:p@h " + "a://u:" * 1900 + "b" * 240_000 + "\\/\\/v:w@h", "[" + "1," * 120_000 + '"AKIAABCDEFGHIJKLMNOP"]',
    "[" + '"\\n",' * 48_000 + '"AKIAABCDEFGHIJKLMNOP"]',
])  # fmt: skip
def test_no_line_takes_long(text: str) -> None:
    """Time grows with the line and no faster: 250 KB of what each rule likes best, in less than a second of CPU."""
    began = time.process_time()
    redactor().text(text)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("docker_env_DB_PASSWORD", "a b c", TAG),
        ("docker_env_APP", "password=x", f"password={TAG}"),
        ("docker_env_APP", "plain", "plain"),
        ("docker_env_APP", "", ""),
        ("docker_env_DB_PASSWORD", "", ""),
        ("docker_env_APP", "x" * 509 + "…", "withheld"),
        ("docker_env_APP", bounded("\U0001d11e" * 200), "withheld"),
        ("docker_env_DB_PASSWORD", TAG, TAG),
        ("docker_env_APP", "short…", "short…"),
        ("docker_env_APP", "a@example.com " * (MOST_MATCHES + 1), "withheld"),
    ],
)
def test_a_field_loses_its_secrets_by_its_name_or_its_value(name: str, value: str, found: str) -> None:
    assert redactor().member(name, value) == found
