"""`deploy/compose/kibana-user.sh`, on a server that keeps users of its own: the complete Elasticsearch 6.8."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import which

import pytest

from tests.engines.catalogue import ELASTICSEARCH_6
from tests.engines.elasticsearch import Elasticsearch
from tests.engines.search_server import SearchServer
from tests.needs import marks
from tests.reference import ROOT

ELASTIC, KIBANA = "elastic-0123456789", "kibana-0123456789"


@pytest.fixture(scope="module")
@marks("engines")
def secured() -> Iterator[Elasticsearch]:
    """With the password of `elastic` set, as ELASTIC_PASSWORD_FILE does."""
    with closing(Elasticsearch(ELASTICSEARCH_6, secured=True)) as server:
        server.start()
        answer = server.request("POST", "/_security/user/elastic/_password", json={"password": ELASTIC})
        assert answer.status == 200, answer
        yield server


def recorder(directory: Path) -> Path:
    """A directory with the real curl, whose arguments are kept in `curl.arguments`."""
    (directory / "bin").mkdir(exist_ok=True)
    command = directory / "bin/curl"
    command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{directory}/curl.arguments\nexec {which("curl")} "$@"\n')
    command.chmod(0o755)
    return command.parent


def run(server: SearchServer, directory: Path, *, elastic: str = ELASTIC) -> "subprocess.CompletedProcess[str]":
    (directory / "elastic_password").write_text(elastic)
    (directory / "kibana_password").write_text(KIBANA)
    script = (ROOT / "deploy/compose/kibana-user.sh").read_text()
    script = script.replace("http://elasticsearch:9200", server.url).replace("/secrets/", f"{directory}/")
    script = script.replace("/tmp/answer", f"{directory}/answer")
    environ = {"PATH": f"{recorder(directory)}:{os.environ['PATH']}", "KIBANA_USER": "kibana"}
    if server.ca_file is not None:
        environ["CURL_CA_BUNDLE"] = str(server.ca_file)
    return subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=False)


def test_kibanas_user_gets_its_password_and_may_get_it_again(secured: Elasticsearch, tmp_path: Path) -> None:
    for _ in range(2):
        done = run(secured, tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "kibana has its password\n", "")
    secured.username, own = "kibana", (secured.username, secured.password)
    secured.password = KIBANA
    try:
        assert secured.get("/_security/_authenticate").json()["username"] == "kibana"
    finally:
        secured.username, secured.password = own


def test_no_password_is_among_the_arguments_that_everybody_on_the_host_sees(
    secured: Elasticsearch, tmp_path: Path
) -> None:
    assert run(secured, tmp_path).returncode == 0
    arguments = (tmp_path / "curl.arguments").read_text()
    assert "/_security/user/kibana/_password" in arguments
    assert ELASTIC not in arguments
    assert KIBANA not in arguments


def test_a_refusal_is_told_and_fails(secured: Elasticsearch, tmp_path: Path) -> None:
    done = run(secured, tmp_path, elastic="not-the-password")
    assert done.returncode == 1
    assert "Elasticsearch answers 401" in done.stderr
    assert KIBANA not in done.stderr + done.stdout


def test_a_server_without_users_needs_nothing(opensearch_2: SearchServer, tmp_path: Path) -> None:
    done = run(opensearch_2, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "keeps no users" in done.stdout
