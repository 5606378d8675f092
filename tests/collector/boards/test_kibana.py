"""Saved objects are imported as each generation takes them; what is there is kept, and whatever fails is told."""

import asyncio
import base64
import socket
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from collector.boards import kibana
from collector.boards.access import Access, Secret, access
from collector.boards.files import saved_objects
from collector.boards.kibana import KIBANA, OPENSEARCH, Product, Wanted
from collector.cli.steps import line_of
from collector.errors import PilotfishError, Unavailable
from collector.ports import SetupStep
from tests.collector.boards.kibana_server import KibanaServer
from tests.collector.boards.serving import answering, serving
from tests.collector.waiting import until

BOARD = "pilotfish-docker-logs"
SERVERS = {
    "Kibana 9.2": ("9.2.0", KIBANA, kibana.NEW),
    "Kibana 8.19": ("8.19.6", KIBANA, kibana.NEW),
    "Kibana 8.7": ("8.7.1", KIBANA, kibana.OLD),
    "Kibana 7.17": ("7.17.28", KIBANA, kibana.OLD),
    "Kibana 7.9": ("7.9.3", KIBANA, kibana.OLD),
    "Kibana 6.8": ("6.8.23", KIBANA, kibana.OLD),
    "OpenSearch Dashboards 2.19": ("2.19.3", OPENSEARCH, kibana.OLD),
    "OpenSearch Dashboards 3.1": ("3.1.0", OPENSEARCH, kibana.OLD),
}


class Site:
    """A server, and our way to it."""

    def __init__(self, server: KibanaServer, product: Product, url: str, file: str) -> None:
        self.server = server
        self.product = product
        self.url = url
        self.objects = saved_objects(file)
        self.told: list[str] = []

    async def set_up(self, wanted: Wanted | None = None, reached: Access | None = None) -> list[SetupStep]:
        """What comes of it."""
        asked = kibana.set_up(self.product, reached or access(self.url), wanted or Wanted(), self.told.append)
        return [step async for step in asked]


def outcomes(steps: list[SetupStep]) -> dict[str, int]:
    return dict(Counter(step.outcome for step in steps))


async def fault(site: Site, wanted: Wanted | None = None, reached: Access | None = None) -> str:
    with pytest.raises(PilotfishError) as raised:
        await site.set_up(wanted, reached)
    assert raised.value.remedy
    return str(raised.value)


@pytest.fixture(params=SERVERS)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    version, product, file = SERVERS[request.param]
    server = KibanaServer(version, header=product.header)
    async with serving(server.app) as url:
        yield Site(server, product, url, file)


@pytest.fixture
async def newest() -> AsyncIterator[Site]:
    server = KibanaServer("8.19.6", password="s3cret", key=base64.b64encode(b"id:k3y").decode())
    async with serving(server.app) as url:
        yield Site(server, KIBANA, url, kibana.NEW)


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    return file


# ------------------------------------------------------------------ each generation


async def test_all_objects_are_created_in_order(site: Site) -> None:
    steps = await site.set_up()
    assert outcomes(steps) == {"created": len(site.objects)}
    assert list(site.server.titles()) == [one["id"] for one in site.objects]
    assert line_of(steps[-1]) == f'created    dashboard "Docker logs" ({BOARD})'
    assert site.server.objects["default", "dashboard", BOARD]["attributes"] == site.objects[-1]["attributes"]


async def test_what_is_there_is_kept_and_the_rest_created(site: Site) -> None:
    site.server.write_by_hand("dashboard", BOARD, "My logs")
    site.server.write_by_hand("index-pattern", "pilotfish-logs", "mine-*")
    steps = await site.set_up()
    assert outcomes(steps) == {"kept": 2, "created": len(site.objects) - 2}
    titles = site.server.titles()
    assert (titles[BOARD], titles["pilotfish-logs"]) == ("My logs", "mine-*")
    assert titles.keys() == {one["id"] for one in site.objects}
    assert "--overwrite" in steps[-1].remedy


async def test_again_changes_nothing(site: Site) -> None:
    await site.set_up()
    before = dict(site.server.objects)
    steps = await site.set_up()
    assert outcomes(steps) == {"kept": len(site.objects)}
    assert site.server.objects == before


