"""What an operator does to a cluster, and what the shipper makes of it; and the template."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from collector.documents.forms import KEPT
from collector.model import Receipt
from collector.ports import OutputContext
from shippers.elasticsearch.bulk import DEFAULT_INDEX
from shippers.elasticsearch.cluster import Server
from shippers.elasticsearch.marks import Mark, marked, split
from shippers.elasticsearch.templates import (
    META,
    VERSION,
    legacy_mark,
    patterns_of,
    plain,
    plain_composable,
    plain_legacy_name,
    plain_name,
    template_name,
)
from tests.collector.desk import Desk
from tests.collector.recording_shipper import Relay
from tests.collector.waiting import until
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import deliver, settled
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import empty, settings_for

INDEX = "shop-2026.11.23"
SENT = batch(plain_segment(3), plain_segment(3, "till"))


async def shipped(server: SearchServer, site: OutputContext, **options: object) -> Receipt:
    shipper = settings_for(server, **options).open(site)
    try:
        return settled(await shipper.ship(SENT), SENT)
    finally:
        await shipper.aclose()


def put(server: SearchServer, path: str, body: object) -> None:
    answer = server.request("PUT", path, json=body)
    assert answer.status == 200, answer


def assert_only_the_shop_waits(receipt: Receipt, words: str) -> None:
    assert (receipt.delivered, receipt.retry.count, receipt.rejected) == (3, 3, ())
    assert {each.stream.target for each in receipt.retry.segments} == {"shop"}
    assert list(receipt.waits) == ["shop"]
    assert receipt.waits["shop"].startswith(f"index {INDEX}: ")
    assert words in receipt.waits["shop"]


async def test_a_closed_index_waits(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    put(search_server, f"/{INDEX}", {})
    search_server.request("POST", f"/{INDEX}/_close")
    assert_only_the_shop_waits(await shipped(search_server, site), f"open the index {INDEX} (POST /{INDEX}/_open)")


def put_without_primary(server: SearchServer, index: str) -> None:
    settings = {"index.routing.allocation.include._name": "nobody", "index.number_of_replicas": 0}
    put(server, f"/{index}?wait_for_active_shards=0&timeout=1s", {"settings": settings})


async def test_an_index_without_a_primary_waits_and_the_rest_is_told_in_time(
    search_server: SearchServer, site: OutputContext
) -> None:
    empty(search_server)
    put_without_primary(search_server, INDEX)
    receipt = await shipped(search_server, site, request_timeout_seconds=20.0)
    assert_only_the_shop_waits(receipt, "_cluster/allocation/explain")


async def test_an_index_without_a_primary_takes_no_worker_from_other_targets(
    elasticsearch_8: SearchServer, site: OutputContext, tmp_path: Path
) -> None:
    empty(elasticsearch_8)
    put_without_primary(elasticsearch_8, INDEX)
    shipper = settings_for(elasticsearch_8, request_timeout_seconds=3.0).open(site)
    desk = Desk(tmp_path, Relay(shipper), batch_bytes=1)
    async with desk.open(workers=2):
        for number in range(4):
            await desk.put(plain_segment(2, first=2 * number), plain_segment(2, "till", first=2 * number))
        await until(lambda: desk.ledger.acknowledged == 8)
        assert list(desk.ledger.waits) == ["shop"]
        put(elasticsearch_8, f"/{INDEX}/_settings", {"index.routing.allocation.include._name": None})
    assert desk.ledger.acknowledged + desk.ledger.duplicate == 16
    await shipper.aclose()


@pytest.mark.parametrize("block", ["write", "read_only", "read_only_allow_delete"])
async def test_a_blocked_index_and_a_full_disk_wait(
    search_server: SearchServer, site: OutputContext, block: str
) -> None:
    empty(search_server)
    put(search_server, f"/{INDEX}", {"settings": {f"index.blocks.{block}": True}})
    try:
        assert_only_the_shop_waits(await shipped(search_server, site), "cluster_block_exception")
    finally:
        put(search_server, f"/{INDEX}/_settings", {f"index.blocks.{block}": None})


async def test_forbidden_automatic_creation_waits(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    put(search_server, "/_cluster/settings", {"transient": {"action.auto_create_index": "-shop*,+*"}})
    try:
        assert_only_the_shop_waits(await shipped(search_server, site), "action.auto_create_index")
    finally:
        put(search_server, "/_cluster/settings", {"transient": {"action.auto_create_index": None}})


async def test_the_shard_limit_waits(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    put(search_server, "/till-2026.11.23", {})
    limit = {"cluster.max_shards_per_node": "1"}
    put(search_server, "/_cluster/settings", {"transient": limit})
    try:
        receipt = await shipped(search_server, site)
    finally:
        put(search_server, "/_cluster/settings", {"transient": dict.fromkeys(limit)})
    if search_server.generation == 6:  # only warns
        assert receipt.delivered == 6
    else:
        assert_only_the_shop_waits(receipt, "cluster.max_shards_per_node")


async def test_a_missing_pipeline_waits(elasticsearch_6: SearchServer, site: OutputContext) -> None:
    empty(elasticsearch_6)
    put(elasticsearch_6, f"/{INDEX}", {"settings": {"index.default_pipeline": "not-there"}})
    assert_only_the_shop_waits(
        await shipped(elasticsearch_6, site), "not-there] does not exist: create the ingest pipeline"
    )


async def test_a_strict_mapping_rejects(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    strict: object = {"dynamic": "strict"}
    put(search_server, f"/{INDEX}", {"mappings": {"_doc": strict} if search_server.generation == 6 else strict})
    receipt = await shipped(search_server, site)
    assert {each.type for each in receipt.rejected} == {"strict_dynamic_mapping_exception"}
    assert (receipt.delivered, len(receipt.rejected), receipt.waits) == (3, 3, {})


def mapping_of(server: SearchServer) -> dict[str, object]:
    mappings = server.get(f"/{INDEX}/_mapping").json()[INDEX]["mappings"]
    mapping: dict[str, object] = mappings["_doc"] if server.generation == 6 else mappings
    return mapping


async def test_the_template_is_there_before_the_first_index(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    await shipped(search_server, site)
    properties = mapping_of(search_server)["properties"]
    assert isinstance(properties, dict)
    assert properties["@target"] == {"type": "keyword", "ignore_above": 1024}
    assert properties["host"]["type"] == "keyword"
    assert properties["@timestamp"] == {"type": "date"}
    assert properties["log"]["properties"]["message"] == {"type": "text", "norms": False}


def as_known(server: SearchServer) -> Server:
    return Server(server.version, opensearch=server.generation == "opensearch")


def plain_templates(server: SearchServer) -> dict[str, dict[str, object]]:
    """What `run` installed, by kind."""
    found: dict[str, dict[str, object]] = {}
    name = plain_legacy_name(DEFAULT_INDEX, as_known(server))
    legacy = server.get(f"/_template/{name}")
    if legacy.status == 200:
        found["legacy"] = legacy.json()[name]
    composable = server.get("/_index_template/pilotfish-plain")
    if composable.status == 200 and server.generation != 6:
        found["composable"] = composable.json()["index_templates"][0]["index_template"]
    return found


def warnings_of(logged: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in logged if each["log_level"] == "warning"]


@pytest.fixture
def refusing(elasticsearch_8: SearchServer) -> SearchServer:
    """A server that takes no legacy template which meets a composable one, emptied."""
    empty(elasticsearch_8)
    return elasticsearch_8


async def test_what_meets_the_servers_own_templates_is_composable_and_the_rest_is_legacy(
    refusing: SearchServer, site: OutputContext
) -> None:
    with capture_logs() as logged:
        await asyncio.gather(*(shipped(refusing, site) for _ in range(3)))
    assert warnings_of(logged) == []
    there = plain_templates(refusing)
    met = {f"{first}*-20*.*.*" for first in "blmst"}  # behavioral_analytics, logs, metrics, synthetics, traces
    assert set(there["composable"]["index_patterns"]) == met  # type: ignore[call-overload]
    assert set(there["legacy"]["index_patterns"]) == set(patterns_of(DEFAULT_INDEX)) - met  # type: ignore[call-overload]
    assert (there["composable"]["priority"], there["legacy"]["order"]) == (0, -1)
    await shipped(refusing, site)
    assert plain_templates(refusing) == there


@pytest.mark.parametrize("index", [DEFAULT_INDEX, "{target}-audit-%Y.%m.%d"])
async def test_what_another_agent_or_output_has_put_there_is_no_hindrance(
    refusing: SearchServer, site: OutputContext, index: str
) -> None:
    """Half of it is there when another was cut off between the two requests, or is at it."""
    await shipped(refusing, site)
    there = plain_templates(refusing)
    refusing.request("DELETE", f"/_template/{template_name(DEFAULT_INDEX)}")
    with capture_logs() as logged:
        await shipped(refusing, site, index=index)
    assert warnings_of(logged) == []
    await shipped(refusing, site)
    assert plain_templates(refusing) == there


async def test_an_index_all_of_whose_patterns_meet_the_servers_own_gets_a_composable_template_once(
    refusing: SearchServer, site: OutputContext
) -> None:
    for _ in range(2):
        with capture_logs() as logged:
            await shipped(refusing, site, index="logs-{target}-%Y")
        assert [each["event"] for each in logged] == ["connected"]
    name = plain_name("logs-{target}-%Y")
    body = refusing.get(f"/_index_template/{name}").json()["index_templates"][0]["index_template"]
    assert (body["index_patterns"], body["priority"]) == (["logs-*-20*"], 0)


@pytest.mark.parametrize("kind", ["_template", "_index_template"])
async def test_what_a_composable_one_would_hurt_is_left_out_and_told(
    refusing: SearchServer, site: OutputContext, kind: str
) -> None:
    settings = {"index.number_of_replicas": "0"}
    whole = {"settings": settings} if kind == "_template" else {"template": {"settings": settings}}
    put(refusing, f"/{kind}/own", {"index_patterns": ["shop-*"], **whole})
    with capture_logs() as logged:
        assert (await shipped(refusing, site)).delivered == 6
    (told,) = warnings_of(logged)
    assert told["event"] == "index template not installed"
    assert told["reason"] == "not installed for s*-20*.*.*, which match templates of others (own)"
    assert told["remedy"].startswith("run `pilotfish setup elasticsearch`, which reports what to do")
    assert refusing.get(f"/{INDEX}/_settings").json()[INDEX]["settings"]["index"]["number_of_replicas"] == "0"
    patterns = [each for one in plain_templates(refusing).values() for each in one["index_patterns"]]  # type: ignore[attr-defined]
    assert set(patterns) == set(patterns_of(DEFAULT_INDEX)) - {"s*-20*.*.*"}


async def test_template_off_leaves_the_cluster_alone(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    await shipped(search_server, site, template="off")
    assert plain_templates(search_server) == {}


async def test_a_template_of_that_name_is_left_as_it_is(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    name = plain_legacy_name(DEFAULT_INDEX, as_known(search_server))
    put(search_server, f"/_template/{name}", {"index_patterns": ["other*"], "order": 7})
    await shipped(search_server, site)
    there = plain_templates(search_server)["legacy"]
    assert (there["index_patterns"], there["order"]) == (["other*"], 7)


def older(body: dict[str, Any], mark: Mark) -> dict[str, Any]:
    """The body as an older version of ours would have put it."""
    body = split(body, mark)[1]
    mappings = body.get("template", body)["mappings"]
    del mappings.get("_doc", mappings)["dynamic_templates"][0]
    return marked(body | {"version": VERSION - 1}, mark, VERSION - 1)


async def test_what_an_older_agent_installed_gets_the_present_body_for_its_patterns(
    search_server: SearchServer, site: OutputContext
) -> None:
    empty(search_server)
    known = as_known(search_server)
    await shipped(search_server, site)
    there = plain_templates(search_server)
    for kind, body in there.items():
        patterns: Any = body["index_patterns"]
        if kind == "legacy":
            put(search_server, f"/_template/{plain_legacy_name(DEFAULT_INDEX, known)}",
                older(plain(patterns, known, KEPT), legacy_mark(known)))  # fmt: skip
        else:
            put(search_server, "/_index_template/pilotfish-plain",
                older(plain_composable(patterns, known, KEPT), META))  # fmt: skip
    outdated = plain_templates(search_server)
    assert outdated.keys() == there.keys()
    assert all(outdated[kind] != there[kind] for kind in there)
    with capture_logs() as logged:
        await shipped(search_server, site)
    assert warnings_of(logged) == []
    assert plain_templates(search_server) == there


async def test_what_an_older_agent_installed_and_somebody_changed_is_left(
    search_server: SearchServer, site: OutputContext
) -> None:
    empty(search_server)
    known = as_known(search_server)
    patterns = ["shop-20*"]
    body = older(plain(patterns, known, KEPT), legacy_mark(known))
    body["settings"]["index.mapping.total_fields.limit"] = 5000
    put(search_server, f"/_template/{plain_legacy_name(DEFAULT_INDEX, known)}", body)
    there = plain_templates(search_server)
    await shipped(search_server, site)
    assert plain_templates(search_server)["legacy"] == there["legacy"]


async def test_the_operators_own_legacy_template_wins(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    own: object = {"properties": {"host": {"type": "text"}, "@target": {"type": "text", "norms": False}}}
    mappings = {"_doc": own} if search_server.generation == 6 else own
    put(search_server, "/_template/own", {"index_patterns": ["shop-*"], "mappings": mappings})
    assert (await shipped(search_server, site)).delivered == 6
    properties = mapping_of(search_server)["properties"]
    assert isinstance(properties, dict)
    assert properties["host"] == {"type": "text"}
    assert properties["@target"] == {"type": "text", "norms": False}


async def test_daily_indices_of_beats_can_still_be_made(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    await shipped(search_server, site)
    own: object = {"properties": {name: {"properties": {"name": {"type": "keyword"}}} for name in ("host", "log")}}
    mappings = {"_doc": own} if search_server.generation == 6 else own
    put(search_server, "/_template/own", {"index_patterns": ["filebeat-*"], "mappings": mappings})
    put(search_server, "/filebeat-7.17.0-2026.11.23", {})


async def test_an_index_that_a_wrong_template_forbids_waits(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    typed = search_server.generation == 6
    for order, host in enumerate(({"type": "keyword", "ignore_above": 9}, {"type": "text"})):
        own: object = {"properties": {"host": host}}
        body = {"index_patterns": ["shop-*"], "order": order, "mappings": {"_doc": own} if typed else own}
        put(search_server, f"/_template/own{order}", body)
    assert_only_the_shop_waits(await shipped(search_server, site), "ignore_above")


@pytest.mark.parametrize("server", ["elasticsearch_8", "elasticsearch_7", "opensearch_2"])
async def test_the_operators_composable_templates_win_and_can_be_made_later(
    request: pytest.FixtureRequest, site: OutputContext, server: str
) -> None:
    search_server = request.getfixturevalue(server)
    empty(search_server)
    await shipped(search_server, site)
    search_server.request("DELETE", f"/{INDEX}")
    body: dict[str, object] = {"index_patterns": ["shop-*"], "template": {"mappings": {"dynamic": False}}}
    if search_server.generation == 8:
        body["priority"] = 1  # ours is composable there, and the server takes no two of the same priority
    put(search_server, "/_index_template/own", body)
    await shipped(search_server, site)
    assert mapping_of(search_server) == {"dynamic": "false"}


async def test_hidden_indices_do_not_get_the_template(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    await shipped(search_server, site)
    put(search_server, "/.hidden-2026.11.23", {})
    answer = search_server.get("/.hidden-2026.11.23/_settings").json()[".hidden-2026.11.23"]
    search_server.request("DELETE", "/.hidden-2026.11.23")
    assert "mapping" not in answer["settings"]["index"]


async def test_numbers_that_do_not_fit_are_kept_and_not_searchable(
    search_server: SearchServer, site: OutputContext
) -> None:
    empty(search_server)
    stream = log_stream()
    logs: list[object] = [{"n": 1, "d": "2026-11-23"}, {"n": "one", "d": "today"}, {"n": 1.5, "d": 7}]
    shipper = settings_for(search_server).open(site)
    for number, log in enumerate(logs):  # one by one: the first makes the mapping
        one = segment([document(log, stream)], stream, first=number)
        assert (await deliver(shipper, batch(one))).delivered == 1
    await shipper.aclose()


@pytest.mark.parametrize(
    ("index", "patterns"),
    [
        ("{target}-%Y.%m.%d", [f"{first}*-20*.*.*" for first in "ab"]),
        ("logs-{target}-%G.%V", ["logs-*-20*.*"]),
        ("%j-{target}", ["a*-*", "b*-*"]),
    ],
)
def test_the_template_follows_the_index_option(index: str, patterns: list[str]) -> None:
    assert patterns_of(index)[: len(patterns)] == patterns


def test_every_first_character_of_a_name_has_its_pattern() -> None:
    assert {pattern[0] for pattern in patterns_of("{target}-%Y")} == set("abcdefghijklmnopqrstuvwxyz0123456789")


@pytest.mark.parametrize(("version", "known"), [("8.13.4", False), ("8.14.0", True), ("9.0.0", True)])
def test_fields_over_the_limit_are_ignored_where_the_server_can(version: str, known: bool) -> None:
    settings = plain(patterns_of("{target}-%Y"), Server(version, opensearch=False), KEPT)["settings"]
    assert ("index.mapping.total_fields.ignore_dynamic_beyond_limit" in settings) is known


@pytest.mark.parametrize(
    ("version", "opensearch", "typed"),
    [("6.8.23", False, True), ("7.0.0", False, False), ("9.1.0", False, False), ("1.3.0", True, False)],
)
def test_only_old_servers_get_mapping_types(version: str, *, opensearch: bool, typed: bool) -> None:
    assert Server(version, opensearch).typed is typed
