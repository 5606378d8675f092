"""`collector.web.v1.searching`: pages, histograms by value, facets, patterns and the lines around one."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.collector.web.agent import Site, site
from tests.collector.web.held import COUNT, OPEN, VAULT, held, lines

SINCE, UNTIL = "2026-11-23T02:13:05.5Z", "2026-11-23T02:13:21Z"


async def told(here: Site, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
    async with here.session.get(here.url(f"/api/v1/{path}"), headers={**here.headers, **headers}) as answer:
        return answer.status, json.loads(await answer.read())


def numbers(found: dict[str, Any]) -> list[int]:
    return [int(one["log"]["message"].split()[2]) for one in found["documents"]]


async def test_a_page_says_where_the_next_begins(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        _, first = await told(here, "search?target=shop&limit=20&sort=oldest")
        assert (first["total"], first["cut"], numbers(first)) == (COUNT, False, list(range(20)))
        _, rest = await told(here, f"search?target=shop&limit=20&sort=oldest&after={first['cursor']}")
        assert (numbers(rest), rest["cursor"]) == (list(range(20, 30)), "")


async def test_ndjson_has_one_document_a_line_and_the_rest_in_headers(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        headers = {**here.headers, "Accept": "application/x-ndjson"}
        async with here.session.get(here.url("/api/v1/search?target=shop&limit=3"), headers=headers) as answer:
            documents = [json.loads(line) for line in (await answer.read()).splitlines()]
        assert [one["_id"] for one in documents] == [lines(OPEN).ids[n] for n in (29, 28, 27)]
        assert answer.headers["Pilotfish-Total"] == "30"
        _, rest = await told(here, f"search?target=shop&limit=1&after={answer.headers['Pilotfish-Cursor']}")
        assert numbers(rest) == [26]


@pytest.mark.parametrize(
    "bounds",
    ["", f"&since={SINCE}", f"&until={UNTIL}", f"&since={SINCE}&until={UNTIL}"],
)
@pytest.mark.parametrize("buckets", [1, 4, 12, 60])
async def test_a_histogram_by_value_adds_up_to_its_buckets(tmp_path: Path, bounds: str, buckets: int) -> None:
    async with held(tmp_path) as here:
        _, plain = await told(here, f"histogram?buckets={buckets}{bounds}")
        _, found = await told(here, f"histogram?buckets={buckets}&by=level{bounds}")
        _, search = await told(here, f"search?limit=100{bounds}")
    assert [(one["start"], one["count"]) for one in found["buckets"]] == [
        (one["start"], one["count"]) for one in plain["buckets"]
    ]
    assert all(sum(one["by"].values()) == one["count"] for one in found["buckets"])
    sums = {level: sum(one["by"].get(level, 0) for one in found["buckets"]) for level in ("error", "info", "")}
    errors = sum(one["log"]["level"] == "error" for one in search["documents"])
    assert sums == {"error": errors, "info": search["total"] - errors, "": 0}


async def test_values_beyond_the_eight_most_frequent_are_counted_together(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        _, found = await told(here, "histogram?buckets=10&by=message&target=shop")
    assert all(sum(one["by"].values()) == one["count"] for one in found["buckets"])
    assert sum(one["by"].get("", 0) for one in found["buckets"]) == COUNT - 8


async def test_facets_count_values_of_what_matches(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        _, found = await told(here, "facets?q=level:error&facet=target&facet=stream&values=1")
    assert found["total"] == 20
    assert found["facets"]["target"][0]["count"] == 10
    assert [one["count"] for one in found["facets"]["stream"]] == [10]


@pytest.mark.parametrize(("of", "together"), [("container", 1), ("all", 2)])
async def test_a_context_is_in_order_around_its_document(tmp_path: Path, of: str, together: int) -> None:
    async with held(tmp_path) as here:
        name = lines(OPEN).ids[10]
        _, found = await told(here, f"context?id={name}&before=4&after=6&of={of}")
        assert found["documents"][found["at"]]["_id"] == name
        assert (found["at"], len(found["documents"])) == (4, 11)
        times = [one["@timestamp"] for one in found["documents"]]
        assert times == sorted(times)
        assert len({one["docker_container"] for one in found["documents"]}) == together
        _, edge = await told(here, f"context?id={lines(OPEN).ids[0]}&before=4&after=0")
        assert (edge["at"], numbers(edge)) == (0, [0])
        status, missing = await told(here, "context?id=nosuch-1")
        assert (status, missing["error"]) == (404, "there is no such document")
        assert (await told(here, "context"))[0] == 400


async def test_patterns_join_messages_that_differ_in_numbers_and_addresses(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        _, found = await told(here, "patterns?limit=1&target=vault")
    assert (found["looked_at"], found["total"]) == (COUNT, COUNT)
    (pattern,) = found["patterns"]
    assert (pattern["pattern"], pattern["count"]) == ("vault line <…> of <…>", COUNT)
    assert (pattern["first"][17:19], pattern["last"][17:19]) == ("00", "29")
    assert pattern["id"] == lines(VAULT).ids[29]


async def test_without_an_output_that_can_be_searched_each_says_so(tmp_path: Path) -> None:
    async with site(tmp_path, search=lambda _: None) as here:
        for path in ("search", "histogram", "facets", "patterns", "context?id=x", "export", "export/size"):
            status, found = await told(here, path)
            assert (status, found["error"]) == (501, "search needs an output that can be searched"), path


@pytest.mark.parametrize(
    "path",
    ["search?buckets=3", "histogram?buckets=1001", "facets?facet=", "context?id=x&of=host", "patterns?limit=x",
     "search?q=a:(", "search?since=yesterday", "export?format=exe", "containers?x=1", "outputs?x=1"],
)  # fmt: skip
async def test_a_wrong_argument_is_told_with_a_remedy(tmp_path: Path, path: str) -> None:
    async with held(tmp_path) as here:
        status, found = await told(here, path)
    assert status == 400
    assert found["error"]
    assert found["remedy"]
