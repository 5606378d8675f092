"""`setup` on real servers: what it installs, what it leaves alone, and what it would put out of force."""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from collector.documents.forms import KEPT
from collector.errors import UsageError
from collector.net.http_node import MOST_BYTES
from collector.ports import OutputContext, Preparable, Setup, SetupStep
from shippers.elasticsearch import Settings
from shippers.elasticsearch.bulk import DEFAULT_INDEX
from shippers.elasticsearch.marks import Mark, marked, split
from shippers.elasticsearch.profiles import USUAL
from shippers.elasticsearch.setup.objects import SERVERS
from shippers.elasticsearch.setup.others import covers, meet
from shippers.elasticsearch.templates import (
    VERSION,
    component,
    legacy,
    legacy_mark,
    patterns_of,
    priority_of,
    template_name,
)
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import emptied, settings_for
from tests.shippers.test_elasticsearch_cluster import INDEX, as_known, mapping_of, plain_templates, put, shipped

DEFAULT = Setup()
SHOP = Setup(targets=("shop*",))


@pytest.fixture
def server(search_server: SearchServer) -> Iterator[SearchServer]:
    """Each of the four, emptied."""
    yield from emptied(search_server)


async def set_up(
    server: SearchServer, site: OutputContext, setup: Setup = DEFAULT, **options: object
) -> dict[str, SetupStep]:
    """What is told of each object, by its name."""
    settings = settings_for(server, **options)
    assert isinstance(settings, Preparable)
    async with aclosing(settings.set_up(site, setup, print)) as steps:  # type: ignore[type-var]
        return {step.subject: step async for step in steps}


def outcomes(steps: dict[str, SetupStep]) -> dict[str, str]:
    return {subject: step.outcome for subject, step in steps.items()}


def objects_of(server: SearchServer) -> list[str]:
    template = ["index template pilotfish"]
    composes = ["component template pilotfish@mappings", "component template pilotfish@custom", *template]
    return template if server.generation == 6 else composes


def everything(server: SearchServer) -> dict[str, Any]:
    """All templates that are there, as the server tells them."""
    paths = ["/_template"] + ([] if server.generation == 6 else ["/_index_template", "/_component_template"])
    return {path: server.get(path).json() for path in paths}


def typed(server: SearchServer, mappings: object) -> object:
    return {"_doc": mappings} if server.generation == 6 else mappings


