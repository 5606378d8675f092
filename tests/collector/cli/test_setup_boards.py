"""`pilotfish setup kibana|opensearch-dashboards|grafana` as users run it: lines, exit codes, secrets."""

import asyncio
import base64
from pathlib import Path

import pytest

from tests.collector.boards.grafana_server import GrafanaServer
from tests.collector.boards.kibana_server import KibanaServer
from tests.collector.boards.serving import serving
from tests.collector.cli.pilotfish import Ended, pilotfish

pytestmark = pytest.mark.slow  # a process each, and a server beside it

MARKER = "h1dden-m4rker"


async def run(home: Path, *arguments: str, **environ: str) -> Ended:
    return await asyncio.to_thread(pilotfish, home, "setup", *arguments, **environ)


async def test_kibana_gets_its_objects_a_line_each(tmp_path: Path) -> None:
    server = KibanaServer("8.19.6", password=MARKER)
    (tmp_path / "secret").write_text(f"{MARKER}\n")
    async with serving(server.app) as url:
        arguments = ("kibana", "--url", url, "--username", "elastic", "--password-file", "secret", "--wait", "90s")
        ended = await run(tmp_path, *arguments)
        again = await run(tmp_path, *arguments, "--overwrite")
    assert ended.code == again.code == 0
    lines = ended.out.splitlines()
    assert len(lines) == len(server.objects) == 8
    assert lines[-1] == 'created    dashboard "Docker logs" (pilotfish-docker-logs)'
    assert ended.complaint == f"Kibana at {url} is version 8.19"
    assert {line.split()[0] for line in again.out.splitlines()} == {"created"}
    assert all(line.endswith("(replaced if it existed)") for line in again.out.splitlines())


async def test_opensearch_dashboards_gets_the_same(tmp_path: Path) -> None:
    server = KibanaServer("2.19.3", header="osd-xsrf")
    async with serving(server.app) as url:
        ended = await run(tmp_path, "opensearch-dashboards", "--url", url, "--tenant", "global")
    assert (ended.code, len(ended.out.splitlines())) == (0, 9)
    assert server.headers[-1]["securitytenant"] == "global"


async def test_grafana_gets_its_boards_a_line_each(tmp_path: Path) -> None:
    server = GrafanaServer(token=MARKER)
    async with serving(server.app) as url:
        options = ("grafana", "--prometheus-url", "http://127.0.0.1:9090", "--folder", "Metrics")
        ended = await run(tmp_path, *options, PILOTFISH_SETUP_URL=url, PILOTFISH_SETUP_TOKEN=MARKER)
    assert (ended.code, len(ended.out.splitlines())) == (0, 5)
    assert [one["title"] for one in server.folders] == ["Metrics"]
    assert [one["url"] for one in server.sources] == ["http://127.0.0.1:9090"]


async def test_one_that_fails_is_told_with_code_1(tmp_path: Path) -> None:
    server = KibanaServer("8.19.6")
    server.refused["pilotfish-top-containers"] = "index read-only\x1b[2J\nmore"
    async with serving(server.app) as url:
        ended = await run(tmp_path, "kibana", "--url", url)
    assert ended.code == 1
    (line,) = [line for line in ended.out.splitlines() if line.startswith("failed")]
    assert line.endswith(r"(pilotfish-top-containers) (index read-only\x1b[2J\nmore)")


@pytest.mark.parametrize("command", ["kibana", "grafana", "opensearch-dashboards"])
async def test_no_secret_is_written_whatever_happens(tmp_path: Path, command: str) -> None:
    (tmp_path / "secret").write_text(MARKER)
    user = ("--username", "elastic", "--password-file", "secret")
    server = GrafanaServer(password="other") if command == "grafana" else KibanaServer("8.19.6", password="other")
    async with serving(server.app) as url:
        ways = await asyncio.gather(
            run(tmp_path, command, "--url", url, *user),
            run(tmp_path, command, "--url", url, "--username", "x", PILOTFISH_SETUP_PASSWORD=MARKER),
            run(tmp_path, command, "--url", url.replace("//", f"//elastic:{MARKER}@")),
            run(tmp_path, command, "--url", url, "--username", "x", PILOTFISH_SETUP_PASSWORD=f"a\n{MARKER}"),
            run(tmp_path, command, "--url", url, *user, "--ca-file", "secret"),
            run(tmp_path, command, "--url", "http://127.0.0.1:1", *user, "--debug"),
        )
    encoded = base64.b64encode(f"elastic:{MARKER}".encode()).decode()
    assert [ended.code for ended in ways] == [1, 1, 2, 2, 2, 1]
    for ended in ways:
        assert MARKER not in ended.out + ended.errors
        assert encoded not in ended.out + ended.errors
    assert "rejects the user elastic (401)" in ways[0].errors


async def test_wrong_options_are_told_with_code_2(tmp_path: Path) -> None:
    ended = await run(tmp_path, "kibana", "--username", "elastic")
    assert ended.code == 2
    assert ended.complaint == "--username and --password-file go together: give both or none"


async def test_an_address_that_is_none_is_told_with_the_port_of_the_server_that_is_meant(tmp_path: Path) -> None:
    kibana, grafana = await asyncio.gather(
        run(tmp_path, "kibana", "--url", "foo"), run(tmp_path, "grafana", "--url", "foo")
    )
    assert kibana.complaint == "--url ('foo') is not a URL such as http://127.0.0.1:5601"
    assert grafana.complaint == "--url ('foo') is not a URL such as http://127.0.0.1:3000"


def test_help_names_the_commands(tmp_path: Path) -> None:
    ended = pilotfish(tmp_path, "setup")
    assert ended.code == 0
    assert all(name in ended.out for name in ("kibana", "opensearch-dashboards", "grafana"))
