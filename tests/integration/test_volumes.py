"""Files in volumes on a real dockerd: each line once in a real Elasticsearch, and nothing else is read."""

import os
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.engines.dockerd import Dockerd
from tests.engines.search_server import SearchServer
from tests.integration.agent import running, wait_until
from tests.integration.test_docker_to_elasticsearch import all_once, configuration, counts

LINES = 6000
SHIFT = "for n in $(seq 12 -1 1); do [ -f $1.$n ] && mv $1.$n $1.$((n+1)); done"
RENAME = f"rotate() {{ {SHIFT}; mv $1 $1.1; }}"
COPY = f"rotate() {{ {SHIFT}; cp $1 $1.1; : > $1; }}"
DATES = "rotate() { mv $1 $1-2026$(printf %04d $((1101 + i / 500))); }"
LOAD = (
    "mkdir -p $(dirname $1); i=0; while [ $i -lt $2 ]; do i=$((i+1)); echo \"line $i of the application\" >> $1;"
    " [ $((i % 500)) -eq 0 ] && { usleep 300000; rotate $1; }; [ $((i % 50)) -eq 0 ] && usleep 20000; done; sleep 600"
)  # fmt: skip


@pytest.fixture
def pre() -> str:
    return f"it{uuid4().hex[:8]}"


def write(rotation: str, path: str, lines: int = LINES) -> list[str]:
    return ["sh", "-c", f"{rotation}\n{LOAD}", "sh", path, str(lines)]


def volume(name: str, path: str) -> dict[str, Any]:
    return {"volumes": {name: {"bind": path, "mode": "rw"}}}


def is_whole(server: SearchServer, target: str, lines: int = LINES) -> bool:
    return len(counts(server, target)) >= lines


def test_files_in_volumes_arrive_once_over_rotation_and_nothing_else_is_read(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, pre: str
) -> None:
    bound = tmp_path / "bound"
    bound.mkdir()
    (tmp_path / "secret.log").write_text("line 1 of what nobody may read\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "app.log").write_text("line 2 of what nobody may read\n")
    (bound / "link.log").symlink_to("../secret.log")
    (bound / "folder").symlink_to("../elsewhere")
    os.mkfifo(bound / "pipe.log")

    def run(name: str, command: list[str], labels: Mapping[str, str], **options: Any) -> None:
        dockerd.run(*command, name=f"{pre}-{name}", labels=dict(labels), **options)

    targets = {name: f"{pre}-{name}" for name in ("named", "anonymous", "bound", "dated")}
    with running(tmp_path, configuration(dockerd, elasticsearch_8)) as agent:
        labels = {f"aliyun.logs.{targets['named']}": "/var/log/app/*.log"}
        run("named-1", write(RENAME, "/var/log/app/app.log"), labels, **volume(f"{pre}-logs", "/var/log/app"))
        labels = {"pilotfish.x": "/logs/app.log", "pilotfish.x.target": targets["named"]}
        run("named-2", ["sleep", "600"], labels, **volume(f"{pre}-logs", "/logs"))
        run("anonymous", write(COPY, "/data/logs/app.log"),
            {f"aliyun.logs.{targets['anonymous']}": "/data/*/app.log"}, volumes=["/data"])  # fmt: skip
        run("bound", write(RENAME, "/srv/logs/web.log"),
            {f"aliyun.logs.{targets['bound']}": "/srv/*/*.log", "aliyun.logs.other": "/srv/*.log"},
            **volume(str(bound), "/srv"))  # fmt: skip
        run("dated", write(DATES, "/var/log/app.log"),
            {f"aliyun.logs.{targets['dated']}": "/var/log/app.log", "aliyun.logs.layer": "/opt/app/*.log"},
            **volume(f"{pre}-dated", "/var/log"))  # fmt: skip
        time.sleep(4)
        agent.kill()
        agent.start()
        for target in targets.values():
            whole = partial(is_whole, elasticsearch_8, target)
            wait_until(whole, f"{target} is whole", seconds=120)
        faults = {name: agent.metric("pilotfish_container_label_faults", name=f"{pre}-{name}")
                  for name in ("named-1", "named-2", "anonymous", "bound", "dated")}  # fmt: skip
        gaps = agent.metric("pilotfish_rotation_gaps_total", output="elastic")
        assert agent.stop() == 0
    for target in targets.values():
        assert counts(elasticsearch_8, target) == all_once(LINES), target
    found = [hit["_source"] for hit in elasticsearch_8.refresh_and_fetch(f"{pre}-*")]
    assert len(found) == len(targets) * LINES
    assert not [one for one in found if "nobody may read" in str(one)]
    assert Counter((one["@target"], one["docker_container"], one["file"]) for one in found) == {
        (targets["named"], f"{pre}-named-1", "/var/log/app/app.log"): LINES,
        (targets["anonymous"], f"{pre}-anonymous", "/data/logs/app.log"): LINES,
        (targets["bound"], f"{pre}-bound", "/srv/logs/web.log"): LINES,
        (targets["dated"], f"{pre}-dated", "/var/log/app.log"): LINES,
    }
    assert faults == {"named-1": 0, "named-2": 0, "anonymous": 0, "bound": 1, "dated": 1}
    assert gaps == 0
    log = (tmp_path / "agent.log").read_text()
    assert "2 of the files that it names are links, pipes, devices" in log
    assert "files in the container's own layer are not followed" in log


def test_a_volume_outlives_its_containers_and_is_read_on(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, pre: str
) -> None:
    """Each container says its last words as it goes, and the next one goes on in the same file."""
    labels = {f"aliyun.logs.{pre}-app": "/logs/app.log"}
    with running(tmp_path, configuration(dockerd, elasticsearch_8)) as agent:
        for first in range(1, 61, 20):
            step = "do echo line $i >> /logs/app.log; i=$((i+1)); done"
            script = f"i={first}; while [ $i -lt {first + 10} ]; {step}; sleep 3; while [ $i -lt {first + 20} ]; {step}"
            made = dockerd.run("sh", "-c", script, labels=labels, **volume(f"{pre}-logs", "/logs"))
            wait_until(partial(is_whole, elasticsearch_8, f"{pre}-app", first + 9), "it is read")
            made.wait()
            made.remove()
            wait_until(partial(is_whole, elasticsearch_8, f"{pre}-app", first + 19), "all is read")
        assert agent.metric("pilotfish_rotation_gaps_total", output="elastic") == 0
        assert agent.stop() == 0
    assert counts(elasticsearch_8, f"{pre}-app") == all_once(60)
