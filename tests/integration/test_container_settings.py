"""What containers ask for on a real dockerd, and what comes out of a real Elasticsearch: log-pilot's forms and ours."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from tests.engines.dockerd import Dockerd
from tests.engines.search_server import SearchServer
from tests.integration.agent import running, wait_until
from tests.integration.test_docker_to_elasticsearch import configuration

Document = Mapping[str, Any]


class Form(NamedTuple):
    """A container that writes two lines, and what comes out: of each target, what its documents have beside `log`.

    `PRE` stands for a word of this run, so that targets are this run's own.
    """

    labels: Mapping[str, str]
    environment: Mapping[str, str]
    expected: Mapping[str, Mapping[str, Any]]
    faults: int = 0


LINES = ('{"level":"info","n":1}', "plain text")
FORMS = {
    "label": Form({"aliyun.logs.PRE-a": "stdout"}, {}, {"PRE-a": {}}),
    "label with a target": Form({"aliyun.logs.x": "stdout", "aliyun.logs.x.target": "PRE-b"}, {}, {"PRE-b": {}}),
    "variable": Form({}, {"aliyun_logs_x": "stdout", "aliyun_logs_x_target": "PRE-c"}, {"PRE-c": {}}),
    "name with _ in a variable": Form(
        {}, {"aliyun_logs_my_app": "stdout", "aliyun_logs_my_app_target": "PRE-d"}, {"PRE-d": {}}
    ),
    "name with . in a label": Form(
        {"aliyun.logs.my.app": "stdout", "aliyun.logs.my.app.target": "PRE-e"}, {}, {"PRE-e": {}}
    ),
    "variable over label": Form(
        {"aliyun.logs.x": "stdout", "aliyun.logs.x.target": "PRE-never"},
        {"aliyun_logs_x_target": "PRE-f"},
        {"PRE-f": {}},
    ),
    "another prefix": Form({"custom.logs.x": "stdout", "custom.logs.x.target": "PRE-g"}, {}, {"PRE-g": {}}),
    "tags": Form(
        {"aliyun.logs.PRE-h": "stdout", "aliyun.logs.PRE-h.tags": "stage=test,team.name=a"},
        {},
        {"PRE-h": {"stage": "test", "team_name": "a"}},
    ),
    "one bad tag": Form(
        {"aliyun.logs.PRE-i": "stdout", "aliyun.logs.PRE-i.tags": "stage=test,bad,host=x"},
        {},
        {"PRE-i": {"stage": "test"}},
        faults=2,
    ),
    "index among the tags": Form(
        {"aliyun.logs.x": "stdout", "aliyun.logs.x.tags": "index=PRE-j"}, {}, {"PRE-j": {"index": "PRE-j"}}
    ),
    "access label": Form(
        {"aliyun.logs.PRE-k": "stdout", "com.aliyun.access.zone.a": "1"}, {}, {"PRE-k": {"zone_a": "1"}}
    ),
    "one good and one bad entry": Form(
        {"aliyun.logs.PRE-l": "stdout", "aliyun.logs.files": "/var/log/*.log"}, {}, {"PRE-l": {}}, faults=1
    ),
    "templates are text": Form(
        {"aliyun.logs.PRE-m": "stdout", "aliyun.logs.PRE-m.tags": "x=${HOME} #{`id`} on: [1]"},
        {},
        {"PRE-m": {"x": "${HOME} #{`id`} on: [1]"}},
    ),
    "two entries": Form({"aliyun.logs.PRE-n": "stdout", "aliyun.logs.PRE-o": "stdout"}, {}, {"PRE-n": {}, "PRE-o": {}}),
    "ours": Form({"pilotfish.target": "PRE-p", "pilotfish.tags": "team=a"}, {}, {"PRE-p": {"team": "a"}}),
    "ours, for one stream": Form({"pilotfish.x": "stdout", "pilotfish.x.target": "PRE-q"}, {}, {"PRE-q": {}}),
    "labels and variables as fields": Form(
        {"pilotfish.target": "PRE-r", "pilotfish.fields.labels": "com.shop.*", "com.shop.tier": "front"},
        {"pilotfish_fields_env": "APP_*", "APP_ENV": "live", "APP_PASSWORD": "never"},
        {"PRE-r": {"docker_label_com_shop_tier": "front", "docker_env_APP_ENV": "live"}},
    ),
    "reserved target": Form(
        {"aliyun.logs.PRE-s": "stdout", "aliyun.logs.PRE-s.target": ".kibana"}, {}, {"PRE-s": {}}, faults=1
    ),
    "text only": Form({"aliyun.logs.PRE-t": "stdout", "aliyun.logs.PRE-t.format": "none"}, {}, {"PRE-t": {}}),
    "json": Form({"aliyun.logs.PRE-u": "stdout", "aliyun.logs.PRE-u.format": "json"}, {}, {"PRE-u": {}}),
    "rule": Form({"rule": "PRE"}, {}, {"PRE-v": {"by": "rule"}}),
}
TEXT_ONLY = "PRE-t"


@pytest.fixture
def pre() -> str:
    return f"it{uuid4().hex[:8]}"


def test_each_form_of_log_pilot_and_of_ours_gives_what_it_asks_for(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, pre: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def ours(texts: Mapping[str, str]) -> dict[str, str]:
        return {name.replace("PRE", pre): value.replace("PRE", pre) for name, value in texts.items()}

    told = configuration(dockerd, elasticsearch_8) | {
        "labels": {"prefixes": ["aliyun", "custom"]},
        "containers": [
            {"labels": {"rule": pre}, "target": f"{pre}-v", "tags": {"by": "rule"}},
            {"labels": {"optout": "true"}, "exclude": True},
        ],
    }
    script = "; ".join(f"echo {json.dumps(line)}" if "{" not in line else f"echo '{line}'" for line in LINES)
    names = {}
    with running(tmp_path, told) as agent:
        for number, (what, form) in enumerate(FORMS.items()):
            names[what] = f"{pre}-{number}"
            dockerd.run(
                *("sh", "-c", script), name=names[what], labels=ours(form.labels), environment=ours(form.environment)
            )
        dockerd.run("sh", "-c", script, name=f"{pre}-out", labels={"optout": "true"})
        dockerd.run("sh", "-c", script, name=f"{pre}-ignored", environment={"LOGSPOUT": "ignore"})
        wanted = sum(len(form.expected) for form in FORMS.values()) * len(LINES)
        told_as = partial(agent.metric, "pilotfish_documents_settled_total", output="elastic", result="acknowledged")
        wait_until(lambda: told_as() >= wanted, f"{wanted} documents are delivered", seconds=60)
        faults = {what: agent.metric("pilotfish_container_label_faults", name=name) for what, name in names.items()}
        unparsed = agent.metric("pilotfish_container_unparsed_lines_total", output="elastic", name=names["json"])
        assert agent.stop() == 0
    found: dict[str, list[Document]] = {}
    for hit in elasticsearch_8.refresh_and_fetch(f"{pre}-*"):
        found.setdefault(hit["_source"]["@target"], []).append(hit["_source"])
    host = dockerd.client().info()["Name"]
    table = []
    for what, form in FORMS.items():
        for target, more in form.expected.items():
            documents = found.pop(target.replace("PRE", pre))
            logs = [_log(line, is_text=target == TEXT_ONLY) for line in LINES]
            assert sorted(json.dumps(one["log"]) for one in documents) == sorted(map(json.dumps, logs)), what
            trusted = {"stream": "stdout", "host": host, "@target": target, "docker_container": names[what], **more}
            for one in documents:
                assert {key: one[key] for key in one if key not in ("log", "@timestamp")} == ours(trusted), what
        table.append(f"{what:<32} {', '.join(form.expected):<14} faults {faults[what]:.0f}")
        assert (what, faults[what]) == (what, form.faults)
    assert found == {}
    assert unparsed == 1
    print("\n".join(table))


def _log(line: str, *, is_text: bool) -> object:
    return {"message": line} if is_text or not line.startswith("{") else json.loads(line)
