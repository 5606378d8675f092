"""The Grafana boards show what is exported, lead to each other, and are of a form that Grafana 10 to 13 take."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.grafana import BOARDS, FOLDER, VARIABLES, Json, filled, load, panels, targets
from tests.dashboards.promql import LABELS, grouped, selectors, unknown
from tests.dashboards.promtool import refused

UIDS = {
    "pilotfish.json": "pilotfish",
    "docker-host.json": "pilotfish-docker-host",
    "containers.json": "pilotfish-containers",
}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Those in use, as packages/grafana-data/src/valueFormats/categories.ts in Grafana has them; `binBps` counts in 1024s.
UNITS = {"none", "short", "bytes", "binBps", "s", "percentunit", "cps", "reqps"}
# Grafana's own panels of 10 to 13; graph, singlestat, table-old, grafana-piechart-panel … are gone or rely on Angular.
KINDS = {"row", "timeseries", "stat", "table", "bargauge", "state-timeline"}
# As docs/sources/administration/provisioning/index.md in Grafana lists them.
SOURCE_KEYS = {
    *("name", "type", "access", "orgId", "uid", "url", "user", "database", "basicAuth", "basicAuthUser"),
    *("withCredentials", "isDefault", "jsonData", "secureJsonData", "version", "editable"),
}
PROMETHEUS_KEYS = {"httpMethod", "timeInterval", "customQueryParameters", "manageAlerts", "alertmanagerUid"}
PROVIDER_KEYS = {
    *("name", "orgId", "folder", "folderUid", "type", "disableDeletion", "updateIntervalSeconds"),
    *("allowUiUpdates", "options"),
}
CLASSIC = {38, 39}  # schemaVersion that Grafana 10 writes; later ones migrate it when they load it

every_board = pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)


def drawn(board: Json) -> list[Json]:
    """The panels without rows."""
    return [panel for panel in panels(board) if panel["type"] != "row"]


def queries(board: Json) -> list[tuple[Json, Json]]:
    return [(panel, target) for panel in drawn(board) for target in panel["targets"]]


def variables(board: Json) -> dict[str, Json]:
    return {one["name"]: one for one in board["templating"]["list"]}


def values(tree: Any, key: str) -> Iterator[Any]:
    """What stands under a key, wherever it is."""
    if isinstance(tree, dict):
        yield from (value for name, value in tree.items() if name == key)
        tree = list(tree.values())
    if isinstance(tree, list):
        for inner in tree:
            yield from values(inner, key)


def properties(panel: Json, key: str) -> list[Any]:
    """What a panel sets of its fields: for all of them, and for some."""
    config = panel["fieldConfig"]
    chosen = [one["value"] for each in config["overrides"] for one in each["properties"] if one["id"] == key]
    return chosen + [value for name, value in config["defaults"].items() if name == key]


def yielded(expression: str) -> set[str]:
    """The labels that tell the lines of an expression apart: where it groups those, else those of its series."""
    lists = re.findall(r"\bby\s*\(([^)]*)\)", expression)
    if lists:
        return set.intersection(*({label.strip() for label in one.split(",")} for one in lists)) - {"le"}
    if re.search(r"\b(?:sum|min|max|avg|count)\s*\(", expression):
        return set()
    return set(frozenset.intersection(*(LABELS[one.series] for one in selectors(expression))))


def columns(panel: Json) -> set[str]:
    """The columns that a table shows in the end."""
    (renamed,) = (one["options"]["renameByName"] for one in panel["transformations"] if one["id"] == "organize")
    return set(renamed.values())


def overlap(one: Json, other: Json) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


# ---------------------------------------------------------------------- the files


def test_there_are_three_boards_with_lasting_uids() -> None:
    assert {path.name: load(path)["uid"] for path in BOARDS} == UIDS


@every_board
def test_a_file_is_written_as_grafana_exports_it(path: Path) -> None:
    """So that an export shows as a difference only what was changed."""
    assert path.read_text() == json.dumps(load(path), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@every_board
def test_a_board_is_classic_and_to_be_provisioned(path: Path) -> None:
    board = load(path)
    assert board["schemaVersion"] in CLASSIC
    assert board["id"] is None
    assert "__inputs" not in board
    assert board["title"]
    assert board["description"]


# ---------------------------------------------------------------------- panels


@every_board
def test_each_panel_has_an_id_of_its_own(path: Path) -> None:
    found = Counter(panel["id"] for panel in panels(load(path)))
    assert max(found.values()) == 1


@every_board
def test_panels_stand_side_by_side(path: Path) -> None:
    places = [(panel["title"], panel["gridPos"]) for panel in load(path)["panels"]]
    for title, place in places:
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24, title
        assert place["y"] >= 0, title
        assert place["h"] >= 1, title
    assert [(one, other) for (one, here), (other, there) in combinations(places, 2) if overlap(here, there)] == []


@every_board
def test_each_panel_says_what_it_shows_and_what_would_be_bad(path: Path) -> None:
    board = load(path)
    assert all(panel["title"] for panel in panels(board))
    assert [panel["title"] for panel in drawn(board) if len(panel["description"]) < 60] == []
    assert max(Counter(panel["title"] for panel in panels(board)).values()) == 1


@every_board
def test_each_panel_is_of_a_kind_that_grafana_still_has(path: Path) -> None:
    assert {panel["type"] for panel in panels(load(path))} <= KINDS


@every_board
def test_each_unit_is_known(path: Path) -> None:
    for panel in drawn(load(path)):
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert set(properties(panel, "unit")) <= UNITS, panel["title"]


@every_board
def test_a_panel_over_time_asks_for_no_finer_steps_than_a_scrape(path: Path) -> None:
    for panel in drawn(load(path)):
        over_time = any(target["range"] for target in panel["targets"])
        assert panel.get("interval") in ({"15s", "1m"} if over_time else {None}), panel["title"]


@every_board
def test_what_is_set_for_some_fields_finds_them(path: Path) -> None:
    for panel in drawn(load(path)):
        legends = {target["legendFormat"] for target in panel["targets"]}
        shown = columns(panel) if panel["type"] == "table" else legends
        open_ended = any(re.fullmatch(r"\{\{\w+\}\}", legend) for legend in legends)
        for matcher in (each["matcher"] for each in panel["fieldConfig"]["overrides"]):
            if matcher["id"] == "byRegexp":
                ending = matcher["options"].removeprefix("/").removesuffix("$/")
                named = any(one.endswith(ending) or re.search(r" \{\{\w+\}\}$", one) for one in shown)
                assert named, (panel["title"], matcher)
            else:
                assert matcher["id"] == "byName"
                assert matcher["options"] in shown or open_ended, (panel["title"], matcher)


@every_board
def test_a_table_shows_columns_that_its_queries_yield(path: Path) -> None:
    for panel in (panel for panel in drawn(load(path)) if panel["type"] == "table"):
        asked = panel["targets"]
        labels = set().union(*(yielded(target["expr"]) for target in asked))
        numbers = {f"Value #{target['refId']}" for target in asked} if len(asked) > 1 else {"Value"}
        keep, *_, last = (one["options"] for one in panel["transformations"])
        assert set(keep["include"]["names"]) <= labels | numbers, panel["title"]
        assert labels <= set(keep["include"]["names"]), panel["title"]
        assert last["renameByName"].keys() == last["indexByName"].keys() == set(keep["include"]["names"])
        assert {one["displayName"] for one in panel["options"]["sortBy"]} <= columns(panel), panel["title"]
        assert all(target["format"] == "table" for target in asked)


# ---------------------------------------------------------------------- queries


@every_board
def test_every_query_asks_the_chosen_datasource(path: Path) -> None:
    board = load(path)
    assert all(target["datasource"] == DATASOURCE for _, target in queries(board))
    found = list(values(board, "datasource"))
    assert found
    assert all(one == DATASOURCE for one in found)
    assert variables(board)["datasource"].items() >= {"type": "datasource", "query": "prometheus"}.items()


@every_board
def test_each_series_and_label_is_exported(path: Path) -> None:
    faults = {one.panel: found for one in targets(path) if (found := unknown(one.expression, {}))}
    assert faults == {}


@every_board
@pytest.mark.engines
def test_each_query_is_promql(path: Path, tmp_path: Path) -> None:
    expressions = [one.expression for one in targets(path)]
    assert len(expressions) > 20
    assert [one for one in expressions if "$" in one] == []
    assert refused(expressions, tmp_path) == ""


@every_board
def test_each_query_is_of_the_chosen_agent_and_containers(path: Path) -> None:
    board = load(path)
    chosen = variables(board).keys() - {"datasource", "filters"}
    for panel, target in queries(board):
        for one in selectors(target["expr"]):
            assert chosen & LABELS[one.series] <= one.labels, (panel["title"], one)
        assert set(re.findall(r"\$(\w+)", target["expr"])) <= {*chosen, *VARIABLES}, panel["title"]
        assert 'instance="$instance"' in target["expr"], panel["title"]
        assert ("name" in chosen) == ('name=~"$name"' in target["expr"]), panel["title"]


@every_board
def test_ranges_follow_the_time_shown(path: Path) -> None:
    """A range of its own hides points as soon as Grafana's step is longer."""
    for panel, target in queries(load(path)):
        ranges = set(re.findall(r"\[([^\]]*)\]", target["expr"]))
        assert ranges <= {"$__rate_interval", "$__range"}, panel["title"]
        assert "$__range" not in ranges or target["instant"], panel["title"]
        assert target["instant"] != target["range"], panel["title"]


