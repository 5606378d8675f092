"""docs/migration.md says what log-pilot's and logspout's options are here: each row of its tables has a test.

The labels of containers are in `test_container_settings`, and variables in `tests/collector/config/test_others.py`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.container_settings.keys import KEYS
from collector.container_settings.options import Rule
from collector.errors import ConfigurationError
from tests.engines.search_server import SearchServer
from tests.integration.agent import running, wait_until
from tests.integration.log_tree import LogTree, envelope
from tests.integration.test_acceptance import DELIVERY, FORMS
from tests.integration.test_acceptance import HERE as ACCEPTANCE
from tests.reference import ROOT, table_of

PAGE = "docs/migration.md"
HERE = "tests/integration/test_migration.py"
VARIABLES = "tests/collector/config/test_others.py::test_each_of_their_variables_is_told_with_what_to_use_here"
DOCUMENT = f"{DELIVERY}::test_every_line_of_a_container_is_found_once_in_the_documented_form"
RESUME = f"{DELIVERY}::test_an_end_and_a_start_in_the_middle_lose_and_double_nothing"
HEALTH = f"{DELIVERY}::test_an_absence_of_elasticsearch_loses_and_doubles_nothing"
LOGSPOUT = "tests/integration/test_logspout.py"
WORDS = "tests/collector/config/test_translating_types.py"
STATES = "tests/test_specification.py::test_every_name_in_the_state_directory_is_described"
TABLES: Mapping[str, Mapping[str, str]] = {  # heading → row → file::test
    "The agent beside its variables": {
        "outputs `elasticsearch`, `file`, `console`, `null`": f"{HERE}::test_outputs_with_an_equal_are_there",
        "outputs `count`, `flowcounter`": f"{HERE}::test_outputs_with_an_equal_are_there",
        "outputs `kafka`, `redis`, `logstash`, `syslog`, `graylog`": (
            f"{WORDS}::test_no_two_types_know_one_output_of_log_pilots"
        ),
        "output `aliyun_sls`": f"{HERE}::test_outputs_without_an_equal_are_refused_with_those_that_are_there",
        "one output per agent": (
            "tests/faults/test_deliveries.py::test_scenario_23_an_output_that_is_away_delays_no_other"
        ),
        "`/run/secrets/es_credential`, as `user:password`": (
            "tests/shippers/test_elasticsearch_elsewhere.py"
            "::test_the_secret_is_divided_at_its_first_colon_and_counts_more_than_variables"
        ),
        "volume of `/` on `/host`, `SYS_ADMIN`": (
            "tests/compose/test_image.py::test_it_has_one_capability_and_can_gain_none"
        ),
        "`/pilot/pos`": STATES,
        "`/pilot/healthz`, which always reports success": HEALTH,
    },
    "The documents": {
        "`log`: the line as text, with its `\\n`; with a custom filter, an object": DOCUMENT,
        "`stream`": DOCUMENT,
        "`@timestamp`: time of collection, local time, milliseconds, without zone": (
            "tests/collector/transform/test_docker_json.py::test_another_zone_dates_documents_and_days"
        ),
        "index: date of Docker's time in UTC": (
            "tests/collector/transform/test_docker_json.py::test_another_zone_dates_documents_and_days"
        ),
        "`host`: the name of the pilot's container, unless it has the host name": DOCUMENT,
        "`docker_app`, `docker_service`, `docker_container`": (
            "tests/collector/docker/test_labels.py::test_trusted_fields_are_those_that_exist"
        ),
        "`@target`: only with a custom plugin": DOCUMENT,
        "`index`, `topic`, `tags`": FORMS,
        "`attrs` (log-opts `labels`, `env`, `tag`)": (
            "tests/integration/test_odd_lines.py::test_odd_lines_arrive_with_text_stream_time_and_attributes"
        ),
        "`k8s_pod`, `k8s_pod_namespace`, `k8s_container_name`": (
            "tests/collector/docker/test_labels.py::test_trusted_fields_are_those_that_exist"
        ),
        "mapping type `fluentd`": f"{HERE}::test_an_index_of_fluentds_type_takes_our_documents",
    },
    "Settings of containers": {
        "`LOGSPOUT=ignore` in a container's environment": FORMS,
        "`LOGSPOUT_MULTILINE=true` or `false` in a container's environment": FORMS,
        "`EXCLUDE_LABEL`, `EXCLUDE_LABELS` (`a;b:x`) of the agent": FORMS,
        "containers with a terminal only with `ALLOW_TTY`": (
            f"{ACCEPTANCE}::test_lines_of_a_terminal_have_no_carriage_return"
        ),
        "log drivers json-file, journald, db": (
            f"{ACCEPTANCE}::test_another_log_driver_is_told_once_and_nothing_is_read"
        ),
    },
    "Routes and the HTTP interface": {
        "`DOCKER_HOST`, `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`": (
            "tests/integration/test_docker_tls.py::test_a_daemon_is_followed_with_dockers_own_variables"
        ),
        "`syslog://`, `raw://`, `tcp://`, `udp://`, `tls://`; `logstash://`, `gelf://`, `kafka://`, `redis://`": (
            f"{WORDS}::test_a_route_becomes_an_output"
        ),
        "`multiline+…`": f"{LOGSPOUT}::test_multiline_joins_a_trace",
        "an adapter that is not known": (
            f"{LOGSPOUT}::test_an_adapter_that_is_not_there_ends_the_start_with_what_there_is"
        ),
        "logstash module → Logstash → Elasticsearch": DOCUMENT,
        "`filter.name`, `filter.id`, `filter.labels`, `filter.sources`": (
            "tests/collector/config/test_translating.py::test_filters_are_options_that_every_output_has"
        ),
        "`append_tag`, `structured_data`": (
            "tests/shippers/test_syslog_elsewhere.py::test_append_tag_stands_behind_the_tag"
        ),
        "`GET /routes`, `POST /routes`, `DELETE /routes/<id>`": (
            f"{LOGSPOUT}::test_a_route_is_posted_with_the_token_to_an_allowed_destination"
        ),
        "`GET /logs`, `/logs/id:<id>`, `/logs/name:<glob>`": f"{LOGSPOUT}::test_logs_are_read_with_curl_and_the_token",
        "`Accept: application/json`, WebSocket": (
            "tests/collector/web/test_logs.py::test_a_web_socket_gets_a_message_for_each_line_and_an_end"
        ),
        "`source=stdout`": "tests/collector/web/test_logs.py::test_sources_narrow_it_down",
        "`GET /health`, which always reports success": HEALTH,
        "reads from the Docker API, and keeps no position": RESUME,
    },
}
ELSEWHERE = {  # tables whose rows other tests compare with theirs
    "Labels and environment of a container": "tests/integration/test_container_settings.py"
    "::test_the_page_has_these_rows_and_each_form_is_of_one",
    "Variables of the agent": VARIABLES,
    "Variables": VARIABLES,
    "Examples of logspout's README": f"{LOGSPOUT}::test_each_row_of_the_page_is_an_example_that_a_test_runs",
}


def test_each_table_of_the_page_has_a_test_for_each_of_its_rows() -> None:
    text = (ROOT / PAGE).read_text("utf-8")
    sections = re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]
    assert {one.partition("\n")[0] for one in sections if "\n| --- |" in one} == {*TABLES, *ELSEWHERE}
    for heading, rows in TABLES.items():
        assert table_of(PAGE, heading) == list(rows), heading
    for test in {*ELSEWHERE.values(), *(test for rows in TABLES.values() for test in rows.values())}:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), test


def read(path: Path, text: str) -> Any:
    file = path / "pilotfish.yml"
    file.write_text(text)
    return load(file, installed_types(), {})


@pytest.mark.parametrize("kind", ["elasticsearch", "ndjson_file", "stdout", "null"])
def test_outputs_with_an_equal_are_there(kind: str) -> None:
    assert kind in installed_types().outputs
    assert f"`{kind}`" in (ROOT / PAGE).read_text("utf-8").replace('"null"', "null")


@pytest.mark.parametrize("kind", ["aliyun_sls", "tcp", "udp", "tls"])
def test_outputs_without_an_equal_are_refused_with_those_that_are_there(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigurationError, match=r"outputs\.x\.type: unknown type: use one of .*elasticsearch, "):
        read(tmp_path, f"outputs: {{x: {{type: {kind}}}}}")


def test_a_password_is_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a:b\n")  # log-pilot cuts it at its colon
    told = f"type: elasticsearch, hosts: ['http://es:9200'], username: u, password_file: {tmp_path}/password"
    elastic = read(tmp_path, f"outputs: {{elastic: {{{told}}}}}").outputs["elastic"]
    assert (elastic.username, elastic.password_file) == ("u", tmp_path / "password")


def test_rules_match_by_what_the_page_says_and_nothing_else(tmp_path: Path) -> None:
    (rule,) = read(
        tmp_path, "containers: [{name: 'web-*', image: 'nginx*', labels: {tier: 'f*'}, exclude: true}]"
    ).containers
    assert rule.matches("web-1", "nginx:1", {"tier": "front"})
    for name, image, labels in (
        ("x", "nginx:1", {"tier": "front"}),
        ("web-1", "x", {"tier": "front"}),
        ("web-1", "nginx:1", {}),
    ):
        assert not rule.matches(name, image, labels)
    assert set(Rule.model_fields) - {key.partition(".")[0] for key in KEYS} == {"name", "image", "labels"}


def test_an_index_of_fluentds_type_takes_our_documents(tmp_path: Path, elasticsearch_6: SearchServer) -> None:
    index = "migrated-2026.11.23"
    elasticsearch_6.request("DELETE", "/migrated-*")
    properties = {"stream": {"type": "keyword"}}
    answer = elasticsearch_6.request("PUT", f"/{index}", json={"mappings": {"fluentd": {"properties": properties}}})
    assert answer.status == 200, answer
    tree = LogTree(tmp_path / "tree")
    tree.container("migrated").write_bytes(envelope("one\n", 1))
    outputs = {"elastic": {"type": "elasticsearch", "hosts": [elasticsearch_6.url]}}
    told = {"inputs": {"directory": {"path": str(tree.root)}}, "outputs": outputs}
    with running(tmp_path, told):
        wait_until(lambda: elasticsearch_6.refresh_and_fetch(f"{index}*"), "the document is there")
    (hit,) = elasticsearch_6.refresh_and_fetch(f"{index}*")
    assert (hit["_type"], hit["_source"]["log"]) == ("fluentd", {"message": "one"})
