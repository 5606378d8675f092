from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest

from collector.app.setup import export, exportable, set_up
from collector.config.models import Configuration
from collector.errors import PilotfishError, UsageError
from collector.ports import OutputContext, Setup, SetupFile, SetupStep, ShipperSettings

FILE = SetupFile("PUT /_template/x", "_template/x.json", b"{}")


class Prepared(ShipperSettings):
    """An output with a destination that tells where it would keep things."""

    type: Literal["prepared"] = "prepared"
    hosts: tuple[str, ...] = ()

    @classmethod
    def example(cls) -> "Prepared":
        return cls(hosts=("of its own",))

    def servers(self) -> Sequence[str]:
        return ("usual", "other")

    async def set_up(self, site: OutputContext, setup: Setup, tell: Callable[[str], None]) -> AsyncIterator[SetupStep]:
        yield SetupStep(f"in {site.directory.name}", "created")

    def setup_files(self, setup: Setup, server: str) -> Sequence[SetupFile]:
        return [FILE, SetupFile(f"PUT /{server}", f"{server}.json", b"[]")]


class Plain(ShipperSettings):
    """An output without anything to prepare."""

    type: Literal["plain"] = "plain"


def configuration(**outputs: ShipperSettings) -> Configuration:
    return Configuration(inputs={}, outputs=outputs)


async def told(found: Configuration, output: str | None = None) -> list[str]:
    return [step.subject async for step in set_up(found, Setup(), print, kind="prepared", output=output)]


async def test_every_output_of_the_kind_is_set_up_or_the_one_named() -> None:
    found = configuration(a=Prepared(), b=Plain(), c=Prepared())
    assert await told(found) == ["a: in a", "c: in c"]
    assert await told(found, "c") == ["c: in c"]
    assert await told(configuration(a=Prepared(), b=Plain())) == ["in a"]


@pytest.mark.parametrize(
    ("outputs", "output", "words"),
    [
        ({"b": Plain()}, None, "no output of type prepared: pass the configuration file of"),
        ({"b": Plain(), "a": Prepared()}, "b", "b is not an output of type prepared: use one of a"),
    ],
)
async def test_an_output_that_cannot_be_set_up_is_told(
    outputs: dict[str, ShipperSettings], output: str | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        await told(configuration(**outputs), output)


def test_files_stand_where_their_requests_go(tmp_path: Path) -> None:
    written = [(file.request, path) for file, path in export(tmp_path / "new", Prepared(), Setup(), server=None)]
    assert written == [(FILE.request, tmp_path / "new/_template/x.json"), ("PUT /usual", tmp_path / "new/usual.json")]
    assert (tmp_path / "new/_template/x.json").read_bytes() == b"{}\n"


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PilotfishError, match="cannot be written"):
        list(export(tmp_path / "file", Prepared(), Setup(), server=None))


def test_without_such_an_output_its_defaults_are_exported_and_of_several_one_is_to_be_named() -> None:
    types: dict[str, type[ShipperSettings]] = {"prepared": Prepared}
    assert exportable(configuration(b=Plain()), types, kind="prepared", output=None) == Prepared(hosts=("of its own",))
    two = configuration(a=Prepared(), c=Prepared(batch_bytes=1))
    with pytest.raises(UsageError, match="give --output, one of a, c"):
        exportable(two, types, kind="prepared", output=None)
    chosen = exportable(two, types, kind="prepared", output="c")
    assert chosen == Prepared(batch_bytes=1)