@every_board
def test_a_legend_tells_lines_apart_by_what_the_query_yields(path: Path) -> None:
    for panel, target in queries(load(path)):
        if panel["type"] == "table":
            continue
        named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert target["legendFormat"] != "__auto", panel["title"]
        assert named <= yielded(target["expr"]), panel["title"]
        assert grouped(target["expr"]) & yielded(target["expr"]) - {"instance"} <= named, panel["title"]


@every_board
def test_a_quantile_keeps_the_buckets_apart(path: Path) -> None:
    for panel, target in queries(load(path)):
        if "histogram_quantile" in target["expr"]:
            assert "le" in grouped(target["expr"]), panel["title"]


@every_board
def test_each_variable_asks_for_a_label_of_a_series(path: Path) -> None:
    found = variables(load(path))
    assert list(found) == ["datasource", "instance", *(["name"] if path.stem == "containers" else []), "filters"]
    for one in (one for one in found.values() if one["type"] == "query"):
        assert one["query"]["query"] == one["definition"]
        parts = re.fullmatch(r"label_values\((.*), (\w+)\)", one["definition"])
        assert parts
        expression = filled(parts[1], VARIABLES)
        assert unknown(expression, {}) == []
        assert all(parts[2] in LABELS[selector.series] for selector in selectors(expression))


