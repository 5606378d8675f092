"""A secret of any input or output shows nowhere: not in the configuration, nor in what is said of a mistake in it."""

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import SecretStr

from collector.app.plugins import installed_types
from collector.config.environment import SECTIONS, kinds
from collector.config.loading import load
from collector.config.show import show
from collector.errors import ConfigurationError, PilotfishError
from collector.ports import OutputContext, ShipperSettings
from tests.collector.config.test_config_values import INPUTS, output_of

MARKER = "m4rk-Secret"
TYPES = installed_types()


def secrets_of(section: str, kind: str) -> list[str]:
    found = getattr(TYPES, section)[kind].model_fields
    of_texts = (name for name, field in found.items() for one in kinds(field.annotation) if SecretStr in _all(one))
    return list(dict.fromkeys(of_texts))


def _all(kind: object) -> set[object]:
    return {kind, *(each for inner in get_args(kind) for each in _all(inner))}


SECRETS = [
    (section, kind, option)
    for section in SECTIONS
    for kind in getattr(TYPES, section)
    for option in secrets_of(section, kind)
]
BESIDE: dict[str, dict[str, Any]] = {
    "password": {"username": "me"},
    "secret_access_key": {"access_key_id": "me"},
    "session_token": {"access_key_id": "me", "secret_access_key": "x"},
    "sasl_password": {"sasl_username": "me", "sasl_mechanism": "PLAIN"},
    "token": {"preset": "splunk_hec"},
}
VALUES = {"proxy_url": f"http://me:{MARKER}@proxy:3128", "headers": {"X-Key": MARKER}}


def opened(settings: ShipperSettings, tmp_path: Path) -> str:
    try:
        return repr(settings.open(OutputContext("far", tmp_path / "state")))
    except PilotfishError as error:
        return str(error)


@pytest.mark.parametrize(("section", "kind", "option"), SECRETS, ids=[".".join(each) for each in SECRETS])
def test_a_secret_is_shown_nowhere(tmp_path: Path, section: str, kind: str, option: str) -> None:
    least = output_of(kind) if section == "outputs" else INPUTS[kind]
    needed = {name: value for name, value in least.items() if name not in ("username", "password")}
    given = {"type": kind, **needed, **BESIDE.get(option, {}), option: VALUES.get(option, MARKER)}
    file = tmp_path / "pilotfish.yml"
    file.write_text(yaml.safe_dump({section: {"far": given}}))
    configuration = load(file, TYPES, {})
    settings = getattr(configuration, section)["far"]
    said = [repr(settings), str(settings), settings.model_dump_json(), show(configuration)]
    if section == "outputs":
        said += [settings.promise().text, opened(settings, tmp_path)]
    assert MARKER not in "".join(said)
    file.write_text(yaml.safe_dump({section: {"far": {**given, "nothing": "soon", f"{option}_file": "/x"}}}))
    with pytest.raises(ConfigurationError) as refused:
        load(file, TYPES, {})
    assert MARKER not in str(refused.value)
