"""Laws of what an input is told: a stream that it makes is bounded, and keeps the target that it had."""

from pathlib import Path

from collector.app.inputs import context_of
from collector.config.models import Configuration
from collector.discovery.registry import Registry
from collector.intake.input import InputContext
from collector.model import StreamKey
from collector.text.bounds import MOST_BYTES


def context(tmp_path: Path, targets: dict[StreamKey, str]) -> InputContext:
    configuration = Configuration(host="moby", state_dir=tmp_path, inputs={}, outputs={})
    return context_of(configuration, Registry().join("files"), target_of=targets.get)


def test_a_stream_has_the_members_that_all_have_and_its_name_for_a_target(tmp_path: Path) -> None:
    stream = context(tmp_path, {}).stream("/logs/shop.log", "shop", "/logs/shop.log")
    assert stream.fields == {"host": "moby", "@target": "shop", "docker_container": "shop"}
    assert (stream.key, stream.target, stream.path) == (StreamKey("/logs/shop.log", ""), "shop", "/logs/shop.log")


def test_a_renamed_stream_keeps_the_target_that_it_had(tmp_path: Path) -> None:
    stream = context(tmp_path, {StreamKey("1", ""): "before"}).stream("1", "after", target="other")
    assert (stream.target, stream.fields["@target"], stream.container) == ("before", "before", "after")


def test_a_long_name_is_cut(tmp_path: Path) -> None:
    stream = context(tmp_path, {}).stream("1", "x" * 5000)
    assert (
        max(len(value.encode()) for value in (stream.target, stream.container, *stream.fields.values())) <= MOST_BYTES
    )
