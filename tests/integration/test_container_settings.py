"""What containers ask for on a real dockerd, and what comes out of a real Elasticsearch: log-pilot's forms and ours."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from tests.engines.dockerd import Dockerd
from tests.engines.search_server import SearchServer
from tests.integration.agent import running, wait_until
from tests.integration.test_docker_to_elasticsearch import configuration
from tests.reference import table_of

Document = Mapping[str, Any]
LINES = ('{"level":"info","n":1}', "plain text")
LOGS = ({"level": "info", "n": 1}, {"message": "plain text"})


class Form(NamedTuple):
    """A container that writes two lines, and what comes out: of each target, what its documents have beside `log`.

    `PRE` stands for a word of this run, so that targets are this run's own. `unparsed` lines do not fit the format.
    """

    labels: Mapping[str, str]
    environment: Mapping[str, str]
    expected: Mapping[str, Mapping[str, Any]]
    faults: int = 0
    lines: Sequence[str] = LINES
    logs: Sequence[Mapping[str, Any]] = LOGS
    unparsed: int = 0


def formatted(target: str, options: Mapping[str, str], *read: tuple[str, Mapping[str, Any]], faults: int = 0) -> Form:
    """A form with a format: its lines with what becomes of them, and a line that fits none."""
    labels = {f"aliyun.logs.{target}": "stdout"}
    labels |= {f"aliyun.logs.{target}.format{option}": value for option, value in options.items()}
    odd = ("!", {"message": "!"})
    lines, logs = zip(*read, odd, strict=True)
    return Form(labels, {}, {target: {}}, faults, lines, logs, unparsed=1)


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
        {"aliyun.logs.PRE-m": "stdout", "aliyun.logs.PRE-m.tags": "x=${HOME} #{`id`}\non: [1]"},
        {},
        {"PRE-m": {"x": "${HOME} #{`id`}\non: [1]"}},
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
    "text only": Form(
        {"aliyun.logs.PRE-t": "stdout", "aliyun.logs.PRE-t.format": "none"},
        {},
        {"PRE-t": {}},
        logs=[{"message": line} for line in LINES],
    ),
    "json": Form({"aliyun.logs.PRE-u": "stdout", "aliyun.logs.PRE-u.format": "json"}, {}, {"PRE-u": {}}, unparsed=1),
    "rule": Form({"rule": "PRE"}, {}, {"PRE-v": {"by": "rule"}}),
    "variable that is the target": Form({}, {"aliyun_logs_PRE_w": "stdout"}, {"PRE_w": {}}),
    "no label": Form({"com.docker.compose.service": "PRE-x"}, {}, {"PRE-x": {"docker_service": "PRE-x"}}),
    "csv": formatted(
        "PRE-csv",
        {"": "csv", ".keys": "time,level,text"},
        ("2024-01-02T15:04:05Z,info,done", {"time": "2024-01-02T15:04:05Z", "level": "info", "text": "done"}),
    ),
    "regexp": formatted(
        "PRE-regexp",
        {"": "regexp", ".pattern": r"/^(?<user>\w+) (?<message>.*)$/"},
        ("alice came in", {"user": "alice", "message": "came in"}),
    ),
    "csv in variables": Form(
        {},
        {"aliyun_logs_x": "stdout", "aliyun_logs_x_target": "PRE-vars"}
        | {"aliyun_logs_x_format": "csv", "aliyun_logs_x_format_keys": "a,b"},
        {"PRE-vars": {}},
        lines=("1,2",),
        logs=[{"a": "1", "b": "2"}],
    ),
    "nginx": formatted(
        "PRE-nginx",
        {"": "nginx"},
        (
            '10.0.0.2 - - [02/Jan/2024:15:04:05 +0000] "GET /x HTTP/1.1" 200 157 "-" "-"',
            {"remote": "10.0.0.2", "time": "02/Jan/2024:15:04:05 +0000", "method": "GET", "path": "/x"}
            | {"protocol": "HTTP/1.1", "code": 200, "size": 157},
        ),
    ),
    "apache2": formatted(
        "PRE-apache2",
        {"": "apache2"},
        (
            '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /x HTTP/1.0" 200 2326',
            {"host": "127.0.0.1", "user": "frank", "time": "10/Oct/2000:13:55:36 -0700", "method": "GET", "path": "/x"}
            | {"protocol": "HTTP/1.0", "code": 200, "size": 2326},
        ),
    ),
    "apache_error": formatted(
        "PRE-apache_error",
        {"": "apache_error"},
        (
            "[Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] denied",
            {"time": "Wed Oct 11 14:32:52 2000", "level": "error", "client": "127.0.0.1", "message": "denied"},
        ),
    ),
    "unknown format": Form(
        {"aliyun.logs.PRE-y": "stdout", "aliyun.logs.PRE-y.format": "nonex"}, {}, {"PRE-y": {}}, faults=1
    ),
    "custom configuration": Form({}, {"aliyun_logs_custom_config": "a.b=c"}, {}, faults=1),
    "time of a format": Form(
        {
            "aliyun.logs.PRE-time": "stdout",
            "aliyun.logs.PRE-time.format": "json",
            "aliyun.logs.PRE-time.format.time_key": "at",
            "aliyun.logs.PRE-time.format.time_format": "%Y-%m-%dT%H:%M:%S.%L%z",
        },
        {},
        {"PRE-time": {}},
        lines=('{"at":"2019-01-02T03:04:05.678+0100"}',),
        logs=({"at": "2019-01-02T03:04:05.678+0100"},),
    ),
    "old time_key": Form(
        {"aliyun.logs.PRE-z": "stdout", "aliyun.logs.PRE-z.time_key": "at"}, {}, {"PRE-z": {}}, faults=1
    ),
    "logspout's variable for lines": Form(
        {"pilotfish.target": "PRE-ml"},
        {"LOGSPOUT_MULTILINE": "true"},
        {"PRE-ml": {}},
        lines=("Traceback (most recent call last):", "  File x"),
        logs=[{"message": "Traceback (most recent call last):\n  File x"}],
    ),
}
PAGE = {  # rows of docs/migration.md → the forms that show them
    "`aliyun.logs.<name>=stdout`": ["label", "two entries"],
    "`aliyun.logs.<name>=/path/*.log`": ["one good and one bad entry"],
    "`aliyun.logs.<name>.target=<target>`": ["label with a target", "reserved target"],
    "`aliyun.logs.<name>.tags=<field>=<value>,…`": ["tags", "one bad tag", "templates are text"],
    "tags `index` and `topic`": ["index among the tags"],
    "`aliyun.logs.<name>.format=none`": ["text only"],
    "`….format=json`": ["json"],
    "`….format=csv`, `….format.keys=<names>`": ["csv", "csv in variables"],
    "`….format=regexp`, `….format.pattern=<pattern>`": ["regexp"],
    "`….format=nginx`": ["nginx"],
    "`….format=apache2`": ["apache2"],
    "`….format=apache_error`": ["apache_error"],
    "another format": ["unknown format"],
    "`….format.time_key=<member>`, `….format.time_format=<format>`": ["time of a format"],
    "`aliyun.logs.<name>.time_key`, of 2017": ["old time_key"],
    "environment variables, such as `aliyun_logs_<name>=stdout`": ["variable", "variable over label"],
    "`<name>` with `_` in the environment, or with `.` in a label": [
        "name with _ in a variable",
        "variable that is the target",
        "name with . in a label",
    ],
    "`aliyun_logs_custom_config`": ["custom configuration"],
    "`com.aliyun.access.<field>=<value>`": ["access label"],
    "another prefix (`PILOT_LOG_PREFIX` of the agent)": ["another prefix"],
    "one invalid entry disables the container": ["one good and one bad entry", "one bad tag"],
    "no label: not collected": ["no label"],
}
OURS = {"ours", "ours, for one stream", "labels and variables as fields", "rule", "logspout's variable for lines"}
LEFT_OUT = ({"a": "True"}, {"b": "x"})


def test_the_page_has_these_rows_and_each_form_is_of_one() -> None:
    assert table_of("docs/migration.md", "Labels and environment of a container") == list(PAGE)
    assert {*chain.from_iterable(PAGE.values()), *OURS} == FORMS.keys()


@pytest.fixture
def pre() -> str:
    return f"it{uuid4().hex[:8]}"


def test_each_form_of_log_pilot_and_of_ours_gives_what_it_asks_for(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, pre: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def ours(texts: Mapping[str, str]) -> dict[str, str]:
        return {name.replace("PRE", pre): value.replace("PRE", pre) for name, value in texts.items()}

    told = configuration(dockerd, elasticsearch_8) | {
        "containers": [{"labels": {"rule": pre}, "target": f"{pre}-v", "tags": {"by": "rule"}}],
        "log": {"format": "json", "level": "debug"},
    }
    environment = {"PILOT_LOG_PREFIX": "aliyun,custom", "EXCLUDE_LABELS": "a;b:x"}
    names = {}
    with running(tmp_path, told, environment=environment) as agent:
        for number, (what, form) in enumerate(FORMS.items()):
            names[what] = f"{pre}-{number}"
            script = "; ".join(f"echo '{line}'" for line in form.lines)
            dockerd.run(
                *("sh", "-c", script), name=names[what], labels=ours(form.labels), environment=ours(form.environment)
            )
        for number, labels in enumerate(LEFT_OUT):
            dockerd.run("echo", "left out", name=f"{pre}-out-{number}", labels=labels)
        dockerd.run("echo", "left out", name=f"{pre}-ignored", environment={"LOGSPOUT": "ignore"})
        wanted = sum(len(form.expected) * len(form.logs) for form in FORMS.values())
        told_as = partial(agent.metric, "pilotfish_documents_settled_total", output="elastic", result="acknowledged")
        wait_until(lambda: told_as() >= wanted, f"{wanted} documents are delivered", seconds=60)
        faults = {what: agent.metric("pilotfish_container_label_faults", name=name) for what, name in names.items()}
        unparsed = {
            what: agent.metric("pilotfish_container_unparsed_lines_total", output="elastic", name=name)
            for what, name in names.items()
        }
        assert agent.stop() == 0
    found: dict[str, list[Document]] = {}
    for hit in elasticsearch_8.refresh_and_fetch(f"{pre}*"):
        found.setdefault(hit["_source"]["@target"], []).append(hit["_source"])
        day = hit["_source"]["@timestamp"][:10].replace("-", ".")
        assert hit["_index"] == f"{hit['_source']['@target'].lower()}-{day}"
    host = dockerd.client().info()["Name"]
    table = []
    for what, form in FORMS.items():
        for target, more in form.expected.items():
            documents = found.pop(target.replace("PRE", pre))
            assert sorted(json.dumps(one["log"]) for one in documents) == sorted(map(json.dumps, form.logs)), what
            trusted = {"stream": "stdout", "host": host, "@target": target, "docker_container": names[what], **more}
            for one in documents:
                assert {key: one[key] for key in one if key not in ("log", "@timestamp")} == ours(trusted), what
        table.append(f"{what:<32} {', '.join(form.expected):<16} faults {faults[what]:.0f}, odd {unparsed[what]:.0f}")
        assert (what, faults[what], unparsed[what]) == (what, form.faults, form.unparsed)
    assert found == {}
    log = [json.loads(line) for line in agent.log.read_text().splitlines()]
    (told_of,) = [one for one in log if one.get("container") == names["one good and one bad entry"] and "reason" in one]
    assert told_of["event"] == "container only partly followed"
    assert told_of["reason"].startswith("label aliyun.logs.files: no volume and no bind mount has it")
    (settings,) = [one for one in log if one.get("container") == names["variable over label"]]
    assert settings["level"] == "debug"
    assert "x.target: environment variable aliyun_logs_x_target" in settings["set_by"]
    print("\n".join(table))
