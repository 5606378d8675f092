"""Laws of outputs of other packages: they stand beside our own; one that cannot be used says why and harms nobody."""

from pathlib import Path
from pkgutil import iter_modules

import pytest

import shippers
from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.config.show import schema
from collector.errors import ConfigurationError
from tests.plugin.installed import install

OWN = [module.name for module in iter_modules(shippers.__path__)]
GOOD = """
from typing import Literal
from pydantic import Field
from collector.ports import ShipperSettings
class Settings(ShipperSettings):
    \"\"\"An output of another package.\"\"\"
    type: Literal["{}"] = "{}"
    depth: int = Field(1, description="how deep")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that packages are installed into."""
    directory = tmp_path / "site"
    directory.mkdir()
    monkeypatch.syspath_prepend(directory)
    return directory


def plain(name: str) -> str:
    return GOOD.format(name, name)


def test_an_output_of_another_package_is_configured_and_described_as_one_of_our_own(site: Path, tmp_path: Path) -> None:
    install(site, "deep-package", outputs={"deep": "deep_one:Settings"}, modules={"deep_one": plain("deep")})
    types = installed_types()
    assert list(types.outputs) == [*OWN, "deep"]
    assert "deep" in types.outputs
    described = schema(types)["$defs"]
    assert any(
        each.get("properties", {}).get("depth", {}).get("description") == "how deep" for each in described.values()
    )
    file = tmp_path / "pilotfish.yml"
    file.write_text("outputs: {x: {type: deep, depth: 7}}")
    assert load(file, types, {}).outputs["x"].model_dump()["depth"] == 7
    assert load(file, types, {"PILOTFISH_OUTPUTS__X__DEPTH": "8"}).outputs["x"].model_dump()["depth"] == 8


def test_a_package_is_loaded_only_when_its_output_is_asked_for(site: Path) -> None:
    install(site, "loud", outputs={"loud": "loud_one:Settings"}, modules={"loud_one": "raise RuntimeError('loaded')"})
    types = installed_types()
    assert "loud" in types.outputs
    assert load(None, types, {}).outputs["local"].type == "store"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "import not_there_at_all",
            "cannot be loaded (ModuleNotFoundError: No module named 'not_there_at_all'): install",
        ),
        ("Other = 1", "cannot be loaded (AttributeError: module"),
        ("def", "cannot be loaded (SyntaxError: "),
        (
            "raise ValueError('one\\ntwo')",
            "cannot be loaded (ValueError: one two): install its dependencies, or a release",
        ),
        ("raise KeyError", "cannot be loaded (KeyError): "),
        ("Settings = 1", "cannot be used: {}:Settings is not a subclass of collector.ports.shipping.ShipperSettings"),
        ("class Settings: pass", "cannot be used: {}:Settings is not a subclass of"),
        (plain("other"), "cannot be used: its settings take 'other' for a type: install another release"),
    ],
)
def test_a_package_that_cannot_be_used_is_told_with_its_place_and_its_remedy(
    site: Path, tmp_path: Path, request: pytest.FixtureRequest, text: str, words: str
) -> None:
    module = f"bad_{abs(hash(request.node.name))}"
    install(site, "bad-package", version="2.1", outputs={"bad": f"{module}:Settings"}, modules={module: text})
    file = tmp_path / "pilotfish.yml"
    file.write_text("outputs: {x: {type: bad}, y: {type: none}}")
    with pytest.raises(ConfigurationError) as caught:
        load(file, installed_types(), {})
    first, second = str(caught.value).split("\n")
    assert first.startswith(f"{file}:1: outputs.x.type: the output type bad of the package bad-package 2.1 cannot be ")
    assert words.format(module) in first
    assert "outputs.y.type: unknown type" in second
    with pytest.raises(ConfigurationError, match="the output type bad of the package bad-package"):
        schema(installed_types())


def test_a_package_that_is_missing_is_the_remedy_for_an_unknown_type(tmp_path: Path) -> None:
    file = tmp_path / "pilotfish.yml"
    file.write_text("outputs: {x: {type: a_name_of_its_own}}")
    with pytest.raises(
        ConfigurationError, match=r"unknown type: use one of .*, or install the package that brings it$"
    ):
        load(file, installed_types(), {})


def test_a_name_of_our_own_is_nobody_elses(site: Path) -> None:
    install(site, "thief", outputs={"null": "thief_one:Settings"}, modules={"thief_one": plain("null")})
    types = installed_types()
    assert list(types.outputs) == OWN
    assert types.outputs["stdout"]
    with pytest.raises(
        ConfigurationError, match=r"null is Pilotfish's own, and the package thief 1.0 .*: remove that pac"
    ):
        types.outputs["null"]


def test_a_name_of_two_packages_is_nobodys(site: Path) -> None:
    install(site, "one", outputs={"twice": "twice_one:Settings"}, modules={"twice_one": plain("twice")})
    install(site, "two", outputs={"twice": "twice_two:Settings"}, modules={"twice_two": plain("twice")})
    assert list(installed_types().outputs) == [*OWN, "twice"]
    with pytest.raises(
        ConfigurationError, match=r"package one 1.0 and the package two 1.0 each bring an output type twi"
    ):
        installed_types().outputs["twice"]


def test_a_package_that_lost_its_metadata_is_named_by_its_module(site: Path) -> None:
    install(site, "bare", outputs={"bare": "bare_one:Settings"}, modules={"bare_one": "x"}, has_metadata=False)
    with pytest.raises(ConfigurationError, match="type bare of the package of bare_one:Settings cannot be loaded"):
        installed_types().outputs["bare"]


def test_what_a_package_has_no_output_for_is_no_matter_of_ours(site: Path) -> None:
    install(site, "empty", outputs={}, modules={})
    assert list(installed_types().outputs) == OWN
    assert installed_types().outputs.get("deep") is None
