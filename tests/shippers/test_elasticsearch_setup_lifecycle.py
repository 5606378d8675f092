"""Retention: ILM on the real 6.8, ILM with marks and ISM on a stand-in, neither on the rest; data streams; outages."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import pytest

from collector.errors import UsageError
from collector.ports import OutputContext, Setup
from shippers.elasticsearch import Settings
from shippers.elasticsearch.cluster import Server
from shippers.elasticsearch.setup.lifecycle import ilm, ism, span_of
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import deliver
from tests.engines import servers
from tests.engines.process import free_ports
from tests.engines.search_server import SearchServer
from tests.shippers.lifecycle_stand_in import LifecycleStandIn, check_policy
from tests.shippers.test_elasticsearch import emptied, settings_for, stock
from tests.shippers.test_elasticsearch_cluster import INDEX, put, shipped
from tests.shippers.test_elasticsearch_setup import outcomes, set_up

DAILY, STREAM = "{target}-%Y.%m.%d", "logs-docker.{target}-default"
POLICY, TEMPLATE = "lifecycle policy pilotfish", "index template pilotfish"
WITHOUT = "indices without a policy"
RECENT, OPENSEARCH = Server("8.19.0", opensearch=False), Server("2.19.0", opensearch=True)


@pytest.fixture
def ilm_server(elasticsearch_6: SearchServer) -> Iterator[SearchServer]:
    """The one with a real ILM, emptied."""
    yield from emptied(elasticsearch_6)


@pytest.fixture(params=["elasticsearch_8", "elasticsearch_7", "opensearch_2"])
def bare(request: pytest.FixtureRequest) -> Iterator[SearchServer]:
    """Each of those without a lifecycle, emptied."""
    yield from emptied(request.getfixturevalue(request.param))


@pytest.fixture
def streamless(elasticsearch_7: SearchServer) -> Iterator[SearchServer]:
    """A server of a generation with data streams that was built without, emptied."""
    yield from emptied(elasticsearch_7)


def kept(days: int, **more: Any) -> Setup:
    return Setup(retention=timedelta(days=days), targets=("*",), **more)


# ------------------------------------------------------------------ ILM, real


async def test_ilm_deletes_an_index_a_retention_after_its_day(ilm_server: SearchServer, site: OutputContext) -> None:
    assert outcomes(await set_up(ilm_server, site, kept(30))) == {POLICY: "created", TEMPLATE: "created"}
    policy = ilm_server.get("/_ilm/policy/pilotfish").json()["pilotfish"]["policy"]
    assert policy == {"phases": {"delete": {"min_age": "31d", "actions": {"delete": {}}}}}
    await shipped(ilm_server, site)
    explained = ilm_server.get(f"/{INDEX}/_ilm/explain").json()["indices"][INDEX]
    assert (explained["managed"], explained["policy"]) == (True, "pilotfish")


async def test_a_policy_without_a_mark_that_says_the_same_is_ours_and_any_other_is_kept(
    ilm_server: SearchServer, site: OutputContext
) -> None:
    await set_up(ilm_server, site, kept(30))
    assert outcomes(await set_up(ilm_server, site, kept(30))) == {POLICY: "unchanged", TEMPLATE: "unchanged"}
    step = (await set_up(ilm_server, site, kept(14)))[POLICY]
    assert (step.outcome, step.remedy) == ("kept", "--overwrite replaces it")
    assert (await set_up(ilm_server, site, kept(14, overwrite=True)))[POLICY].outcome == "updated"
    left = (await set_up(ilm_server, site, Setup(overwrite=True)))[POLICY]
    assert (left.outcome, left.request) == ("kept", "")
    assert left.text == "it goes on deleting indices of an age of 15d that have it; new ones do not get it"
    assert "index.lifecycle" not in json.dumps(ilm_server.get("/_template/pilotfish?flat_settings=true").json())


async def test_indices_from_before_the_policy_are_told_with_the_request_that_gives_it_to_them(
    ilm_server: SearchServer, site: OutputContext
) -> None:
    await shipped(ilm_server, site)
    put(ilm_server, "/fluentd-2026.11.22", {})  # of another program: none of ours is in it
    for wish, outcome in ((kept(30, dry_run=True), "created"), (kept(30), "created"), (kept(30), "unchanged")):
        steps = await set_up(ilm_server, site, wish)
        assert steps[POLICY].outcome == outcome
        assert (steps[WITHOUT].outcome, steps[WITHOUT].request) == ("kept", "")
        assert steps[WITHOUT].text == "2 created before it: shop-2026.11.23, till-2026.11.23"
    request = 'PUT /INDEX/_settings {"index.lifecycle.name": "pilotfish"}'
    assert request in steps[WITHOUT].remedy
    put(ilm_server, "/shop-2026.11.23/_settings", {"index.lifecycle.name": "pilotfish"})
    assert (await set_up(ilm_server, site, kept(30)))[WITHOUT].text == "1 created before it: till-2026.11.23"
    put(ilm_server, "/till-2026.11.23/_settings", {"index.lifecycle.name": "theirs"})
    assert WITHOUT not in await set_up(ilm_server, site, kept(30))


async def test_a_server_without_lifecycle_is_told_with_what_is_left_to_do(
    bare: SearchServer, site: OutputContext
) -> None:
    told = await set_up(bare, site, kept(30))
    assert told[POLICY].outcome == "skipped"
    assert told[POLICY].remedy == "delete indices {target}-%Y.%m.%d older than 30d yourself, from a timer"
    assert told[TEMPLATE].outcome == "created"


@pytest.mark.parametrize(
    ("index", "days"), [(DAILY, 1), ("x-%Y-%j", 1), ("x-%G.%V", 7), ("x-%Y.%m", 31), ("x-%Y", 366), (STREAM, 0)]
)
def test_an_index_stays_until_its_last_line_is_old_enough(index: str, days: int) -> None:
    assert span_of(index) == timedelta(days=days)
    policy = ilm(index, timedelta(days=30), RECENT)["policy"]
    assert policy["phases"]["delete"]["min_age"] == f"{30 + days}d"


NAMED_ONCE = ["%Y.%m.%d", "%Y.%j", "%Y.%m", "%Y", "%G", "%G.%V", "%Y.%m.%V", "%m.%d.%Y.%j"]
NAMED_AGAIN = ["%d", "%m", "%V", "%j", "%m.%d", "%Y.%d", "%Y.%V", "%G.%m", "%G.%d", "%G.%m.%d", "%G.%j"]


@pytest.mark.parametrize("dates", NAMED_ONCE + NAMED_AGAIN)
def test_retention_is_for_names_that_never_come_again(dates: str) -> None:
    days = [date(2000, 1, 1) + timedelta(days=day) for day in range(28 * 366)]  # all that calendars and weeks can be
    names = [name for name, _ in groupby(day.strftime(dates) for day in days)]
    comes_again = len(names) > len(set(names))
    assert comes_again is (dates in NAMED_AGAIN)
    settings = Settings.model_validate({"type": "elasticsearch", "hosts": ["http://es"], "index": f"docker-{dates}"})
    assert settings.setup_files(Setup(), "elasticsearch-8")
    if comes_again:
        with pytest.raises(UsageError, match=r"new lines .*set an index whose names never repeat"):
            settings.setup_files(Setup(retention=timedelta(days=30)), "elasticsearch-8")
    else:
        assert settings.setup_files(Setup(retention=timedelta(days=30)), "elasticsearch-8")


@pytest.mark.parametrize(("retention", "age"), [(None, "30d"), (3, "1d"), (30, "3d"), (3650, "30d")])
def test_a_data_stream_rolls_over_as_seldom_as_its_retention_allows(retention: int | None, age: str) -> None:
    span = timedelta(days=retention) if retention else None
    phases = ilm(STREAM, span, RECENT)["policy"]["phases"]
    assert phases["hot"]["actions"]["rollover"] == {"max_age": age, "max_primary_shard_size": "50gb"}
    assert ("delete" in phases) is (retention is not None)
    old = ilm(STREAM, span, Server("7.12.1", opensearch=False))["policy"]["phases"]["hot"]["actions"]["rollover"]
    assert old == {"max_age": age, "max_size": "50gb"}


# ------------------------------------------------------------------ on a stand-in


@pytest.mark.parametrize("index", [DAILY, STREAM])
async def test_a_recent_ilm_keeps_the_mark_so_another_retention_is_an_update(site: OutputContext, index: str) -> None:
    options = {"data_stream": index == STREAM} | ({"targets": ("*",)} if index == DAILY else {})
    wishes = [Setup(retention=timedelta(days=days), **options) for days in (30, 30, 14)]  # type: ignore[arg-type]
    async with LifecycleStandIn("ilm").serving() as stand_in:
        told = [await told_by(stand_in, site, wish, index=index) for wish in wishes]
        assert [set(outcomes(steps).values()) for steps in told[:2]] == [{"created"}, {"unchanged"}]
        policy, template = (next(name for name in told[0] if name.startswith(kind)) for kind in ("life", "index"))
        assert (told[2][policy].outcome, told[2][template].outcome) == ("updated", "unchanged")
        (body,) = (body for path, body in stand_in.kept.items() if "_index_template" in path)
        assert body["template"] == {"settings": {"index.lifecycle.name": policy.rpartition(" ")[2]}}
        (body,) = (body for path, body in stand_in.kept.items() if "_ilm" in path)
        body["policy"]["phases"]["delete"]["min_age"] = "90d"
        assert (await told_by(stand_in, site, wishes[2], index=index))[policy].text == "changed by somebody else"


@pytest.mark.parametrize(("index", "retention"), [(DAILY, 30), (STREAM, 30), (STREAM, None)])
def test_a_policy_of_ism_is_of_the_documented_form(index: str, retention: int | None) -> None:
    span = timedelta(days=retention) if retention else None
    body = ism(index, span, patterns=["logs-*"], priority=120)
    check_policy(body)
    assert ("delete" in json.dumps(body)) is (retention is not None)


async def told_by(stand_in: LifecycleStandIn, site: OutputContext, setup: Setup, **options: object) -> dict[str, Any]:
    settings = Settings.model_validate({"type": "elasticsearch", "hosts": [stand_in.url], **options})
    return {step.subject: step async for step in settings.set_up(site, setup, print)}


async def test_ism_gets_its_policy_knows_it_again_and_updates_it(site: OutputContext) -> None:
    async with LifecycleStandIn().serving() as stand_in:
        assert set(outcomes(await told_by(stand_in, site, kept(30))).values()) == {"created"}
        assert set(outcomes(await told_by(stand_in, site, kept(30))).values()) == {"unchanged"}
        updated = (await told_by(stand_in, site, kept(14)))[POLICY]
        assert (updated.outcome, updated.text) == ("updated", "other options")
        (policy,) = (body for path, body in stand_in.kept.items() if "_ism" in path)
        assert policy["states"][0]["transitions"][0]["conditions"] == {"min_index_age": "15d"}
        policy["states"][1]["actions"] = []
        assert (await told_by(stand_in, site, kept(14)))[POLICY].text == "changed by somebody else"


async def test_indices_that_have_a_policy_of_ism_get_its_new_version(site: OutputContext) -> None:
    async with LifecycleStandIn().serving() as stand_in:
        await told_by(stand_in, site, kept(30))
        ours = [f"a{'x' * 240}-2026.11.{day:02}" for day in range(1, 31)]  # more than one request takes
        stand_in.following |= dict.fromkeys(ours, ("pilotfish", stand_in.sequence))
        stand_in.following["b-2026.11.01"] = ("their", 7)
        assert (await told_by(stand_in, site, kept(30)))[POLICY].outcome == "unchanged"
        dry = (await told_by(stand_in, site, kept(60, dry_run=True)))[POLICY]
        assert "POST" not in stand_in.methods
        wet = (await told_by(stand_in, site, kept(60)))[POLICY]
        assert dry == wet
        assert (wet.outcome, wet.text) == ("updated", "other options; indices that get this version: 30")
        assert set(stand_in.following.values()) == {("pilotfish", stand_in.sequence), ("their", 7)}
        assert stand_in.methods.count("POST") > 1
        assert (await told_by(stand_in, site, kept(60)))[POLICY].outcome == "unchanged"


async def test_an_index_that_does_not_take_the_new_version_is_told_and_gets_it_later(site: OutputContext) -> None:
    async with LifecycleStandIn().serving() as stand_in:
        await told_by(stand_in, site, kept(30))
        stand_in.following = {"a-2026.11.01": ("pilotfish", stand_in.sequence), "a-2026.11.02": ("pilotfish", None)}
        stand_in.in_transition = {"a-2026.11.01"}
        step = (await told_by(stand_in, site, kept(60)))[POLICY]
        assert (step.outcome, step.remedy[:21]) == ("failed", "run setup again later")
        assert step.text == "indices that keep an older version: a-2026.11.01: Index is in transition"
        stand_in.in_transition = set()
        later = (await told_by(stand_in, site, kept(60)))[POLICY]
        assert (later.outcome, later.text) == ("updated", "indices that get this version: 1")
        assert later.request == "POST /_plugins/_ism/change_policy/a-2026.11.01"


@pytest.mark.parametrize(
    ("kind", "request_words"),
    [
        ("ism", 'POST /_plugins/_ism/add/INDEX {"policy_id": "pilotfish"}'),
        ("ilm", 'PUT /INDEX/_settings {"index.lifecycle.name": "pilotfish"}'),
    ],
)
async def test_indices_without_a_policy_are_told_and_left_alone(
    site: OutputContext, kind: Any, request_words: str
) -> None:
    async with LifecycleStandIn(kind).serving() as stand_in:
        stand_in.ours = ["a-2026.11.01", "a-2026.11.02", "b-2026.11.01"]
        stand_in.following = {"b-2026.11.01": ("their", 7)}
        step = (await told_by(stand_in, site, kept(30)))[WITHOUT]
        assert (step.outcome, step.text) == ("kept", "2 created before it: a-2026.11.01, a-2026.11.02")
        assert step.remedy.startswith(f"to give it to them: {request_words} (this deletes those that are old enough")
        assert stand_in.following == {"b-2026.11.01": ("their", 7)}
        assert WITHOUT not in await told_by(stand_in, site, Setup(targets=("*",)))


async def test_who_may_not_see_the_indices_can_still_set_up(site: OutputContext) -> None:
    async with LifecycleStandIn("ilm", hides="/_mapping/").serving() as stand_in:
        told = await told_by(stand_in, site, kept(30))
        assert told[POLICY].outcome == "created"
        assert (told[WITHOUT].outcome, "403: " in told[WITHOUT].text) == ("skipped", True)


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("ism", "DELETE /_plugins/_ism/policies/pilotfish, then POST /_plugins/_ism/remove/INDEX"),
        ("ilm", "POST /INDEX/_ilm/remove"),
    ],
)
async def test_a_retention_left_out_again_is_told_to_go_on(site: OutputContext, kind: Any, remedy: str) -> None:
    async with LifecycleStandIn(kind).serving() as stand_in:
        assert POLICY not in await told_by(stand_in, site, Setup())
        await told_by(stand_in, site, kept(30))
        step = (await told_by(stand_in, site, Setup()))[POLICY]
        assert (step.outcome, step.request) == ("kept", "")
        assert "goes on deleting indices of an age of 31d" in step.text
        assert remedy in step.remedy


async def test_nobodys_policy_of_ism_is_outranked_unasked(site: OutputContext) -> None:
    async with LifecycleStandIn().serving() as stand_in:
        for name, pattern, priority in (("low", "shop-*", 100), ("high", "till-*", 300), ("far", ".x-*", 1)):
            template = [{"index_patterns": [pattern], "priority": priority}]
            policy = {"description": "", "default_state": "x", "states": [], "ism_template": template}
            stand_in.kept[f"/_plugins/_ism/policies/{name}"] = policy
        step = (await told_by(stand_in, site, kept(30)))[POLICY]
        assert step.outcome == "failed"
        assert step.text == "it would disable policy low (priority 100) where both match"
        assert "give the other one a priority over 132" in step.remedy
        assert "/_plugins/_ism/policies/pilotfish" not in stand_in.kept
        narrowed = (await told_by(stand_in, site, Setup(retention=timedelta(days=30), targets=("till",))))[POLICY]
        assert (narrowed.outcome, narrowed.text) == (
            "created",
            "policy high (priority 300) has priority where both match",
        )
        wider = (await told_by(stand_in, site, kept(30)))[POLICY]
        assert wider.outcome == "failed"
        assert (await told_by(stand_in, site, kept(30, overwrite=True)))[POLICY].outcome == "updated"


async def test_a_notification_that_somebody_added_is_a_change(site: OutputContext) -> None:
    async with LifecycleStandIn().serving() as stand_in:
        await told_by(stand_in, site, kept(30))
        (policy,) = (body for path, body in stand_in.kept.items() if "_ism" in path)
        policy["error_notification"] = {"channel": {"id": "operators"}, "message_template": {"source": "failed"}}
        step = (await told_by(stand_in, site, kept(14)))[POLICY]
        assert (step.outcome, step.text) == ("kept", "changed by somebody else")


async def test_a_dry_run_sends_get_alone(site: OutputContext) -> None:
    async with LifecycleStandIn().serving() as stand_in:
        steps = await told_by(stand_in, site, kept(30, dry_run=True))
        assert [step.request.partition("?")[0] for step in steps.values()] == [
            "PUT /_plugins/_ism/policies/pilotfish",
            "PUT /_component_template/pilotfish@mappings",
            "PUT /_component_template/pilotfish@custom",
            "PUT /_index_template/pilotfish",
        ]
        assert (set(stand_in.methods), stand_in.kept) == ({"GET"}, {})


# ------------------------------------------------------------------ what fails


async def test_a_missing_privilege_fails_that_object_alone_and_is_told(site: OutputContext) -> None:
    async with LifecycleStandIn(forbids="/_plugins/_ism/").serving() as stand_in:
        told = await told_by(stand_in, site, kept(30))
    assert told[POLICY].outcome == "failed"
    assert "no permissions" in told[POLICY].text
    assert "grant the user" in told[POLICY].remedy
    assert told[TEMPLATE].outcome == "created"


async def test_a_server_that_is_away_is_told_at_once(site: OutputContext) -> None:
    (port,) = free_ports(1)
    settings = Settings.model_validate({"type": "elasticsearch", "hosts": [f"http://127.0.0.1:{port}"]})
    (step,) = [step async for step in settings.set_up(site, Setup(), print)]
    assert step.outcome == "failed"
    assert "cannot be reached" in step.text


async def test_a_server_that_starts_is_waited_for(site: OutputContext) -> None:
    async with LifecycleStandIn(down=3).serving() as stand_in:
        told = await told_by(stand_in, site, Setup(wait_seconds=60))
        assert set(outcomes(told).values()) == {"created"}
    async with LifecycleStandIn(down=1_000_000).serving() as stand_in:
        (step,) = (await told_by(stand_in, site, Setup(wait_seconds=1))).values()
        assert (step.outcome, "overloaded or starting" in step.text) == ("failed", True)


# ------------------------------------------------------------------ data streams, real


@pytest.fixture(scope="module", params=["elasticsearch_8", "opensearch_2"])
def streaming(request: pytest.FixtureRequest) -> Iterator[SearchServer]:
    """A server of its own: the small Elasticsearch 8 has no request that removes a data stream."""
    with closing(servers.SEARCH_SERVERS[request.param]()) as server:
        server.start()
        yield server


async def test_a_data_stream_holds_each_line_once_until_it_rolls_over(
    streaming: SearchServer, site: OutputContext
) -> None:
    assert "failed" not in outcomes(await set_up(streaming, site, kept(30, data_stream=True), index=STREAM)).values()
    sent = batch(plain_segment(3))
    shipper = settings_for(streaming, index=STREAM).open(site)
    try:
        assert (await deliver(shipper, sent)).delivered == 3
        again = await deliver(shipper, sent)
        assert (again.delivered, again.duplicate) == (0, 3)
        hits = streaming.refresh_and_fetch("logs-docker.shop-default")
        assert len(hits) == 3
        assert {hit["_index"].startswith(".ds-logs-docker.shop-default-") for hit in hits} == {True}
        assert streaming.request("POST", "/logs-docker.shop-default/_rollover").status == 200
        assert (await deliver(shipper, sent)).delivered == 3  # the limit that docs/reliability.md tells
    finally:
        await shipper.aclose()
    assert set(outcomes(await set_up(streaming, site, kept(30, data_stream=True), index=STREAM)).values()) == {
        "unchanged",
        "skipped",
    }


async def test_a_stream_of_another_program_does_not_get_our_mapping_unasked(
    streaming: SearchServer, site: OutputContext
) -> None:
    built_in = {"index_patterns": ["logs-*-*"], "priority": 100, "data_stream": {}, "_meta": {"managed": True}}
    assert streaming.request("PUT", "/_index_template/logs", json=built_in).status == 200
    line = {"@timestamp": "2026-11-23T00:00:00Z", "host": {"name": "somebody's"}}
    assert not streaming.bulk({"create": {"_index": "logs-generic-default"}}, line).json()["errors"]
    (step,) = (await set_up(streaming, site, Setup(data_stream=True), index="logs-{target}-default")).values()
    assert step.outcome == "failed"
    assert ".ds-logs-generic-default-" in step.text
    named = await set_up(streaming, site, Setup(data_stream=True, targets=("shop",)), index="logs-{target}-default")
    assert "failed" not in outcomes(named).values()


async def test_a_target_whose_indices_are_data_streams_by_anothers_template_is_named(
    streaming: SearchServer, site: OutputContext
) -> None:
    stock(streaming)
    built_in = {"index_patterns": ["logs-*-*"], "priority": 100, "data_stream": {}, "_meta": {"managed": True}}
    put(streaming, "/_index_template/logs", built_in)
    sent = batch(plain_segment(2, "logs-web"))
    shipper = settings_for(streaming).open(site)
    assert (await deliver(shipper, sent)).delivered == 2
    assert (await deliver(shipper, sent)).duplicate == 2
    await shipper.aclose()
    step = (await set_up(streaming, site, Setup(targets=("*",))))[TEMPLATE]
    assert step.outcome == "failed"
    assert "would cause data streams [logs-web-2026.11.23] to no longer match a data stream template" in step.text
    named = (await set_up(streaming, site, Setup(targets=("shop",))))[TEMPLATE]
    assert named.outcome == "created"


async def test_a_server_that_cannot_hold_data_streams_says_why(streamless: SearchServer, site: OutputContext) -> None:
    told = await set_up(streamless, site, kept(30, data_stream=True), index=STREAM)
    failed = [step for step in told.values() if step.outcome == "failed"]
    assert ["unknown field [data_stream]" in step.text for step in failed] == [True]
