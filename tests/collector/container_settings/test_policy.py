"""What labels, variables and rules ask for: each statement is judged by itself, and has an origin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.container_settings.keys import MOST_FIELDS
from collector.container_settings.options import LabelOptions, Rule
from collector.container_settings.policy import MOST_ENTRIES, Policy, Select
from collector.container_settings.statement import Asking, Entry, Settings
from collector.text.bounds import MOST_BYTES

Labels = dict[str, str]


def settled(
    labels: Labels | None = None,
    environment: Labels | None = None,
    *,
    select: Select = "all",
    policy: Policy | None = None,
    name: str = "web-1",
    image: str = "shop:3",
    known: Labels | None = None,
) -> Settings:
    """The settings of a container whose daemon says this, as the agent keeps it."""
    policy = policy or Policy()
    lines = [f"{variable}={value}" for variable, value in (environment or {}).items()]
    asking = Asking("0" * 64, name, image, *policy.asked(labels or {}, lines), "default")
    return policy.settings(asking, select=select, target_of=(known or {}).get)


def streams(found: Settings) -> list[tuple[str, str]]:
    return [(entry.name, entry.target) for entry in found.entries]


def reasons(found: Settings) -> list[str]:
    return found.told()


def only(found: Settings) -> Entry:
    assert found.faults == ()
    (entry,) = found.entries
    return entry


# ---------------------------------------------------------------------- log-pilot's form, and ours


@pytest.mark.parametrize(
    ("labels", "environment", "found"),
    [
        ({}, {}, [("", "default")]),
        ({"aliyun.logs.web": "stdout"}, {}, [("web", "web")]),
        ({"aliyun.logs.web": " stdout "}, {}, [("web", "web")]),
        ({"aliyun.logs.web": "stdout", "aliyun.logs.web.target": "shop"}, {}, [("web", "shop")]),
        ({"aliyun.logs.b": "stdout", "aliyun.logs.a": "stdout"}, {}, [("a", "a"), ("b", "b")]),
        ({"aliyun.logs.b": "stdout", "aliyun.logs.a": "stdout", "aliyun.logs.b.target": "a"}, {}, [("a", "a")]),
        ({"aliyun.logs.my_app": "stdout"}, {}, [("my_app", "my_app")]),
        ({"aliyun.logs.my-app": "stdout"}, {}, [("my-app", "my-app")]),
        ({"aliyun.logs.my.app": "stdout", "aliyun.logs.my.app.target": "shop"}, {}, [("my.app", "shop")]),
        ({}, {"aliyun_logs_my_web": "stdout", "aliyun_logs_my_web_target": "shop"}, [("my_web", "shop")]),
        ({}, {"aliyun_logs_target": "stdout"}, [("target", "target")]),
        (
            {"aliyun.logs.web": "var/log/x", "aliyun.logs.web.target": "label"},
            {"aliyun_logs_web_target": "environment", "aliyun_logs_web": "stdout"},
            [("web", "environment")],
        ),
        ({"pilotfish.target": "shop"}, {}, [("", "shop")]),
        ({"pilotfish.web": "stdout"}, {}, [("web", "web")]),
        ({"pilotfish.web": "stdout", "pilotfish.web.target": "shop"}, {}, [("web", "shop")]),
        ({}, {"pilotfish_target": "shop"}, [("", "shop")]),
        ({}, {"pilotfish_my_web": "stdout", "pilotfish_my_web_target": "shop"}, [("my_web", "shop")]),
        ({"pilotfish.web": "stdout", "aliyun.logs.web.target": "shop"}, {}, [("web", "shop")]),
    ],
)
def test_a_container_names_its_streams_and_their_targets(
    labels: Labels, environment: Labels, found: list[tuple[str, str]]
) -> None:
    said = settled(labels, environment)
    assert streams(said) == found
    assert [
        fault
        for fault in said.faults
        if fault.reason != "its place is not followed: use `stdout`, or a full path in a volume"
    ] == []


def test_only_containers_that_ask_for_something_are_labelled() -> None:
    assert settled({}, select="labelled") == Settings()
    assert settled({"pilotfish.exclude": "false"}, select="labelled").entries == ()
    assert streams(settled({"aliyun.logs.web": "stdout"}, select="labelled")) == [("web", "web")]
    assert streams(settled({"pilotfish.target": "shop"}, select="labelled")) == [("", "shop")]
    rule = Policy(rules=[Rule(name="web-*", target="shop")])
    assert streams(settled({}, select="labelled", policy=rule)) == [("", "shop")]
    assert streams(settled({}, select="labelled", policy=rule, name="db")) == []


@pytest.mark.parametrize(
    ("labels", "environment", "is_excluded"),
    [
        ({}, {}, False),
        ({"pilotfish.exclude": "true"}, {}, True),
        ({"pilotfish.exclude": "TRUE"}, {}, True),
        ({"pilotfish.exclude": "false"}, {}, False),
        ({"pilotfish.exclude": "true"}, {"pilotfish_exclude": "false"}, False),
        ({}, {"LOGSPOUT": "ignore"}, True),
        ({}, {"LOGSPOUT": "anything"}, False),
    ],
)
def test_a_container_may_ask_not_to_be_followed(labels: Labels, environment: Labels, is_excluded: bool) -> None:
    found = settled(labels, environment)
    assert (found.excluded_by is not None, found.entries == ()) == (is_excluded, is_excluded)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"pilotfish.web.exclude": "true"}, [("db", "db")]),
        ({"pilotfish.web.exclude": "true", "pilotfish.db.exclude": "true"}, []),
        ({"pilotfish.exclude": "true", "pilotfish.web.exclude": "false"}, []),
    ],
)
def test_a_stream_may_be_excluded_by_itself(labels: Labels, found: list[tuple[str, str]]) -> None:
    said = settled({"pilotfish.web": "stdout", "pilotfish.db": "stdout"} | labels)
    assert (streams(said), said.faults) == (found, ())


@pytest.mark.parametrize("prefixes", [("aliyun", "custom"), ("custom",), ("loong", "custom")])
def test_other_prefixes_are_read_beside_each_other(prefixes: tuple[str, ...]) -> None:
    policy = Policy(LabelOptions(prefixes=prefixes))
    labels = {"custom.logs.x": "stdout", "aliyun.logs.y": "stdout"}
    expected = [("x", "x"), ("y", "y")] if "aliyun" in prefixes else [("x", "x")]
    assert streams(settled(labels, {"loong_logs_z": "stdout"} if "loong" in prefixes else {}, policy=policy)) == [
        *expected,
        *([("z", "z")] if "loong" in prefixes else []),
    ]


# ---------------------------------------------------------------------- who wins


def test_the_environment_wins_over_a_label_and_that_over_a_rule() -> None:
    policy = Policy(rules=[Rule(target="rule", tags={"team": "rule", "tier": "rule"}, format={"name": "json"})])
    label, variable = {"pilotfish.target": "label", "pilotfish.tags": "team=label"}, {"pilotfish_target": "variable"}
    assert only(settled(policy=policy)).target == "rule"
    assert only(settled(label, policy=policy)).target == "label"
    found = only(settled(label, variable, policy=policy))
    assert (found.target, found.tags, found.reading.format) == ("variable", {"team": "label", "tier": "rule"}, "json")
    assert {key: str(origin) for key, origin in found.origins.items()} == {
        "source": "default",
        "target": "environment variable pilotfish_target",
        "tags.team": "label pilotfish.tags",
        "tags.tier": "rule containers.0",
        "format": "rule containers.0",
    }


def test_what_is_said_of_one_stream_wins_over_what_is_said_of_all() -> None:
    labels = {"pilotfish.web": "stdout", "pilotfish.db": "stdout", "pilotfish.format": "json"}
    db, web = settled(labels | {"pilotfish.web.format": "none"}).entries
    assert (db.reading.format, web.reading.format) == ("json", "none")


def test_the_first_rule_that_matches_wins_and_others_add_what_it_leaves_open() -> None:
    rules = [
        Rule(name="db-*", target="never"),
        Rule(image="shop:*", labels={"tier": "front*"}, tags={"tier": "front"}),
        Rule(tags={"tier": "any"}, target="any"),
    ]
    found = only(settled({"tier": "frontend"}, policy=Policy(rules=rules)))
    assert (found.tags, found.target) == ({"tier": "front"}, "any")
    assert only(settled({"tier": "back"}, policy=Policy(rules=rules))).tags == {"tier": "any"}


def test_a_rule_may_exclude_and_a_label_may_have_it_back() -> None:
    policy = Policy(rules=[Rule(labels={"a": "true"}, exclude=True)])
    assert str(settled({"a": "true"}, policy=policy).excluded_by) == "rule containers.0"
    assert streams(settled({"a": "true", "pilotfish.exclude": "no"}, policy=policy)) == [("", "default")]
    assert streams(settled({}, policy=policy)) == [("", "default")]


# ---------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"aliyun.logs.": "stdout"}, "label aliyun.logs.: it names no stream"),
        ({"aliyun.logs. ": "stdout"}, "label aliyun.logs. : it names no stream"),
        ({"aliyun.logs..tags": "a=b"}, "label aliyun.logs..tags: it names no stream"),
        ({"pilotfish.": "stdout"}, "label pilotfish.: it names no stream"),
        (
            {"aliyun.logs.x": "var/x"},
            "label aliyun.logs.x: its place is not followed: use `stdout`, or a full path in a volume",
        ),
        (
            {"pilotfish.formats": "nginx"},
            "label pilotfish.formats: its place is not followed: use `stdout`, or a full path in a volume; "
            "did you mean pilotfish.format?",
        ),
        ({"pilotfish.exclude": "maybe"}, "label pilotfish.exclude: use true or false"),
        (
            {"aliyun.logs.x.target": "shop"},
            "label aliyun.logs.x.target: there is no stream x: name it by aliyun.logs.x=stdout",
        ),
        ({"pilotfish.web.target": " "}, "label pilotfish.web.target: it has no value"),
        (
            {"pilotfish.target": "x"},
            "label pilotfish.target: it has no effect: each stream of the container has a name",
        ),
        ({"aliyun.logs.web.tags.x": "x"}, "label aliyun.logs.web.tags.x: there is no setting tags.x"),
        ({"pilotfish.tags": "a=b,c"}, "label pilotfish.tags: tag 2: it has no value: use name=value"),
        ({"pilotfish.tags": "=b,a=b"}, "label pilotfish.tags: tag 1: it has no name: use name=value"),
        (
            {"pilotfish.tags": "a=b,host=x"},
            "label pilotfish.tags: tag 2: its name is that of a field of Pilotfish's own: use another name",
        ),
        (
            {"pilotfish.tags": "a=b,docker.x=x"},
            "label pilotfish.tags: tag 2: its name is that of a field of Pilotfish's own: use another name",
        ),
        (
            {"pilotfish.tags": "@timestamp=x,a=b"},
            "label pilotfish.tags: tag 1: no field can have its name: use up to 64 letters, digits, _ and -",
        ),
        (
            {"pilotfish.fields.env": "*"},
            "label pilotfish.fields.env: pattern 1 would deliver nearly every variable, passwords too: name "
            "those that you want",
        ),
        (
            {"pilotfish.fields.container": "id,name"},
            "label pilotfish.fields.container: name 2 is unknown; use id or image",
        ),
        ({"pilotfish.format.pattern": "x"}, "label pilotfish.format.pattern: it has no effect without a format"),
    ],
)
def test_a_bad_statement_is_told_and_disables_no_other(labels: Labels, told: str) -> None:
    found = settled({"pilotfish.web": "stdout", "pilotfish.web.tags": "good=1"} | labels)
    assert [(entry.name, entry.tags["good"]) for entry in found.entries] == [("web", "1")]
    assert reasons(found) == [told]


@pytest.mark.parametrize("name", [
    "aliyun.logs.x", "pilotfish.tags", "pilotfish.fields.container", "pilotfish.exclude", "pilotfish.multiline",
    "pilotfish.multiline.gap", "pilotfish.multiline.max_lines", "pilotfish.multiline.start", "com.datadoghq.ad.logs",
    "pilotfish.format.keys", "pilotfish.format.types", "pilotfish.format.delimiter",
    "co.elastic.logs/multiline.pattern", "co.elastic.logs/multiline.match", "dev.dozzle.x",
])  # fmt: skip
@pytest.mark.parametrize("value", ["{}", "@{}", "a=b,{}", "{}=", "{},{}", "@{}=x", "docker_{}=x",
                                   "({}", r"(?<{}>x)|(?<{}>y)", "[a[{}]",
                                   '[{"log_processing_rules":[{"type":"{}"}]}]'])  # fmt: skip
def test_no_fault_quotes_a_value_which_may_be_a_secret(name: str, value: str) -> None:
    secret = "ghp_" + "Fake" * 9
    options = LabelOptions(dialects=("elastic", "dozzle", "datadog"))
    labels = {"pilotfish.format": "csv", "pilotfish.format.keys": "a,b", name: value.replace("{}", secret)}
    for text in ("csv", "regexp"):
        found = settled(labels | {"pilotfish.format": text, "pilotfish.format.pattern": labels[name]},
                        policy=Policy(options))  # fmt: skip
        assert "Fake" not in str(found.told())


@pytest.mark.parametrize(
    ("value", "said"),
    [("nginks", "there is no format nginks; the formats are "), ("regexp", "")],
)
def test_a_format_that_cannot_be_made_is_told_and_the_next_best_counts(value: str, said: str) -> None:
    rules = Policy(rules=[Rule(format={"name": "none"})])
    found = settled({"pilotfish.format": value, "pilotfish.format.pattern": "(?=x)"}, policy=rules)
    assert found.faults[0].reason.startswith(said)
    assert [entry.reading.format for entry in found.entries] == ["none"]


@pytest.mark.parametrize("option", ["time_type", "pattern"])
def test_an_option_that_its_format_has_not_is_told_and_leaves_format_and_other_options_alone(option: str) -> None:
    labels = {
        "aliyun.logs.web": "stdout",
        "aliyun.logs.web.format": "csv",
        "aliyun.logs.web.format.keys": "a,b",
    }
    found = settled(labels | {f"aliyun.logs.web.format.{option}": "x"})
    assert [(entry.reading.format, entry.reading.options) for entry in found.entries] == [("csv", {"keys": "a,b"})]
    (fault,) = found.faults
    assert str(fault).startswith(f"label aliyun.logs.web.format.{option}: the format csv has no option {option}; ")


@given(
    st.dictionaries(
        st.from_regex(r"(pilotfish|aliyun\.logs)[.a-z]{0,30}", fullmatch=True) | st.text(max_size=30),
        st.text(max_size=60) | st.sampled_from(["stdout", "true", "a=b", "json"]),
        max_size=12,
    ),
    st.sampled_from(["all", "labelled"]),
)
def test_hostile_labels_never_raise_and_never_take_a_good_stream_away(labels: Labels, select: Select) -> None:
    labels = {name: value for name, value in labels.items() if not name.startswith("pilotfish.exclude")}
    found = settled(labels | {"aliyun.logs.good": "stdout", "aliyun.logs.good.target": "good"}, select=select)
    assert (
        "good" in [entry.name for entry in found.entries]
        or len(found.entries) == MOST_ENTRIES
        or any(entry.target == "good" for entry in found.entries)
    )
    assert all(fault.reason for fault in found.faults)


def test_a_huge_label_and_ten_thousand_of_them_are_bounded() -> None:
    labels = {f"aliyun.logs.t{number:05}": "stdout" for number in range(10_000)}
    labels |= {"pilotfish.tags": "a=" + "x" * 1_000_000, "pilotfish.fields.labels": "other.*"}
    labels |= {f"other.{number}": "y" * 100_000 for number in range(100)}
    found = settled(labels)
    assert len(found.entries) == MOST_ENTRIES
    assert (len(found.entries[0].fields), found.entries[0].tags) == (MOST_FIELDS, {})
    assert max(map(len, found.entries[0].fields.values())) <= MOST_BYTES
    assert {fault.reason for fault in found.faults} == {
        "9984 of its streams are not followed, from t00016 on: a container has 16",
        "it has more than 4096 bytes",
        "68 fields are left out, other.38 first: a document has 32 such fields, each of another name",
    }
    kept, _ = Policy().asked(labels, [])
    assert sum(map(len, kept.values())) < 300_000
    assert sum(map(len, Policy(chosen_by=None).kept(labels).values())) < 300_000


def test_those_labels_are_kept_by_which_somebody_chooses_containers() -> None:
    labels = {"tier": "web", "app": "shop", "secret": "x"}
    assert Policy().kept(labels) == {}
    assert Policy(chosen_by={"tier", "zone"}).kept(labels) == {"tier": "web"}
    assert Policy(chosen_by=None).kept(labels) == labels


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "more",
    [
        {"pilotfish.target": "shop"},
        {f"com.aliyun.access.{number}": "x" for number in range(10_000)},
        {f"aliyun.logs.n{number:05}.target": "shop" for number in range(10_000)},
        {f"aliyun.logs.n{number:05}.format.pattern": "x" for number in range(10_000)},
    ],
)
def test_ten_thousand_labels_are_judged_in_a_moment(more: Labels) -> None:
    """Nobody else is served meanwhile: less than a second, and minutes where each is compared with each other."""
    labels = {f"aliyun.logs.n{number:05}": "stdout" for number in range(10_000)} | more
    assert settled(labels).entries


@pytest.mark.parametrize("letter", ["b", "é"])
def test_a_name_that_is_too_long_is_none(letter: str) -> None:
    """It would be kept with each position, and all of them are in memory."""
    longest, longer = (letter * (size // len(letter.encode())) for size in (MOST_BYTES, MOST_BYTES + 2))
    found = settled({f"aliyun.logs.{longer}": "stdout"})
    assert (streams(found), [fault.reason for fault in found.faults]) == (
        [("", "default")],
        [f"a name has {MOST_BYTES} bytes at most"],
    )
    assert streams(settled({f"aliyun.logs.{longest}": "stdout"})) == [(longest, longest)]


# ---------------------------------------------------------------------- what the operator allows


def test_containers_may_set_only_what_the_operator_allows() -> None:
    policy = Policy(LabelOptions(allow=("target", "fields.*")))
    labels = {"aliyun.logs.web": "stdout", "aliyun.logs.web.target": "shop", "aliyun.logs.web.format": "json"}
    found = settled(labels, policy=policy)
    assert (streams(found), found.entries[0].reading.format) == ([("web", "shop")], "")
    assert reasons(found) == [
        "label aliyun.logs.web.format: containers may not set format here: the operator's labels.allow does not name it"
    ]


def test_who_may_set_a_format_may_set_its_options_and_excluding_is_a_setting_as_others_are() -> None:
    labels = {"pilotfish.format": "csv", "pilotfish.format.keys": "a", "pilotfish.exclude": "true"}
    found = settled(labels, policy=Policy(LabelOptions(allow=("format",))))
    assert [(entry.reading.format, entry.reading.options) for entry in found.entries] == [("csv", {"keys": "a"})]
    assert [fault.key for fault in found.faults] == ["exclude"]


@pytest.mark.parametrize(
    ("target", "globs", "is_refused"),
    [
        ("shop", ("*",), False),
        ("shop", ("team-*",), True),
        ("team-shop", ("team-*",), False),
        (".kibana", ("*",), True),
        (".security-7", ("*",), True),
        ("logs-app", ("*",), True),
        ("LOGS-app", ("*",), True),
        ("metrics-app", ("*",), True),
        ("logs-app", ("logs-app",), False),
        ("logs", ("*",), False),
        ("logstash", ("*",), False),
        ("..", ("*",), True),
    ],
)
def test_a_target_that_is_reserved_or_not_allowed_is_refused(
    target: str, globs: tuple[str, ...], is_refused: bool
) -> None:
    found = settled({"pilotfish.target": target}, policy=Policy(LabelOptions(targets=globs)))
    assert streams(found) == [("", "default" if is_refused else target)]
    assert bool(found.faults) == is_refused


@pytest.mark.parametrize(
    ("name", "options", "is_refused"),
    [
        ("logs-nginx", LabelOptions(), True),
        (".kibana", LabelOptions(), True),
        ("_logs-nginx", LabelOptions(), True),
        ("+metrics-x", LabelOptions(), True),
        ("web", LabelOptions(), False),
        ("payments", LabelOptions(targets=("team-*",)), True),
        ("team-a", LabelOptions(targets=("team-*",)), False),
        ("payments", LabelOptions(allow=("tags",)), True),
    ],
)
def test_the_name_of_a_stream_is_a_target_that_has_to_be_allowed_too(
    name: str, options: LabelOptions, is_refused: bool
) -> None:
    for labels in ({f"aliyun.logs.{name}": "stdout"}, {f"pilotfish.{name}": "stdout"}):
        found = settled(labels, policy=Policy(options))
        assert streams(found) == [(name, "default" if is_refused else name)]
        assert bool(found.faults) == is_refused


# ---------------------------------------------------------------------- what was there before


def test_streams_keep_the_targets_that_they_had_and_that_is_told() -> None:
    labels = {"aliyun.logs.a": "stdout", "aliyun.logs.b": "stdout"}
    tagged = labels | {"aliyun.logs.a.tags": "index=q", "aliyun.logs.b.tags": "index=q"}
    found = settled(tagged, known={"a": "a", "b": "b"})
    assert streams(found) == [("a", "a"), ("b", "b")]
    assert [fault.reason for fault in found.faults] == [
        "the stream keeps the target a, which it had before",
        "the stream keeps the target b, which it had before",
    ]
    assert streams(settled(tagged)) == [("a", "q")]
    rule = Policy(rules=[Rule(target="shop")])
    assert (streams(settled(labels, policy=rule)), settled(labels, policy=rule).faults) == (
        [("a", "a"), ("b", "b")],
        (),
    )


@pytest.mark.parametrize(
    ("labels", "environment"),
    [
        ({"aliyun.logs.f": "var/log/x.log"}, {}),
        ({"pilotfish.f": "/var/../x.log"}, {}),
        ({"aliyun.logs.e": "stdout"}, {"aliyun_logs_e": "var/log/x.log"}),
    ],
)
def test_a_place_that_cannot_be_read_is_a_wish_and_gives_no_other_stream(labels: Labels, environment: Labels) -> None:
    for select in ("all", "labelled"):
        found = settled(labels, environment, select=select)
        assert (found.entries, [fault.key for fault in found.faults]) == ((), ["source"])


@pytest.mark.parametrize(
    ("labels", "environment"),
    [
        ({"aliyun.logs.x.target": "shop"}, {}),
        ({"aliyun.logs." + "x" * 600: "stdout"}, {}),
        ({"com.aliyun.access.team": "a"}, {}),
        ({}, {"aliyun_logs_my_tags_x": "stdout"}),
        ({}, {"aliyun_logs_my_target_x": "stdout"}),
        ({}, {"LOGSPOUT_MULTILINE": "true"}),
    ],
)
def test_what_names_nothing_is_not_labelled_and_else_leaves_the_default_stream(
    labels: Labels, environment: Labels
) -> None:
    assert settled(labels, environment, select="labelled").entries == ()
    assert streams(settled(labels, environment)) == [("", "default")]


def test_a_rule_for_all_containers_names_none() -> None:
    rule = Policy(rules=[Rule(tags={"dc": "x"})])
    assert settled({}, select="labelled", policy=rule).entries == ()
    assert streams(settled({}, policy=rule)) == [("", "default")]


def test_a_name_is_kept_as_it_is_written() -> None:
    assert streams(settled({"aliyun.logs. sp": "stdout"})) == [(" sp", " sp")]


# ---------------------------------------------------------------------- fields


def test_labels_and_variables_that_are_named_are_kept_and_no_others() -> None:
    labels = {"pilotfish.fields.labels": "com.shop.*,tier", "pilotfish.fields.env": "APP_*"}
    labels |= {"com.shop.team": "a", "tier": "front", "secret": "s"}
    more = ["APP_DSN=postgres://u:p@h", "APP_PWD=x", "APP_URL=http://u:p@h"]
    kept, variables = Policy().asked(labels, ["APP_ENV=live", "PASSWORD=p", "APP_PASSWORD=q", *more])
    assert sorted(kept) == ["com.shop.team", "pilotfish.fields.env", "pilotfish.fields.labels", "tier"]
    assert variables == {"APP_ENV": "live"}
    assert only(settled(labels)).labels == ("com.shop.*", "tier")


def test_log_pilots_tags_and_access_labels_are_fields_and_an_index_among_them_is_the_target() -> None:
    labels = {
        "aliyun.logs.web": "stdout",
        "aliyun.logs.web.tags": "stage=test,index=shop",
        "com.aliyun.access.a.b": "1",
    }
    found = only(settled(labels))
    assert (found.target, found.tags) == ("shop", {"stage": "test", "index": "shop", "a_b": "1"})
    assert only(settled(labels | {"aliyun.logs.web.target": "other"})).target == "shop"


@pytest.mark.parametrize("value", ["${HOSTNAME}", "#{`id`}", "{{ .Name }}", "on", "1.0", "null", "<b>", 'a"b\\'])
def test_a_value_is_the_text_that_was_written(value: str) -> None:
    assert only(settled({"pilotfish.tags": f"x={value}"})).tags == {"x": value}


# ---------------------------------------------------------------------- redaction is the operator's


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ([], ("secrets", "mine")),
        ([Rule(redact=())], ()),
        ([Rule(name="db", redact=())], ("secrets", "mine")),
        ([Rule(redact=("pii",)), Rule(redact=("card",))], ("pii",)),
    ],
)
def test_a_rule_names_what_is_redacted_in_place_of_what_holds_for_all(
    rules: list[Rule], found: tuple[str, ...]
) -> None:
    assert only(settled(policy=Policy(rules=rules, redact=("secrets", "mine")))).reading.redact == found


@pytest.mark.parametrize("allow", [("*",), ("redact", "target")])
def test_no_container_says_what_is_redacted(allow: tuple[str, ...]) -> None:
    labels = {"pilotfish.redact": "", "pilotfish.web": "stdout", "pilotfish.web.redact": "x"}
    policy = Policy(LabelOptions(allow=allow), [], redact=("secrets",))
    found = settled(labels, {"pilotfish_redact": "pii"}, policy=policy)
    assert [entry.reading.redact for entry in found.entries] == [("secrets",)]
    assert len(reasons(found)) == 3
    assert all("containers may not set redact" in one for one in reasons(found))


def test_redaction_alone_follows_nothing() -> None:
    for rule in (Rule(redact=("pii",)), Rule(name="web-*", redact=("pii",))):
        policy = Policy(rules=[rule], redact=("secrets",))
        assert settled(policy=policy, select="labelled").entries == ()


def test_the_operator_may_forbid_files_alone() -> None:
    labels = {"pilotfish.web": "stdout", "pilotfish.audit": "/var/log/app/*.log"}
    found = settled(labels, policy=Policy(LabelOptions(allow=("target", "format"))))
    assert [entry.name for entry in found.entries] == ["web"]
    assert found.told() == [
        "label pilotfish.audit: containers may not set files here: the operator's labels.allow does not name it"
    ]
    assert len(settled(labels, policy=Policy(LabelOptions(allow=("target", "files")))).entries) == 2


def test_a_container_names_the_outputs_of_its_lines() -> None:
    policy = Policy(outputs=("archive", "elastic"))
    assert only(settled({"pilotfish.outputs": "elastic, archive"}, policy=policy)).outputs == ("elastic", "archive")
    assert only(settled({"aliyun.logs.web": "stdout", "pilotfish.web.outputs": "archive"}, policy=policy)).outputs == (
        "archive",
    )
    ruled = Policy(rules=[Rule(outputs=("archive",))], outputs=("archive", "elastic"))
    assert only(settled({}, policy=ruled)).outputs == ("archive",)


def test_a_container_that_names_an_unknown_output_goes_to_all_and_is_told() -> None:
    found = settled({"pilotfish.outputs": "elastic,attic"}, policy=Policy(outputs=("archive", "elastic")))
    assert [one.outputs for one in found.entries] == [()]
    assert found.told() == [
        "label pilotfish.outputs: there is no output attic: use archive, elastic; its lines go to every output"
    ]


def test_an_operator_may_keep_containers_from_naming_outputs() -> None:
    policy = Policy(LabelOptions(allow=("target",)), outputs=("archive",))
    found = settled({"pilotfish.outputs": "archive"}, policy=policy)
    assert [one.outputs for one in found.entries] == [()]
    assert "containers may not set outputs" in found.told()[0]
