"""How a container of a real daemon ended is told in documents and series, whatever its labels are called."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engines.dockerd import Dockerd
from tests.integration.agent import running, wait_until
from tests.integration.test_socket_proxy import configuration

LABELS = {"exitCode": "0", "name": "another", "image": "innocent:1", "signal": "15"}


def ends(documents: Path) -> dict[str, dict[str, Any]]:
    """The `log` of each container's end, by its name; what the daemon tells again of other tests' is among them."""
    found = map(json.loads, documents.read_text().split("\n")[:-1]) if documents.exists() else ()
    return {one["log"]["container"]: one["log"] for one in found if one["log"].get("event") == "die"}


@pytest.mark.parametrize("auto_remove", [False, True])
def test_a_label_called_like_the_exit_code_hides_no_failure(
    tmp_path: Path, dockerd: Dockerd, auto_remove: bool
) -> None:
    documents = tmp_path / "documents.ndjson"
    with running(tmp_path, configuration(dockerd, dockerd.url, tmp_path)) as agent:
        wait_until(lambda: agent.metric("docker_events_connected") == 1, "events are heard")
        command = ("sh", "-c", "sleep 1; exit 3")
        plain = dockerd.run(*command, name=f"plain-{auto_remove}", auto_remove=auto_remove)
        labelled = dockerd.run(*command, name=f"labelled-{auto_remove}", auto_remove=auto_remove, labels=LABELS)
        wait_until(lambda: {plain.name, labelled.name} <= ends(documents).keys(), "both have ended")
        told = ends(documents)
        assert told[str(plain.name)]["exit_code"] == 3
        assert told[str(labelled.name)].get("exit_code", 3) == 3
        assert told[str(labelled.name)]["image"] == dockerd.image
        if not auto_remove:
            for each in (plain, labelled):
                assert agent.metric("docker_container_exits_total", name=str(each.name), kind="error") == 1
                assert agent.metric("docker_container_last_exit_code", name=str(each.name)) == 3
                each.remove()
        assert agent.ready() == {"ready": True, "reasons": []}