async def test_overwrite_replaces_what_is_there(site: Site) -> None:
    site.server.write_by_hand("dashboard", BOARD, "My logs")
    steps = await site.set_up(Wanted(overwrite=True))
    assert outcomes(steps) == {"created": len(site.objects)}
    assert {step.text for step in steps} == {"replaced if it existed"}
    assert site.server.titles()[BOARD] == "Docker logs"


async def test_one_that_fails_is_told_and_the_others_are_created(site: Site) -> None:
    site.server.write_by_hand("dashboard", BOARD, "My logs")
    site.server.refused["pilotfish-volume-by-level"] = "index read-only"
    steps = await site.set_up()
    assert outcomes(steps) == {"kept": 1, "failed": 1, "created": len(site.objects) - 2}
    (failed,) = [step for step in steps if step.outcome == "failed"]
    assert "pilotfish-volume-by-level" in failed.subject
    assert failed.text == "index read-only"
    assert len(site.server.titles()) == len(site.objects) - 1


async def test_a_dry_run_writes_nothing(site: Site) -> None:
    steps = await site.set_up(Wanted(dry_run=True))
    assert outcomes(steps) == {"created": len(site.objects)}
    assert site.server.objects == {}
    assert {request.split()[0] for request in site.server.requests} == {"GET"}


async def test_a_server_that_starts_is_waited_for() -> None:
    server = KibanaServer("8.19.6")
    server.starting = 2
    async with serving(server.app) as url:
        site = Site(server, KIBANA, url, kibana.NEW)
        steps = await site.set_up(Wanted(wait_seconds=30))
    assert outcomes(steps) == {"created": len(site.objects)}
    assert site.told[0].startswith("waiting up to 30 s: ")
    assert "is not ready (503: Kibana server is not ready yet)" in site.told[0]
    assert site.told[1:] == [f"Kibana at {url} is version 8.19"]


async def test_a_server_that_starts_is_an_error_without_a_wait(site: Site) -> None:
    site.server.starting = 1
    with pytest.raises(Unavailable, match="--wait"):
        await site.set_up()


async def test_a_server_that_is_unavailable_is_not_written_to(site: Site) -> None:
    site.server.level = "critical"
    with pytest.raises(Unavailable, match=r"is not ready \(503\): wait for it"):
        await site.set_up()
    assert site.server.objects == {}


async def test_the_other_product_is_told_with_its_command(site: Site) -> None:
    site.product = OPENSEARCH if site.product is KIBANA else KIBANA
    told = await fault(site)
    assert f"pilotfish setup {'kibana' if site.product is OPENSEARCH else 'opensearch-dashboards'}" in told
    assert site.server.objects == {}


# ------------------------------------------------------------------ who asks, and where


async def test_a_user_and_a_key_are_let_in(newest: Site, password: Path, tmp_path: Path) -> None:
    user = access(newest.url, username="elastic", password=Secret("--password-file", password))
    assert outcomes(await newest.set_up(reached=user)) == {"created": len(newest.objects)}
    (tmp_path / "key").write_text("id:k3y\n")
    key = access(newest.url, key=Secret("--api-key-file", tmp_path / "key"), scheme="ApiKey")
    assert outcomes(await newest.set_up(reached=key)) == {"kept": len(newest.objects)}


