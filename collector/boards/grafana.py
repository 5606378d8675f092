"""The boards for metrics → Grafana: a data source if it has none for Prometheus, a folder, and each board by its uid.

Grafana's docs/sources/developers/http_api (data_source, folder, dashboard, dashboard_versions, other) tell the form;
10 to 13 take it.

A board that is there is replaced only if its newest version is one that this module saved, as its message in the
board's history says, or with `overwrite`. It is saved under the version that was read, never with Grafana's own
`overwrite`: what somebody saves meanwhile, or another board of that title, then stays (412). Data sources and boards
from provisioned files are never changed.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import quote

from collector.boards.access import Access
from collector.boards.client import Client, connected
from collector.boards.files import Json, boards
from collector.errors import PilotfishError, Unavailable
from collector.net.waiting import Tell, until_ready
from collector.ports import Outcome, SetupStep

NAME = "Grafana"
OLDEST = 10  # the boards' panels and schemaVersion
SCRAPE_INTERVAL = "15s"  # as in dashboards/grafana/provisioning/datasources.yml; $__rate_interval is made of it
_MARK = "Pilotfish "  # begins the message of each version that is ours
_REASONS = {
    "version-mismatch": "somebody else saved it at the same time; run this command again",
    "name-exists": "the folder has another board with this title; rename that one or choose another --folder",
    "plugin-dashboard": "it belongs to a plugin",
}


class Wanted(NamedTuple):
    """What is asked for; `folder` "": Grafana's root. `prometheus_url` is as Grafana reaches it."""

    prometheus_url: str
    folder: str = "Pilotfish"
    overwrite: bool = False
    dry_run: bool = False
    wait_seconds: float = 0.0


async def set_up(access: Access, wanted: Wanted, tell: Tell) -> AsyncIterator[SetupStep]:
    """Make what is missing; gives what came of each thing as soon as it is done.

    Raises:
        PilotfishError: the server cannot be used; what was given before is done.
    """
    async with connected(NAME, access, {}) as client:
        desk = _Setup(client, wanted)
        version = await until_ready(desk.version, tell, seconds=wanted.wait_seconds)
        tell(f"{client.where} is {f'version {version}' if version else 'ready'}")
        yield await desk.data_source()
        folder, outcome = await desk.folder()
        yield outcome
        for board in boards():
            yield await desk.board(board, folder)


