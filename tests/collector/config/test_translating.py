"""`collector.config.translating`: the words of other collectors that name a destination, and what becomes of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from collector.app.plugins import installed_types
from collector.config.environment import Types
from collector.config.loading import load
from collector.config.models import Configuration
from collector.config.show import show
from collector.config.translating import take_outputs
from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route, ShipperSettings, Translated

SECRET = "k9-Geheim-7"


def _idle(variables: Mapping[str, str]) -> dict[str, str]:
    return {"WIRE_SPEED": "wires are fast"} if "WIRE_SPEED" in variables else {}


class Wire(ShipperSettings):
    """An output that knows the adapter `wire` of logspout's and log-pilot's output `wires`."""

    type: Literal["wire"] = "wire"
    host: str = ""
    colour: str = ""
    password: SecretStr | None = None

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        if route.adapter != "wire":
            return None
        said = {"WIRE_COLOUR": route.variables.get("WIRE_COLOUR"), "colour": route.options.get("colour")}
        found = {name: value for name, value in said.items() if value}
        origin = next(iter(found), "")
        options = {"host": route.address(7)} | ({"colour": found[origin]} if origin else {})
        return Translated(options, {"colour": origin} if origin else {}, _idle(route.variables))

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        if said.output != "wires":
            return None
        secret = said.secret("wire")
        password = {"password": secret} if secret else {}
        return Translated(
            {"host": said.variables["WIRE_HOST"], **password},
            {"host": "WIRE_HOST"} | dict.fromkeys(password, "/run/secrets/wire"),
            _idle(said.variables),
        )


OWN = installed_types()
TYPES = Types(inputs=OWN.inputs, outputs={"wire": Wire, "store": OWN.outputs["store"]}, defaults=OWN.defaults)


def loaded(
    routes: str = "",
    text: str = "",
    *,
    directory: Path | None = None,
    environ: Mapping[str, str] | None = None,
    **variables: str,
) -> Configuration:
    path = None
    if directory is not None:
        path = directory / "pilotfish.yml"
        path.write_text(text)
    return load(path, TYPES, {**(environ or {}), **variables}, routes=routes)


def outputs(configuration: Configuration) -> dict[str, Any]:
    return {name: one.model_dump(exclude_unset=True, exclude={"type"}) for name, one in configuration.outputs.items()}


def test_routes_of_the_variable_become_outputs_where_none_are_configured() -> None:
    found = loaded(ROUTE_URIS="wire://a:1,wire://b")
    assert outputs(found) == {"wire_a_1": {"host": "a:1"}, "wire_b": {"host": "b:7"}}
    assert found.told == [
        "ROUTE_URIS: route 1: becomes the output wire_a_1 of the type wire",
        "ROUTE_URIS: route 2: becomes the output wire_b of the type wire",
    ]


def test_the_variable_gives_way_to_configured_outputs_and_says_so(tmp_path: Path) -> None:
    found = loaded(text="outputs: {mine: {type: wire, host: x}}", directory=tmp_path, ROUTE_URIS="wire://a")
    assert outputs(found) == {"mine": {"host": "x"}}
    assert found.told == []
    assert [line.partition(":")[0] for line in found.warnings] == ["ROUTE_URIS"]


def test_routes_of_the_command_line_are_added_and_take_the_place_of_the_variable(tmp_path: Path) -> None:
    text = "outputs: {mine: {type: wire, host: x}}"
    found = loaded("wire://a", text, directory=tmp_path, ROUTE_URIS="wire://b")
    assert outputs(found) == {"mine": {"host": "x"}, "wire_a": {"host": "a:7"}}
    assert outputs(loaded("wire://a", ROUTE_URIS="wire://b")) == {"wire_a": {"host": "a:7"}}
    assert "host: a:7" in show(found)
    [line] = [line for line in show(found, origin=True).splitlines() if "host: a:7" in line]
    assert line.endswith("# command line")


def test_a_directory_of_routes_is_read_beside_the_variable(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"adapter": "wire", "address": "c:1", "filter_name": "*_db"}))
    found = loaded(ROUTE_URIS="wire://a", ROUTESPATH=str(tmp_path))
    assert outputs(found) == {"wire_a": {"host": "a:7"}, "wire_c_1": {"host": "c:1", "containers": ("*_db",)}}
    assert found.warnings == []
    assert loaded(ROUTESPATH=str(tmp_path / "none")).outputs.keys() == {"local"}


def test_two_routes_to_one_address_are_two_outputs() -> None:
    found = outputs(loaded("wire://a?filter.name=x,wire://a?filter.name=y"))
    assert found == {"wire_a": {"host": "a:7", "containers": ("x",)}, "wire_a_2": {"host": "a:7", "containers": ("y",)}}


def test_each_word_is_told_with_what_it_became_or_why_it_has_no_effect() -> None:
    found = loaded(ROUTE_URIS="wire://a?strange=1", WIRE_COLOUR="red", WIRE_SPEED="9")
    assert found.told[1:] == ["WIRE_COLOUR: this word of logspout's sets outputs.wire_a.colour"]
    assert found.warnings == [
        "WIRE_SPEED: this word of logspout's is ignored: wires are fast",
        "ROUTE_URIS: route 1: the option strange is ignored: the output wire_a has nothing like it",
    ]
    assert loaded(ROUTE_URIS="wire://a?colour=red").told[1:] == [
        "ROUTE_URIS: the option colour of a route sets outputs.wire_a.colour"
    ]


def test_an_adapter_that_no_output_knows_is_an_error_with_the_types() -> None:
    with pytest.raises(ConfigurationError, match=r"ROUTE_URIS: route 1 names the adapter 'wires'.*store, wire"):
        loaded(ROUTE_URIS="wires://a")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("filter.name=*_db", {"containers": ("*_db",)}),
        (f"filter.id={'0123456789ab' * 2}", {"container_ids": ("0123456789ab",)}),
        ("filter.labels=tier:web", {"container_labels": {"tier": "web"}}),
        ("filter.labels=com.example.env:prod*%2Capp:", {"container_labels": {"com.example.env": "prod*", "app": "*"}}),
        ("filter.sources=stderr", {"of_stream": "stderr"}),
        ("filter.sources=stdout%2Cstderr", {}),
    ],
)
def test_filters_are_options_that_every_output_has(filters: str, expected: dict[str, object]) -> None:
    assert outputs(loaded(f"wire://a?{filters}")) == {"wire_a": {"host": "a:7", **expected}}


@pytest.mark.parametrize("variable", ["LOGGING_OUTPUT", "FLUENTD_OUTPUT", "FILEBEAT_OUTPUT"])
def test_log_pilots_output_becomes_one_of_ours_where_none_is_configured(variable: str, tmp_path: Path) -> None:
    environ = {variable: "wires", "WIRE_HOST": "h", "WIRE_SPEED": "9", "PILOT_TYPE": "fluentd"}
    found = load(None, TYPES, environ)
    assert outputs(found) == {"wires": {"host": "h"}}
    assert found.told == [
        f"{variable}: becomes the output wires of the type wire",
        "WIRE_HOST: this word of log-pilot's sets outputs.wires.host",
    ]
    assert found.warnings == ["WIRE_SPEED: this word of log-pilot's is ignored: wires are fast"]
    configured = loaded(text="outputs: {mine: {type: wire, host: x}}", directory=tmp_path, environ=environ)
    assert outputs(configured) == {"mine": {"host": "x"}}
    assert [line.partition(":")[0] for line in configured.warnings] == sorted([variable, "PILOT_TYPE"])


def test_an_output_of_log_pilots_that_is_not_there_is_told_and_the_default_stays() -> None:
    found = loaded(LOGGING_OUTPUT="aliyun_sls")
    assert found.outputs.keys() == {"local"}
    assert found.warnings == ["LOGGING_OUTPUT: no output is like this one of log-pilot's: configure `outputs`"]


def test_a_secret_of_log_pilots_is_read_and_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "wire").write_text(f"{SECRET}\n")
    values: dict[str, Any] = {}
    environ = {"LOGGING_OUTPUT": "wires", "WIRE_HOST": "h"}
    taken = take_outputs(values, environ, TYPES, secrets=tmp_path)
    assert values["outputs"]["wires"]["password"] == SECRET
    assert SECRET not in f"{taken.told} {taken.warnings} {taken.names}"


def test_a_mistake_in_a_taken_value_names_the_variable_that_says_it() -> None:
    with pytest.raises(ConfigurationError, match=r"^LOGGING_OUTPUT: .*|ELASTICSEARCH_HOST"):
        load(None, installed_types(), {"LOGGING_OUTPUT": "elasticsearch", "ELASTICSEARCH_HOST": "a b"})


def test_routes_take_the_place_of_log_pilots_output() -> None:
    found = loaded(LOGGING_OUTPUT="wires", WIRE_HOST="h", ROUTE_URIS="wire://a")
    assert found.outputs.keys() == {"wire_a"}
    assert [line.partition(":")[0] for line in found.warnings] == ["LOGGING_OUTPUT"]