async def test_who_is_refused_is_named_and_the_password_is_not(newest: Site, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wr0ng")
    user = access(newest.url, username="elastic", password=Secret("--password-file", tmp_path / "wrong"))
    told = await fault(newest, reached=user)
    assert "rejects the user elastic (401)" in told
    assert "wr0ng" not in told
    assert "does not report its version" in await fault(newest)


async def test_a_space_is_written_to_and_one_that_is_not_there_is_not(site: Site) -> None:
    site.server.spaces.add("operations")
    if site.server.is_opensearch:
        await site.set_up(Wanted(tenant="operations"))
        assert {headers["securitytenant"] for headers in site.server.headers} == {"operations"}
        return
    await site.set_up(Wanted(space="operations"))
    assert len(site.server.titles("operations")) == len(site.objects)
    assert site.server.titles() == {}
    told = await fault(site, Wanted(space="Operations"))
    assert "has no space 'Operations'" in told
    assert {space for space, _, _ in site.server.objects} == {"operations"}


# ------------------------------------------------------------------ bad ways


def page(status: int = 200, text: str = "<html>Log in</html>", **headers: str) -> web.Response:
    return web.Response(status=status, text=text, headers={"Content-Type": "text/html", **headers})


STATUS = web.json_response({"version": {"number": "8.19.0"}, "status": {"overall": {"level": "available"}}})


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ([page()], "answers 200 without JSON: check that --url names the right server"),
        ([page(404)], "answers 404 without JSON"),
        ([page(502)], "is not ready (502: <html>Log in</html>)"),
        ([page(302, Location="/login?next=%2F")], "redirects to /login?next=%2F (302): correct --url"),
        ([web.json_response({"status": {"overall": {"state": "red"}}})], "is not ready (red): wait for it"),
        ([web.json_response([])], "rejects the request for its status (200)"),
        ([web.json_response({"status": "green"}, status=404)], "rejects the request for its status (404)"),
        (
            [STATUS, web.json_response({"message": "not yours"}, status=403)],
            "without credentials (403: not yours)",
        ),
        (
            [STATUS, web.json_response({"message": "too large\n\x1b[2J"}, status=413)],
            "rejects the import (413: too large",
        ),
        ([STATUS, page(500)], "answers 500 without JSON"),
        (
            [STATUS, web.json_response({"success": True, "successCount": 3})],
            "imported 3 of 8 objects and gives no reason",
        ),
        (
            [STATUS, web.json_response({"success": False, "errors": [{"type": "x", "id": "y", "error": {}}]})],
            "imported None of 8 objects and gives no reason",
        ),
    ],
)
async def test_an_answer_that_is_no_use_is_told(responses: list[web.Response], expected: str) -> None:
    async with answering(*responses) as url:
        told = await fault(Site(KibanaServer("8.19.0"), KIBANA, url, kibana.NEW))
        assert expected in told
        assert "\n" not in told


ERRORS = {
    "pilotfish-logs": ({"type": "unsupported_type"}, "does not support this type of object"),
    "pilotfish-latest-errors": (
        {"type": "missing_references", "references": [{"type": "index-pattern", "id": "pilotfish-logs"}]},
        "refers to missing objects (index-pattern pilotfish-logs)",
    ),
    "pilotfish-health-events": (
        {"type": "ambiguous_conflict", "destinations": []},
        "conflicts with an existing object",
    ),
    "pilotfish-docker-logs": ({"type": "unknown", "message": "no room", "statusCode": 500}, "no room"),
}


async def test_each_type_of_error_is_told_in_words() -> None:
    objects = {one["id"]: one for one in saved_objects(kibana.NEW)}
    errors = [{"type": objects[name]["type"], "id": name, "error": error} for name, (error, _) in ERRORS.items()]
    refused = web.json_response({"success": False, "successCount": 4, "errors": errors})
    rest = web.json_response({"success": True, "successCount": len(objects) - len(ERRORS)})
    async with answering(STATUS, refused, rest) as url:
        steps = await Site(KibanaServer("8.19.0"), KIBANA, url, kibana.NEW).set_up()
    assert outcomes(steps) == {"failed": len(ERRORS), "created": len(objects) - len(ERRORS)}
    for step in (one for one in steps if one.outcome == "failed"):
        ((_, words),) = [found for name, found in ERRORS.items() if f"({name})" in step.subject]
        assert words in step.text


async def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    told = await fault(Site(KibanaServer("8.19.0"), KIBANA, url, kibana.NEW))
    assert told == f"Kibana at {url} does not answer (Connection refused): start it, or correct --url"


async def test_who_comes_up_late_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = KibanaServer("8.19.0")
    late = Site(server, KIBANA, f"http://127.0.0.1:{port}", kibana.NEW)
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(late.set_up(Wanted(wait_seconds=60)))
        await until(lambda: late.told)
        runner = web.AppRunner(server.app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        steps = await asked
        await runner.cleanup()
    assert outcomes(steps) == {"created": len(late.objects)}
    assert "Connection refused" in late.told[0]


async def test_a_wait_ends() -> None:
    async with answering(page(503)) as url:
        site = Site(KibanaServer("8.19.0"), KIBANA, url, kibana.NEW)
        with pytest.raises(Unavailable):
            await site.set_up(Wanted(wait_seconds=1.5))
        assert len(site.told) == 1
