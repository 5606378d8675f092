"""Grafana as its documents and sources tell, on a real socket; no Grafana can be had here.

Sources of the form, in github.com/grafana/grafana: docs/sources/developers/http_api/{data_source,folder,dashboard,
dashboard_versions,other}.md for requests, answers and codes; pkg/services/dashboards/errors.go for the reasons
(`version-mismatch` and `name-exists` are 412, a provisioned board is 400); a board that is sent without the version
that is stored is a mismatch, and until Grafana 10 a title may stand only once in a folder.
"""

import json
from typing import Any, cast

from aiohttp import encode_basic_auth, web

Json = dict[str, Any]

_ALLOWED = {"dashboard", "folderUid", "message", "overwrite"}


class GrafanaServer:
    """One server. `boards` are the stored ones by uid, each with its history."""

    def __init__(self, version: str = "12.2.0", *, password: str = "", token: str = "") -> None:
        self.version = version
        self.database = "ok"
        self.starting = 0
        self.sources: list[Json] = []
        self.folders: list[Json] = []
        self.boards: dict[str, Json] = {}
        self.folder_of: dict[str, str] = {}
        self.history: dict[str, list[Json]] = {}
        self.provisioned: set[str] = set()
        self.requests: list[str] = []
        self._password = password
        self._token = token

    @property
    def app(self) -> web.Application:
        """The server's routes."""
        app = web.Application(middlewares=[self._gate])
        app.add_routes(
            [
                web.get("/api/health", self._health),
                web.get("/api/datasources", self._list_sources),
                web.post("/api/datasources", self._add_source),
                web.get("/api/folders", self._list_folders),
                web.post("/api/folders", self._add_folder),
                web.get("/api/dashboards/uid/{uid}", self._board),
                web.get("/api/dashboards/uid/{uid}/versions", self._versions),
                web.post("/api/dashboards/db", self._save),
            ]
        )
        return app

    def save_by_hand(self, board: Json, folder: str = "") -> None:
        """What an operator does in the browser."""
        self._store(board, folder, "")

    def titles(self) -> dict[str, str]:
        """Uid → title."""
        return {uid: board["title"] for uid, board in self.boards.items()}

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if self.starting:
            self.starting -= 1
            return web.Response(status=503, text="<html>starting</html>", content_type="text/html")
        if request.path != "/api/health" and not self._is_known(request):
            return _message(401, "Invalid username or password")
        try:
            return cast(web.StreamResponse, await handler(request))
        except web.HTTPNotFound:
            return _message(404, "Not found")

    def _is_known(self, request: web.Request) -> bool:
        wanted = [encode_basic_auth("admin", self._password)] if self._password else []
        wanted += [f"Bearer {self._token}"] if self._token else []
        return not wanted or request.headers.get("Authorization", "") in wanted

    async def _health(self, _: web.Request) -> web.Response:
        body = {"commit": "0123abc", "database": self.database} | ({"version": self.version} if self.version else {})
        return web.json_response(body)

    async def _list_sources(self, _: web.Request) -> web.Response:
        return web.json_response(self.sources)

    async def _add_source(self, request: web.Request) -> web.Response:
        source = await _json(request)
        assert {"name", "type", "url", "access"} <= source.keys()
        if any(one["name"] == source["name"] or one.get("uid") == source["uid"] for one in self.sources):
            return _message(409, "data source with the same name already exists")
        self.sources.append(source)
        return web.json_response({"datasource": source, "id": 1, "message": "Datasource added", "name": source["name"]})

    async def _list_folders(self, request: web.Request) -> web.Response:
        assert request.query == {"limit": "1000"}
        return web.json_response(self.folders)

    async def _add_folder(self, request: web.Request) -> web.Response:
        folder = await _json(request)
        assert folder.keys() == {"title"}
        if any(one["title"] == folder["title"] for one in self.folders):
            return _message(409, "A folder with that name already exists")
        self.folders.append(folder | {"uid": f"folder{len(self.folders)}", "id": len(self.folders) + 1})
        return web.json_response(self.folders[-1] | {"url": "/dashboards/f/…"})

    async def _board(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        if uid not in self.boards:
            return _message(404, "Dashboard not found")
        meta = {"provisioned": uid in self.provisioned, "folderUid": self.folder_of[uid], "slug": uid}
        return web.json_response({"dashboard": self.boards[uid], "meta": meta})

    async def _versions(self, request: web.Request) -> web.Response:
        assert request.query == {"limit": "1"}
        newest = self.history[request.match_info["uid"]][-1:]
        is_list = self.version and int(self.version.split(".")[0]) < 11
        return web.json_response(newest if is_list else {"versions": newest, "continueToken": ""})

    async def _save(self, request: web.Request) -> web.Response:
        sent = await _json(request)
        assert sent.keys() == _ALLOWED
        board, folder = sent["dashboard"], sent["folderUid"]
        assert len(sent["message"]) <= 500
        if folder and folder not in {one["uid"] for one in self.folders}:
            return _message(404, "folder not found")
        if (reason := self._objection(board, folder, overwrite=sent["overwrite"])) is not None:
            return reason
        self._store(board, folder, sent["message"])
        stored = self.boards[board["uid"]]
        told = {"id": stored["id"], "uid": board["uid"], "status": "success", "version": stored["version"]}
        return web.json_response(told | {"url": f"/d/{board['uid']}", "slug": board["uid"]})

    def _objection(self, board: Json, folder: str, *, overwrite: bool) -> web.Response | None:
        there = self.boards.get(board["uid"])
        if there is None and board["id"] is not None:
            return _message(404, "Dashboard not found", "not-found")
        if board["uid"] in self.provisioned:
            return _message(400, "Cannot save provisioned dashboard")
        if there is not None and board["version"] != there["version"] and not overwrite:
            return _message(412, "The dashboard has been changed by someone else", "version-mismatch")
        others = [one for uid, one in self.boards.items() if self.folder_of[uid] == folder and uid != board["uid"]]
        is_old = self.version and int(self.version.split(".")[0]) < 11
        if is_old and board["title"] in {one["title"] for one in others} and not overwrite:
            reason = "A dashboard with the same name in the folder already exists"
            return _message(412, reason, "name-exists")
        return None

    def _store(self, board: Json, folder: str, message: str) -> None:
        there = self.boards.get(board["uid"])
        version = there["version"] + 1 if there else 1
        number = there["id"] if there else len(self.boards) + 1
        self.boards[board["uid"]] = json.loads(json.dumps(board)) | {"id": number, "version": version}
        self.folder_of[board["uid"]] = folder
        entry = {"id": version, "uid": board["uid"], "version": version, "createdBy": "admin", "message": message}
        self.history.setdefault(board["uid"], []).append(entry)


async def _json(request: web.Request) -> Json:
    assert request.content_type == "application/json"
    sent: Json = await request.json()
    return sent


def _message(status: int, message: str, reason: str = "") -> web.Response:
    return web.json_response({"message": message} | ({"status": reason} if reason else {}), status=status)