def all_are(outcome: str, names: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(names, outcome)


# ------------------------------------------------------------------ once and again


async def test_all_is_created_and_a_second_run_sends_nothing(server: SearchServer, site: OutputContext) -> None:
    assert outcomes(await set_up(server, site)) == all_are("created", objects_of(server))
    there = everything(server)
    again = await set_up(server, site)
    assert outcomes(again) == all_are("unchanged", objects_of(server))
    assert [step.request for step in again.values() if step.request] == []
    assert everything(server) == there


async def test_the_export_is_what_is_sent(server: SearchServer, site: OutputContext) -> None:
    kind = "opensearch" if server.generation == "opensearch" else f"elasticsearch-{server.generation}"
    files = settings_for(server).setup_files(DEFAULT, kind)
    sent = [step for step in (await set_up(server, site)).values() if step.request]
    assert [file.request.partition("?")[0] for file in files] == [step.request.partition("?")[0] for step in sent]
    assert [json.loads(file.body) for file in files] == [json.loads(step.body) for step in sent]


@pytest.mark.parametrize("kind", ["elasticsearch-8", "elasticsearch-7", "opensearch"])
def test_the_export_sent_again_never_empties_the_operators_component(kind: str) -> None:
    requests = [file.request for file in settings_for_nobody("{target}-%Y.%m.%d").setup_files(DEFAULT, kind)]
    assert requests[0] == "PUT /_component_template/pilotfish@mappings"  # takes the place of an older one
    assert requests[1] == "PUT /_component_template/pilotfish@custom?create=true"


@pytest.mark.parametrize(("kind", "is_there"), [("elasticsearch-8", True), ("elasticsearch-7", False)])
def test_the_export_for_8_holds_what_8_knows_from_14_on_and_that_for_7_does_not(kind: str, *, is_there: bool) -> None:
    bodies = b"".join(file.body for file in settings_for_nobody("{target}-%Y.%m.%d").setup_files(DEFAULT, kind))
    assert (b"ignore_dynamic_beyond_limit" in bodies) is (b"subobjects" in bodies) is is_there


async def test_a_dry_run_tells_what_would_be_sent_and_changes_nothing(
    server: SearchServer, site: OutputContext
) -> None:
    before = everything(server)
    dry = await set_up(server, site, Setup(dry_run=True))
    assert everything(server) == before
    wet = await set_up(server, site)
    assert dry == wet


async def test_indices_get_what_setup_installed_and_run_leaves_its_own_out(
    server: SearchServer, site: OutputContext
) -> None:
    await set_up(server, site)
    before = everything(server)
    assert (await shipped(server, site)).delivered == 6
    assert everything(server) == before
    properties: Any = mapping_of(server)["properties"]
    for name in ("@target", "host", "docker_container"):
        assert properties[name]["type"] == "keyword", name
    assert properties["@timestamp"] == {"type": "date"}
    assert properties["log"]["properties"]["message"] == {"type": "text", "norms": False}


async def test_setup_takes_over_where_run_was_first(server: SearchServer, site: OutputContext) -> None:
    await shipped(server, site)
    there = plain_templates(server)
    assert outcomes(await set_up(server, site)) == all_are("created", objects_of(server))
    assert plain_templates(server) == there


async def test_for_some_targets_only_run_installs_its_own_for_the_others(
    server: SearchServer, site: OutputContext
) -> None:
    await set_up(server, site, SHOP)
    await shipped(server, site)
    there = plain_templates(server)
    assert there["legacy"]["order"] == -1
    patterns = [each for one in there.values() for each in one["index_patterns"]]  # type: ignore[attr-defined]
    assert sorted(patterns) == sorted(patterns_of(DEFAULT_INDEX))


async def test_for_some_targets_only_setup_leaves_the_others_what_run_installed(
    server: SearchServer, site: OutputContext
) -> None:
    await shipped(server, site)
    there = plain_templates(server)
    for setup in (SHOP, Setup(targets=("till",)), Setup(targets=("shop*",), overwrite=True)):
        await set_up(server, site, setup)
        assert plain_templates(server) == there
    server.request("DELETE", "/*-2026.11.23")
    await shipped(server, site)
    properties: Any = server.get("/till-2026.11.23/_mapping").json()["till-2026.11.23"]["mappings"]
    properties = properties.get("_doc", properties)["properties"]
    assert properties["delivery_error"]["type"] == properties["host"]["type"] == "keyword"


# ------------------------------------------------------------------ whose it is


def put_template(server: SearchServer, body: object) -> str:
    """Put it in the place of the object that holds our mapping; gives its name in what is told."""
    if server.generation == 6:
        put(server, "/_template/pilotfish", body)
        return "index template pilotfish"
    put(server, "/_component_template/pilotfish@mappings", body)
    return "component template pilotfish@mappings"


def template_there(server: SearchServer) -> dict[str, Any]:
    if server.generation == 6:
        legacy_one: dict[str, Any] = server.get("/_template/pilotfish").json()["pilotfish"]
        return legacy_one
    listed = server.get("/_component_template/pilotfish@mappings").json()["component_templates"]
    component_one: dict[str, Any] = listed[0]["component_template"]
    return component_one


def ours(server: SearchServer) -> tuple[dict[str, Any], Mark]:
    """The object that holds our mapping as this version has it, without a mark, and where it bears one."""
    known = as_known(server)
    if server.generation == 6:
        mark = legacy_mark(known)
        return split(legacy(patterns_of("{target}-%Y.%m.%d"), known, KEPT, profile=USUAL), mark)[1], mark
    mark = Mark(("_meta",))
    return split(component(known, KEPT, USUAL), mark)[1], mark


async def test_an_older_one_of_ours_is_updated(server: SearchServer, site: OutputContext) -> None:
    body, mark = ours(server)
    settings = body["settings"] if server.generation == 6 else body["template"]["settings"]
    settings["index.mapping.total_fields.limit"] = 1500
    name = put_template(server, marked(body, mark, VERSION - 1))
    step = (await set_up(server, site))[name]
    assert (step.outcome, step.text) == ("updated", f"from version {VERSION - 1}")
    assert (await set_up(server, site))[name].outcome == "unchanged"


def change_limit(body: dict[str, Any]) -> None:
    settings = body.get("template", body)["settings"]
    settings["index"]["mapping"]["total_fields"]["limit"] = "3000"


def add_field(body: dict[str, Any]) -> None:
    mappings = body.get("template", body)["mappings"]
    properties = mappings.get("_doc", mappings)["properties"]
    properties["user"] = {"type": "keyword"}  # servers add a member of this name to policies


def drop_mark(body: dict[str, Any]) -> None:
    body.pop("_meta", None)
    mappings = body.get("template", body)["mappings"]
    mappings.get("_doc", mappings).pop("_meta", None)


@pytest.mark.parametrize("change", [change_limit, add_field, drop_mark])
async def test_what_somebody_changed_is_kept_unless_overwritten(
    server: SearchServer, site: OutputContext, change: Callable[[dict[str, Any]], None]
) -> None:
    await set_up(server, site)
    changed = template_there(server)
    change(changed)
    if change is drop_mark:
        change_limit(changed)
    name = put_template(server, changed)
    there = template_there(server)
    step = (await set_up(server, site))[name]
    assert (step.outcome, step.remedy) == ("kept", "--overwrite replaces it")
    assert template_there(server) == there
    assert (await set_up(server, site, Setup(overwrite=True)))[name].outcome == "updated"
    assert template_there(server) != there
    assert outcomes(await set_up(server, site)) == all_are("unchanged", objects_of(server))


async def test_one_of_a_newer_version_is_kept(server: SearchServer, site: OutputContext) -> None:
    body, mark = ours(server)
    body["version"] = VERSION + 1
    name = put_template(server, marked(body, mark, VERSION + 1))
    step = (await set_up(server, site))[name]
    assert (step.outcome, step.text) == ("kept", f"of a newer Pilotfish (version {VERSION + 1})")


@pytest.fixture(params=["elasticsearch_8", "elasticsearch_7", "opensearch_2"])
def composing(request: pytest.FixtureRequest) -> Iterator[SearchServer]:
    """Each server with composable templates, emptied."""
    yield from emptied(request.getfixturevalue(request.param))


async def test_the_operators_component_is_laid_over_ours_and_never_touched(
    composing: SearchServer, site: OutputContext
) -> None:
    await set_up(composing, site)
    own = {
        "template": {"settings": {"number_of_replicas": "0"}, "mappings": {"properties": {"host": {"type": "text"}}}}
    }
    put(composing, "/_component_template/pilotfish@custom", own)
    told = await set_up(composing, site, Setup(overwrite=True))
    assert told["component template pilotfish@custom"].outcome == "unchanged"
    await shipped(composing, site)
    properties: Any = mapping_of(composing)["properties"]
    assert properties["host"] == {"type": "text"}
    settings = composing.get(f"/{INDEX}/_settings").json()[INDEX]["settings"]["index"]
    assert (settings["number_of_replicas"], settings["mapping"]["total_fields"]["limit"]) == ("0", "2000")


# ------------------------------------------------------------------ others


@pytest.mark.parametrize("is_legacy", [True, False])
async def test_nobodys_template_is_put_out_of_force_unasked(
    composing: SearchServer, site: OutputContext, *, is_legacy: bool
) -> None:
    kind, named = ("_template", "legacy template own") if is_legacy else ("_index_template", "template own")
    put(composing, f"/{kind}/own", {"index_patterns": ["filebeat-7.*-2*"]})
    step = (await set_up(composing, site))["index template pilotfish"]
    assert step.outcome == "failed"
    assert named in step.text
    assert composing.get("/_index_template/pilotfish").status == 404
    narrowed = (await set_up(composing, site, SHOP))["index template pilotfish"]
    assert (narrowed.outcome, narrowed.text) == ("created", "")
    taken = (await set_up(composing, site, Setup(overwrite=True)))["index template pilotfish"]
    assert taken.outcome == "updated"
    assert f"in place of {named}" in taken.text
    assert outcomes(await set_up(composing, site)) == all_are("unchanged", objects_of(composing))


async def test_templates_of_others_may_be_of_any_size(elasticsearch_8: SearchServer, site: OutputContext) -> None:
    for server in emptied(elasticsearch_8):
        for number in range(9):
            described = {"_meta": {"text": secrets.token_hex(500_000)}}
            put(server, f"/_template/own{number}", {"index_patterns": [f".own{number}-*"], "mappings": described})
        assert len(server.get("/_template").body) > MOST_BYTES
        assert outcomes(await set_up(server, site)) == all_are("created", objects_of(server))


@pytest.fixture
def merging(elasticsearch_6: SearchServer) -> Iterator[SearchServer]:
    """A server with legacy templates alone, emptied."""
    yield from emptied(elasticsearch_6)


async def test_nobodys_legacy_template_is_overridden_unasked(merging: SearchServer, site: OutputContext) -> None:
    limit = {"index.mapping.total_fields.limit": 10000}
    put(merging, "/_template/own.beats-7", {"index_patterns": ["filebeat-7.*-2*"], "order": 0, "settings": limit})
    await shipped(merging, site)  # with `run`'s own, which holds for the same patterns and gives way
    step = (await set_up(merging, site))["index template pilotfish"]
    assert (step.outcome, step.text) == ("failed", "it would override template own.beats-7 (order 0) where both match")
    assert "give the other one an order over 10" in step.remedy
    assert merging.get("/_template/pilotfish").status == 404
    narrowed = (await set_up(merging, site, SHOP))["index template pilotfish"]
    assert (narrowed.outcome, narrowed.text) == ("created", "")
    taken = (await set_up(merging, site, Setup(overwrite=True)))["index template pilotfish"]
    assert (taken.outcome, taken.text) == ("updated", "overwritten; in place of template own.beats-7 (order 0)")
    assert outcomes(await set_up(merging, site)) == all_are("unchanged", objects_of(merging))


async def test_a_legacy_template_of_a_higher_order_is_told_and_stays_in_force(
    merging: SearchServer, site: OutputContext
) -> None:
    put(merging, "/_template/own", {"index_patterns": ["shop-*"], "order": 11})
    step = (await set_up(merging, site))["index template pilotfish"]
    assert (step.outcome, step.text) == ("created", "template own (order 11) has priority where both match")


@pytest.mark.parametrize(("name", "order"), [("own-history", 2_147_483_647), (".own-history", 1000)])
async def test_a_template_of_the_servers_own_is_nobodys(
    search_server: SearchServer, site: OutputContext, name: str, order: int
) -> None:
    for server in emptied(search_server):
        put(server, f"/_template/{name}", {"index_patterns": ["ilm-history-2*"], "order": order})
        try:
            step = (await set_up(server, site, index="i{target}-%Y.%m"))[
                f"index template {template_name('i{target}-%Y.%m')}"
            ]
            assert (step.outcome, step.text) == ("created", "")
        finally:
            server.request("DELETE", f"/_template/{name}")


async def test_a_composable_template_of_the_servers_own_is_nobodys_also_without_a_mark(
    composing: SearchServer, site: OutputContext
) -> None:
    body = {"index_patterns": ["profiling-events*"], "priority": 100, "_meta": {"description": "Index template for …"}}
    put(composing, "/_index_template/profiling-events", body)
    try:
        step = (await set_up(composing, site))["index template pilotfish"]
        assert (step.outcome, "in place of" in step.text) == ("created", False)
    finally:
        composing.request("DELETE", "/_index_template/profiling-events")


async def test_a_template_of_a_higher_priority_is_told_and_stays_in_force(
    composing: SearchServer, site: OutputContext
) -> None:
    put(composing, "/_index_template/own", {"index_patterns": ["shop-*"], "priority": 500, "template": {}})
    step = (await set_up(composing, site))["index template pilotfish"]
    assert step.outcome == "created"
    assert step.text.endswith(" has priority where both match")
    assert "own (priority 500)" in step.text  # beside those of the server's own that have a higher one


async def test_an_index_of_another_program_does_not_get_our_mapping_unasked(
    composing: SearchServer, site: OutputContext
) -> None:
    put(composing, "/fluentd-2026.11.22", {"mappings": {"properties": {"log": {"type": "text"}}}})
    await shipped(composing, site)  # ours are no others'
    (step,) = (await set_up(composing, site)).values()
    assert step.outcome == "failed"
    assert "(fluentd-2026.11.22)" in step.text
    assert set(outcomes(await set_up(composing, site, SHOP)).values()) == {"created"}


async def test_targets_that_an_earlier_setup_named_alone_are_told(server: SearchServer, site: OutputContext) -> None:
    name = "index template pilotfish"
    await set_up(server, site, SHOP)
    other = (await set_up(server, site, Setup(targets=("till",))))[name]
    assert (other.outcome, other.text) == ("updated", "other options; no longer for shop*-20*.*.*")
    assert other.remedy == "name all targets in one command"
    for targets in (("till", "shop*"), ("t*", "s*"), ("*",)):
        wider = (await set_up(server, site, Setup(targets=targets)))[name]
        assert (wider.outcome, "no longer" in wider.text, wider.remedy) == ("updated", False, "")


async def test_two_outputs_of_ours_get_a_template_each(composing: SearchServer, site: OutputContext) -> None:
    await set_up(composing, site)
    for index in ("docker-{target}-%Y.%m.%d", "{target}-audit-%Y.%m.%d"):
        told = outcomes(await set_up(composing, site, index=index))
        assert sorted(told.values()) == ["created", "unchanged", "unchanged"], index


@pytest.mark.parametrize(
    ("one", "other", "do_meet"),
    [
        ("a*-20*", "a*", True),
        ("a*-20*", "b*", False),
        ("a*-20*.*.*", "filebeat-*", False),
        ("f*-20*.*.*", "filebeat-7.17.0-*", True),
        ("f*-20*.*.*", "filebeat-8.19.0", False),
        ("logs-*-default", "logs-*-*", True),
        ("logs-*-default", "logs-*-prod", False),
        ("*x", "y*", True),
        ("*", "*", True),
        ("ab", "a*b", True),
        ("", "*", True),
        ("a", "", False),
        ("x" * 2000 + "*", "*" + "x" * 2000, True),
        ("ab*ba", "a*a", True),
        ("ab*", "*b", True),
        ("a*a", "a", False),
        ("a[b]*", "a[b]-1", True),
        ("a[b]*", "ab", False),
        ("a?", "ab", False),
    ],
)
def test_patterns_meet_where_a_name_fits_both(one: str, other: str, *, do_meet: bool) -> None:
    assert meet(one, other) is meet(other, one) is do_meet


def test_a_pattern_covers_itself_with_a_bracket_in_it() -> None:
    """Names of indices may have one: `*` alone stands for other text."""
    assert covers("a[b]-*", "a[b]-20*")
    assert not covers("a[b]-*", "ab-20*")


@pytest.mark.parametrize(
    ("patterns", "priority"),
    [(patterns_of("{target}-%Y.%m.%d"), 132), (["logs-*-default"], 147), (["x" * 90 + "*"], 199)],
)
def test_the_priority_is_over_the_built_in_ones_and_under_the_agents(patterns: list[str], priority: int) -> None:
    assert 100 < priority_of(patterns) == priority < 200


# ------------------------------------------------------------------ what cannot be


@pytest.mark.parametrize(
    ("index", "setup", "words"),
    [
        ("{target}-%Y.%m.%d", Setup(retention=timedelta(days=30)), "retention would delete those too"),
        ("logs-{target}-x", Setup(retention=timedelta(days=3), data_stream=True), "retention would delete those too"),
        ("docker-{target}-%Y", Setup(retention=timedelta(hours=23)), "shorter than a day"),
        ("{target}-%Y.%m.%d", Setup(data_stream=True), "has a date"),
        ("logs-{target}-default", DEFAULT, "has no date"),
        ("docker-%Y.%m.%d", Setup(targets=("shop",)), "contains no {target}"),
        ("{target}-%Y.%m.%d", Setup(targets=("x" * 201,)), "longer than 200"),
    ],
)
@pytest.mark.parametrize("kind", SERVERS)
def test_what_cannot_be_is_told(index: str, setup: Setup, words: str, kind: str) -> None:
    settings = settings_for_nobody(index)
    with pytest.raises(UsageError, match=words):
        settings.setup_files(setup, kind)


def test_a_server_without_data_streams_is_told() -> None:
    with pytest.raises(UsageError, match="has no data streams"):
        settings_for_nobody("logs-{target}-default").setup_files(Setup(data_stream=True), "elasticsearch-6")


def settings_for_nobody(index: str) -> Any:
    return Settings.model_validate({"type": "elasticsearch", "hosts": ["http://localhost"], "index": index})