@every_board
def test_hosts_of_one_instance_can_be_told_apart(path: Path) -> None:
    """By a label that nobody here knows: Grafana adds an ad hoc filter to each selector of each query."""
    chosen = variables(load(path))["filters"]
    assert chosen.items() >= {"type": "adhoc", "datasource": DATASOURCE, "filters": [], "hide": 0}.items()


# ---------------------------------------------------------------------- ways between the boards


@every_board
def test_links_lead_to_the_other_boards(path: Path) -> None:
    board = load(path)
    found = [(link, re.match(r"/d/([\w-]+)", link["url"])) for links in values(board, "links") for link in links]
    found += [
        (link, re.match(r"/d/([\w-]+)", link["url"]))
        for panel in drawn(board)
        for links in properties(panel, "links")
        for link in links
    ]
    assert all(link["title"] for link, _ in found)
    assert {led[1] if led else "" for _, led in found} <= set(UIDS.values())
    assert {link["url"].removeprefix("/d/") for link in board["links"]} == set(UIDS.values()) - {board["uid"]}
    assert all(link["keepTime"] and link["includeVars"] for link in board["links"])


@every_board
def test_a_link_hands_on_variables_that_the_other_board_has(path: Path) -> None:
    known = {load(other)["uid"]: variables(load(other)).keys() for other in BOARDS}
    for panel in drawn(load(path)):
        for link in (link for links in properties(panel, "links") for link in links):
            uid, _, query = link["url"].removeprefix("/d/").partition("?")
            handed = re.findall(r"\$\{(\w+):queryparam\}|var-(\w+)=", query)
            assert {one or other for one, other in handed} == known[uid], panel["title"]


# ---------------------------------------------------------------------- provisioning


def test_what_is_provisioned_is_what_the_boards_ask_for() -> None:
    sources = yaml.safe_load((FOLDER / "provisioning/datasources.yml").read_text())
    (source,) = sources["datasources"]
    assert sources["apiVersion"] == 1
    assert (source["type"], source["uid"], source["url"]) == ("prometheus", "prometheus", "http://prometheus:9090")


def test_provisioning_files_hold_only_what_grafana_reads() -> None:
    """Anything else, a key of another spelling above all, it passes over in silence."""
    sources = yaml.safe_load((FOLDER / "provisioning/datasources.yml").read_text())
    assert sources.keys() <= {"apiVersion", "datasources", "deleteDatasources", "prune"}
    for source in sources["datasources"]:
        assert {"name", "type", "access"} <= source.keys() <= SOURCE_KEYS
        assert source["jsonData"].keys() <= PROMETHEUS_KEYS
        assert (source["access"], source["isDefault"]) == ("proxy", True)
    provisioned = yaml.safe_load((FOLDER / "provisioning/dashboards.yml").read_text())
    assert provisioned.keys() == {"apiVersion", "providers"}
    for provider in provisioned["providers"]:
        assert {"name", "type", "options"} <= provider.keys() <= PROVIDER_KEYS
        assert {"path"} <= provider["options"].keys() <= {"path", "foldersFromFilesStructure"}
        assert isinstance(provider["updateIntervalSeconds"], int)
        assert isinstance(provider["allowUiUpdates"], bool)


def test_steps_are_as_long_as_scrapes() -> None:
    (source,) = yaml.safe_load((FOLDER / "provisioning/datasources.yml").read_text())["datasources"]
    scraped = yaml.safe_load((FOLDER.parents[1] / "deploy/compose/prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]


def test_boards_are_provisioned_from_files() -> None:
    provisioned = yaml.safe_load((FOLDER / "provisioning/dashboards.yml").read_text())
    (provider,) = provisioned["providers"]
    assert provisioned["apiVersion"] == 1
    assert provider["type"] == "file"
    assert Path(provider["options"]["path"]).is_absolute()