class _Setup:
    def __init__(self, client: Client, wanted: Wanted) -> None:
        self._client = client
        self._wanted = wanted

    async def version(self) -> str:
        """Grafana's version when it is ready; "" if it hides it.

        Raises:
            Unavailable: it is not.
            PilotfishError: it is no Grafana, or too old.
        """
        answer = await self._client.get("/api/health")
        if answer.status != 200 or not isinstance(answer.body, dict) or "database" not in answer.body:
            raise PilotfishError(
                f"{self._client.where} does not answer as Grafana does", "check that --url names the right server"
            )
        if answer.body["database"] != "ok":
            raise Unavailable(
                f"{self._client.where} has no database yet", "wait for it with --wait 120, or check its log"
            )
        version = str(answer.body.get("version") or "")
        if (major := re.match(r"\d+", version)) and int(major[0]) < OLDEST:
            raise PilotfishError(f"{self._client.where} is version {version}", f"the boards need {OLDEST} or later")
        return version

    async def data_source(self) -> SetupStep:
        """See that there is one for Prometheus; none is ever changed."""
        sources = await self._list("/api/datasources", "the request for its data sources")
        for source in (one for one in sources if one.get("type") == "prometheus"):
            return SetupStep(f'data source "{source.get("name")}"', "kept", f"it uses {source.get('url')}")
        subject = f'data source "Prometheus" ({self._wanted.prometheus_url})'
        if self._wanted.dry_run:
            return SetupStep(subject, "created")
        answer = await self._client.send("POST", "/api/datasources", json=self._source(is_first=not sources))
        if answer.status == 409:
            text = "another type of data source has this name or the uid prometheus"
            return SetupStep(subject, "failed", text, "create a Prometheus data source by hand")
        if answer.status != 200:
            raise self._client.refusal(answer, "a new data source")
        return SetupStep(subject, "created")

    def _source(self, *, is_first: bool) -> Json:
        return {
            "name": "Prometheus",
            "uid": "prometheus",
            "type": "prometheus",
            "access": "proxy",
            "url": self._wanted.prometheus_url,
            "isDefault": is_first,
            "jsonData": {"httpMethod": "POST", "timeInterval": SCRAPE_INTERVAL},
        }

    async def folder(self) -> tuple[str, SetupStep]:
        """The uid of the folder, which is made if none has its title; "" is the root."""
        title = self._wanted.folder
        if not title:
            return "", SetupStep("the folder of all boards", "kept")
        subject = f'folder "{title}"'
        for folder in await self._list("/api/folders?limit=1000", "the request for its folders"):
            if folder.get("title") == title:
                return str(folder["uid"]), SetupStep(subject, "kept")
        if self._wanted.dry_run:
            return "", SetupStep(subject, "created")
        answer = await self._client.send("POST", "/api/folders", json={"title": title})
        if answer.status not in (200, 201):
            raise self._client.refusal(answer, f"a new folder {title!r}")
        return str(answer.body["uid"]), SetupStep(subject, "created")

    async def board(self, board: Json, folder: str) -> SetupStep:
        """Bring one board there, or leave what is there."""
        subject = f'board "{board["title"]}" ({board["uid"]})'
        answer = await self._client.get(f"/api/dashboards/uid/{quote(board['uid'])}")
        if answer.status == 404:
            return await self._save(subject, board, folder, outcome="created")
        if answer.status != 200:
            raise self._client.refusal(answer, f"the request for {subject}")
        there, meta = answer.body["dashboard"], answer.body.get("meta") or {}
        if meta.get("provisioned"):
            outcome: Outcome = "failed" if self._wanted.overwrite else "kept"
            return SetupStep(subject, outcome, "Grafana provisions it from a file", "change that file")
        newest = await self._newest_message(board["uid"])
        if newest == _message(board) and not self._wanted.overwrite:
            return SetupStep(subject, "unchanged")
        if not newest.startswith(_MARK) and not self._wanted.overwrite:
            return SetupStep(subject, "kept", "somebody else changed it", "--overwrite replaces it")
        current = {"id": there.get("id"), "version": there.get("version", 0)}
        return await self._save(subject, board | current, str(meta.get("folderUid") or folder), outcome="updated")

    async def _newest_message(self, uid: str) -> str:
        """What was said of the board's newest version; "" if that is not known."""
        answer = await self._client.get(f"/api/dashboards/uid/{quote(uid)}/versions?limit=1")
        found = answer.body.get("versions") if isinstance(answer.body, dict) else answer.body  # 11 and later; before
        if answer.status != 200 or not isinstance(found, list) or not found:
            return ""
        newest = max(found, key=lambda one: int(one.get("version") or 0))
        return str(newest.get("message") or "")

    async def _save(self, subject: str, board: Json, folder: str, *, outcome: Outcome) -> SetupStep:
        if self._wanted.dry_run:
            return SetupStep(subject, outcome)
        saved = {"dashboard": board, "folderUid": folder, "message": _message(board), "overwrite": False}
        answer = await self._client.send("POST", "/api/dashboards/db", json=saved)
        if answer.status == 200:
            return SetupStep(subject, outcome)
        told = str(answer.body.get("status") or "") if isinstance(answer.body, dict) else ""
        return SetupStep(subject, "failed", _REASONS.get(told) or answer.message)

    async def _list(self, path: str, what: str) -> list[Any]:
        answer = await self._client.get(path)
        if answer.status != 200 or not isinstance(answer.body, list):
            raise self._client.refusal(answer, what)
        return answer.body


def _message(board: Json) -> str:
    """What the history says of a version of ours; the same content gives the same words."""
    content = {name: value for name, value in board.items() if name not in ("id", "version")}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    return f"{_MARK}setup, content {digest}"
