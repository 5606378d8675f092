"""What an output wants of the registry: containers, targets, and its own level and redaction."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from collector.container_settings.policy import Policy
from collector.container_settings.rule_book import RuleBook
from collector.discovery.registry import Container, Registry
from collector.model import LogStream
from collector.pipeline.sharing import Sharing
from collector.pipeline.wanted import Wanted
from collector.ports import ShipperSettings
from collector.ports.content import is_chosen
from collector.reading import Reading
from collector.redaction.options import RedactOptions
from collector.redaction.redaction import Redaction
from tests.collector.docker_lines import log_stream, raw
from tests.collector.pipeline.test_pipeline import Host
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until

SECRETS = RuleBook(Policy(), Redaction(RedactOptions()))


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ((), "web-1 web-2 db"),
        (("web-*",), "web-1 web-2"),
        (("web-*", "!web-2"), "web-1"),
        (("!web-*",), "db"),
        (("!*",), ""),
        (("d?", "web-[2-9]"), "web-2 db"),
    ],
)
def test_patterns_choose_names(patterns: tuple[str, ...], chosen: str) -> None:
    assert " ".join(name for name in ("web-1", "web-2", "db") if is_chosen(name, patterns)) == chosen


def registry(*streams: LogStream) -> Registry:
    found = Registry()
    listing = found.join()
    for one in streams:
        listing.put(Container(id=one.container_id, name=one.container, state="running", streams=(one,)))
    return found


def wanted(registry: Registry, rules: RuleBook = SECRETS, **options: object) -> Wanted:
    return Wanted("out", ShipperSettings.model_validate({"type": "null"} | options), registry, rules)


def test_all_of_a_stream_of_other_agents_is_read_and_what_is_wanted_of_it_is_its_transforms_to_choose() -> None:
    topic = replace(log_stream("", container_id="/kafka/relay/shop-0", target="shop"), is_relayed=True)
    options: dict[str, Any] = {"containers": ("web-*",), "container_ids": ("c0ffee",), "targets": ("!shop",)}
    (found,) = wanted(registry(topic), **options, level="warn").streams().values()
    assert found == replace(topic, reading=Reading(**options, level="warn"))
    (same,) = wanted(registry(topic)).streams().values()
    assert same == topic


def test_an_output_gets_its_containers_and_targets_alone() -> None:
    web, db = (log_stream(f"/{name}", container_id=name, target=name) for name in ("web", "db"))
    both = registry(web, db)
    assert set(wanted(both).streams().values()) == {web, db}
    assert set(wanted(both, containers=["web-*"]).streams().values()) == {web}
    assert set(wanted(both, targets=["!web"]).streams().values()) == {db}
    assert not wanted(both, containers=["web-*"], targets=["db"]).streams()


def test_an_output_gets_containers_by_the_beginnings_of_their_ids_and_one_stream_of_them() -> None:
    web, db = (log_stream(f"/{name}", container_id=name * 16) for name in ("abcd", "cdef"))
    both = registry(web, db)
    assert set(wanted(both, container_ids=["abcdab", "ff"]).streams().values()) == {web}
    found = wanted(both, container_ids=["cd"], of_stream="stderr").streams()
    assert [(key, one.reading.of_stream) for key, one in found.items()] == [(db.key, "stderr")]


@pytest.mark.parametrize(
    ("labels", "chosen"),
    [
        ({"tier": "web"}, "a"),
        ({"tier": "*"}, "a b"),
        ({"tier": "*", "app": "sho?"}, "b"),
        ({"tier": "we"}, ""),
        ({"app": "*"}, "b"),
    ],
)
def test_an_output_gets_the_containers_that_have_all_of_its_labels(labels: dict[str, str], chosen: str) -> None:
    told = {"a": {"tier": "web"}, "b": {"tier": "db", "app": "shop"}, "c": {}}
    streams = [replace(log_stream(f"/{name}", container_id=name), labels=has) for name, has in told.items()]
    found = wanted(registry(*streams), container_labels=labels).streams().values()
    assert " ".join(one.container_id for one in found) == chosen


def test_a_container_that_names_outputs_goes_to_them_alone() -> None:
    stream = replace(log_stream("/x"), outputs=("archive", "elastic"))
    assert not wanted(registry(stream)).streams()
    stream = replace(stream, outputs=("archive", "out"))
    assert set(wanted(registry(stream)).streams().values()) == {stream}


def test_a_stream_that_comes_or_changes_is_seen() -> None:
    known = registry()
    seen = wanted(known, containers=["web-*"])
    assert not seen.streams()
    stream = log_stream("/web", container_id="web")
    known.inputs[""].put(Container(id="web", name="web-1", state="running", streams=(stream,)))
    assert list(seen.streams()) == [stream.key]
    renamed = replace(stream, container="old")
    known.inputs[""].put(Container(id="web", name="old", state="running", streams=(renamed,)))
    assert not seen.streams()


def test_what_an_output_redacts_is_added_to_what_the_rules_do_and_follows_them() -> None:
    rules = RuleBook(Policy(), Redaction(RedactOptions()))
    by_rule = Reading(redact=("pii",), redactor=rules.redaction.of(("pii",)))
    plain, ruled = log_stream("/a", container_id="a"), log_stream("/b", container_id="b", reading=by_rule)
    seen = wanted(registry(plain, ruled), rules, redact=["secrets", "pii"])
    assert [one.reading.redact for one in seen.streams().values()] == [("secrets", "pii"), ("pii", "secrets")]
    before = seen.streams()[plain.key].reading
    assert before.redactor is not None
    assert before.redactor().text("password=hunter2x9") != "password=hunter2x9"
    rules.replace(Policy(), Redaction(RedactOptions(patterns=({"name": "order", "pattern": "order"},))))
    assert seen.streams()[plain.key].reading != before


def test_what_an_output_redacts_is_gone_from_the_fields_too_and_names_stay() -> None:
    token = "ghp_" + "Fake" * 9
    said = {
        "docker_app": "a@b.example",
        "docker_label_dsn": "postgres://me:hunter2@db/shop",
        "docker_env_DB_PASSWORD": "x",
        "owner": "me@example.com",
        "t": f"see {token}",
        "cut": "a" * 509 + "…",
        "tier": "web",
    }
    stream = log_stream("/x")
    stream = replace(stream, fields={**stream.fields, **said})
    [found] = wanted(registry(stream), redact=["secrets", "pii"]).streams().values()
    assert found.fields == dict(stream.fields) | {
        "docker_label_dsn": "postgres://me:[redacted:connection_string]@db/shop",
        "docker_env_DB_PASSWORD": "[redacted:password]",
        "owner": "[redacted:email]",
        "t": "see [redacted:github_token]",
        "cut": "withheld",
    }
    assert next(iter(wanted(registry(stream)).streams().values())).fields == stream.fields
    again = replace(stream, fields=found.fields)
    [twice] = wanted(registry(again), redact=["secrets", "pii"]).streams().values()
    assert twice.fields is again.fields


def test_what_a_rule_of_the_container_has_left_of_a_field_is_withheld_where_more_could_have_been_found() -> None:
    by_rule = Reading(redact=("pii",), redactor=SECRETS.redaction.of(("pii",)))
    said = {"dsn": "postgres://a:[redacted:email]:x7Secret@db", "owner": "[redacted:email]", "tier": "web"}
    stream = replace(log_stream("/x", reading=by_rule), fields=said)
    [found] = wanted(registry(stream), redact=["secrets"]).streams().values()
    assert found.fields == said | {"dsn": "withheld"}
    [found] = wanted(registry(stream), redact=["card"]).streams().values()
    assert found.fields == said


def test_a_rule_that_is_renamed_redacts_until_the_stream_is_described_by_its_new_name() -> None:
    before, after = (
        Redaction(RedactOptions(patterns=({"name": name, "pattern": "m[0-9]+"},))) for name in ("member", "customer")
    )
    rules = RuleBook(Policy(), before)
    stream = log_stream("/x", reading=Reading(redact=("member",), redactor=before.of(("member",))))
    seen = wanted(registry(stream), rules, redact=["secrets"])
    rules.replace(Policy(), after)
    (found,) = seen.streams().values()
    assert found.reading.redactor is not None
    assert "m123" not in found.reading.redactor().text("m123")


def test_what_an_output_asks_for_nothing_of_stays_as_it_is() -> None:
    known = registry(log_stream("/x"))
    ((key, stream),) = known.streams.items()
    assert wanted(known).streams()[key] is stream


async def test_outputs_with_content_of_their_own_get_it_and_keep_no_books_of_the_rest(tmp_path: Path) -> None:
    """One gets all, one without its secrets, one of a single container: at the same time, of the same files."""
    host, sharing = Host(tmp_path), Sharing()
    fields = {"host": "moby", "docker_container": "web-1", "docker_env_DB_PASSWORD": "hunter2x9"}
    host.add("web", *(raw(f"password=hunter2x9 {number}\n") for number in range(50)), fields=fields)
    host.add("db", *(raw(f"row {number}\n") for number in range(50)))
    options: dict[str, dict[str, object]] = {
        "whole": {},
        "again": {},
        "public": {"redact": ["secrets"]},
        "rows": {"containers": ["db-*"], "targets": ["d*"]},
    }
    shippers = {name: RecordingShipper() for name in options}
    pipelines = [
        host.pipeline(shippers[name], name, more=more, sharing=sharing, rules=SECRETS) for name, more in options.items()
    ]
    async with host.run(*pipelines):
        await until(lambda: [len(one.stored) for one in shippers.values()] == [100, 100, 100, 50])
        assert [one.container for one in (reader.source.stream for reader in pipelines[3].readers.values())] == ["db-1"]
    assert shippers["whole"].stored == shippers["again"].stored
    assert shippers["whole"].stored.keys() == shippers["public"].stored.keys()
    assert not any(b"hunter2x9" in one for one in shippers["public"].stored.values())
    assert sum(b"hunter2x9" in one for one in shippers["whole"].stored.values()) == 50
    assert {name: shippers["whole"].stored[name] for name in shippers["rows"].stored} == shippers["rows"].stored
    assert [one.ledger.read for one in pipelines] == [100, 100, 100, 50]
    assert [one.ledger.filtered.total() for one in pipelines] == [0, 0, 0, 0]
    assert not any(key.container_id == "web" for key, *_ in pipelines[3].checkpoints.reached())


def has(shipper: RecordingShipper, count: int) -> bool:
    return len(shipper.stored) == count


async def test_a_container_that_is_wanted_again_goes_on_where_the_output_was(tmp_path: Path) -> None:
    host, shipper = Host(tmp_path), RecordingShipper()
    log = host.add("web", raw("first\n"))
    runs: list[tuple[dict[str, object], str, int]] = [
        ({}, "second\n", 2),
        ({"containers": ["!web-*"]}, "third\n", 2),
        ({}, "fourth\n", 4),
    ]
    for more, line, count in runs:
        pipeline = host.pipeline(shipper, more=more)
        log.write(raw(line))
        async with host.run(pipeline):
            await until(partial(has, shipper, count))
        assert (pipeline.counts.gaps, pipeline.counts.lost_bytes) == (0, 0)
    assert sum(batch.count for batch in shipper.batches) == 4
