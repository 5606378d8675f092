"""Boards come with data source and folder; what somebody else made or saved is kept, and whatever fails is told."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from collector.boards import grafana
from collector.boards.access import Access, Secret, access
from collector.boards.files import boards
from collector.boards.grafana import Wanted
from collector.cli.steps import line_of
from collector.errors import PilotfishError, Unavailable
from collector.ports import SetupStep
from tests.collector.boards.grafana_server import GrafanaServer
from tests.collector.boards.serving import answering, serving
from tests.dashboards.grafana import FOLDER

WANTED = Wanted("http://prometheus:9090")
HOST = "pilotfish-docker-host"


class Site:
    """A server, and our way to it."""

    def __init__(self, server: GrafanaServer, url: str) -> None:
        self.server = server
        self.url = url
        self.told: list[str] = []

    async def set_up(self, wanted: Wanted = WANTED, reached: Access | None = None) -> list[str]:
        """What comes of it, as a user reads it."""
        return [line_of(one) for one in await self.steps(wanted, reached)]

    async def steps(self, wanted: Wanted = WANTED, reached: Access | None = None) -> list[SetupStep]:
        """What comes of it."""
        asked = grafana.set_up(reached or access(self.url), wanted, self.told.append)
        return [step async for step in asked]


def board(uid: str, **changed: object) -> dict[str, Any]:
    (found,) = [one for one in boards() if one["uid"] == uid]
    return found | changed


async def fault(site: Site, wanted: Wanted = WANTED, reached: Access | None = None) -> str:
    with pytest.raises(PilotfishError) as raised:
        await site.steps(wanted, reached)
    assert raised.value.remedy
    return str(raised.value)


@pytest.fixture(params=["10.4.19", "11.6.7", "12.2.0", "13.0.1", ""])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    server = GrafanaServer(request.param)
    async with serving(server.app) as url:
        yield Site(server, url)


# ------------------------------------------------------------------ each release


async def test_all_is_made_where_nothing_is(site: Site) -> None:
    assert await site.set_up() == [
        'created    data source "Prometheus" (http://prometheus:9090)',
        'created    folder "Pilotfish"',
        'created    board "Containers" (pilotfish-containers)',
        'created    board "Docker host" (pilotfish-docker-host)',
        'created    board "Pilotfish" (pilotfish)',
    ]
    (folder,) = site.server.folders
    assert set(site.server.folder_of.values()) == {folder["uid"]}
    stored = site.server.boards[HOST]
    assert stored | {"id": None, "version": board(HOST)["version"]} == board(HOST)


async def test_the_data_source_is_the_provisioned_one(site: Site) -> None:
    await site.set_up()
    (provisioned,) = yaml.safe_load((FOLDER / "provisioning/datasources.yml").read_text())["datasources"]
    assert site.server.sources == [provisioned]


async def test_again_changes_nothing(site: Site) -> None:
    await site.set_up()
    before = json.dumps([site.server.boards, site.server.folders, site.server.sources])
    assert [line.split()[0] for line in await site.set_up()] == ["kept", "kept", *["unchanged"] * 3]
    assert json.dumps([site.server.boards, site.server.folders, site.server.sources]) == before


async def test_what_an_operator_saved_is_kept_until_overwrite(site: Site) -> None:
    await site.set_up()
    site.server.save_by_hand(site.server.boards[HOST] | {"title": "Mine"}, "folder0")
    kept = [one for one in await site.steps() if one.outcome == "kept" and HOST in one.subject]
    assert "--overwrite" in kept[0].remedy
    assert site.server.titles()[HOST] == "Mine"
    outcomes = [one.outcome for one in await site.steps(WANTED._replace(overwrite=True))]
    assert outcomes == ["kept", "kept", "updated", "updated", "updated"]
    assert site.server.titles()[HOST] == "Docker host"


async def test_a_board_of_an_older_release_is_brought_up_to_date(site: Site) -> None:
    await site.set_up()
    site.server.boards[HOST]["title"] = "As it was"
    site.server.history[HOST][-1]["message"] = "Pilotfish setup, content 0123456789ab"
    outcomes = [one.outcome for one in await site.steps()]
    assert outcomes == ["kept", "kept", "unchanged", "updated", "unchanged"]
    assert site.server.titles()[HOST] == "Docker host"
    assert site.server.boards[HOST]["version"] == 2


async def test_a_board_stays_in_the_folder_where_it_was_put(site: Site) -> None:
    site.server.folders.append({"uid": "own", "title": "Own"})
    site.server.save_by_hand(board(HOST), "own")
    await site.set_up(WANTED._replace(overwrite=True))
    assert site.server.folder_of[HOST] == "own"


async def test_no_folder_is_the_root(site: Site) -> None:
    await site.set_up(WANTED._replace(folder=""))
    assert site.server.folders == []
    assert set(site.server.folder_of.values()) == {""}


async def test_a_provisioned_board_is_kept_and_told_with_overwrite(site: Site) -> None:
    site.server.save_by_hand(board(HOST))
    site.server.provisioned.add(HOST)
    outcomes = [one.outcome for one in await site.steps()]
    assert outcomes == ["created", "created", "created", "kept", "created"]
    failed = [one for one in await site.steps(WANTED._replace(overwrite=True)) if one.outcome == "failed"]
    assert [HOST in one.subject and "from a file" in one.text for one in failed] == [True]


async def test_a_prometheus_that_is_there_is_used(site: Site) -> None:
    site.server.sources = [{"name": "Thanos", "uid": "x", "type": "prometheus", "url": "http://thanos:9090"}]
    assert (await site.set_up())[0] == 'kept       data source "Thanos" (it uses http://thanos:9090)'
    assert len(site.server.sources) == 1


async def test_another_default_data_source_stays_the_default(site: Site) -> None:
    site.server.sources = [{"name": "Loki", "uid": "loki", "type": "loki", "url": "http://loki", "isDefault": True}]
    await site.set_up()
    assert [one["isDefault"] for one in site.server.sources] == [True, False]


async def test_a_name_that_is_taken_is_told_and_the_boards_come(site: Site) -> None:
    site.server.sources = [{"name": "Prometheus", "uid": "p", "type": "influxdb", "url": "http://influx"}]
    steps = await site.steps()
    assert [one.outcome for one in steps] == ["failed", "created", "created", "created", "created"]
    assert "by hand" in steps[0].remedy


async def test_a_dry_run_writes_nothing(site: Site) -> None:
    site.server.save_by_hand(board(HOST, title="Mine"))
    lines = await site.set_up(WANTED._replace(dry_run=True))
    assert [line.split(" ")[0] for line in lines] == ["created", "created", "created", "kept", "created"]
    assert {request.split()[0] for request in site.server.requests} == {"GET"}
    assert (site.server.sources, site.server.folders, len(site.server.boards)) == ([], [], 1)


async def test_a_title_that_is_taken_is_never_written_over() -> None:
    server = GrafanaServer("10.4.19")  # later ones let a title stand twice
    server.folders.append({"uid": "own", "title": "Pilotfish"})
    server.save_by_hand({"uid": "mine", "title": "Docker host", "id": None}, "own")
    async with serving(server.app) as url:
        for overwrite in (False, True):
            steps = await Site(server, url).steps(WANTED._replace(overwrite=overwrite))
            assert ["rename" in one.text for one in steps if one.outcome == "failed"] == [True]
    assert server.titles()["mine"] == "Docker host"
    assert server.boards["mine"]["version"] == 1


async def test_who_saves_at_the_same_time_is_not_written_over() -> None:
    server = GrafanaServer()
    server.save_by_hand(board(HOST))

    @web.middleware
    async def meanwhile(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.endswith("/versions"):
            server.save_by_hand(board(HOST, title="Mine"))
        answer: web.StreamResponse = await handler(request)
        return answer

    app = server.app
    app.middlewares.append(meanwhile)
    async with serving(app) as url:
        steps = await Site(server, url).steps(WANTED._replace(overwrite=True))
    assert [one.text for one in steps if one.outcome == "failed"] == [
        "somebody else saved it at the same time; run this command again"
    ]
    assert server.titles()[HOST] == "Mine"


# ------------------------------------------------------------------ who asks, and bad ways


async def test_a_user_and_a_token_are_let_in_and_others_are_not(tmp_path: Path) -> None:
    server = GrafanaServer(password="s3cret", token="glsa_t0ken")
    (tmp_path / "password").write_text("s3cret\n")
    (tmp_path / "token").write_text("glsa_t0ken\n")
    (tmp_path / "wrong").write_text("wr0ng")
    async with serving(server.app) as url:
        site = Site(server, url)
        token = access(url, key=Secret("--token-file", tmp_path / "token"), scheme="Bearer")
        user = access(url, username="admin", password=Secret("--password-file", tmp_path / "password"))
        wrong = access(url, key=Secret("--token-file", tmp_path / "wrong"), scheme="Bearer")
        assert {one.outcome for one in await site.steps(reached=token)} == {"created"}
        assert {one.outcome for one in await site.steps(reached=user)} == {"kept", "unchanged"}
        told = await fault(site, reached=wrong)
    assert "rejects the secret of --token-file (401)" in told
    assert "wr0ng" not in told


async def test_a_server_that_starts_is_waited_for() -> None:
    server = GrafanaServer()
    server.starting = 1
    async with serving(server.app) as url:
        site = Site(server, url)
        assert len(await site.set_up(WANTED._replace(wait_seconds=30))) == 5
    assert "is not ready (503" in site.told[0]
    assert site.told[-1] == f"Grafana at {url} is version 12.2.0"


async def test_a_server_without_its_database_is_not_ready() -> None:
    server = GrafanaServer()
    server.database = "failing"
    async with serving(server.app) as url:
        with pytest.raises(Unavailable, match="no database"):
            await Site(server, url).steps()


async def test_a_release_that_cannot_show_the_boards_is_told() -> None:
    server = GrafanaServer("9.5.21")
    async with serving(server.app) as url:
        assert "is version 9.5.21: the boards need 10 or later" in await fault(Site(server, url))
    assert server.boards == {}


async def test_another_server_is_told() -> None:
    async with answering(web.json_response({"status": "up"})) as url:
        assert "does not answer as Grafana does" in await fault(Site(GrafanaServer(), url))
