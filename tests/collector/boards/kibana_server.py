"""Kibana and OpenSearch Dashboards as their documents and sources tell, on a real socket; neither can be had here.

Sources of the form, in github.com/elastic/kibana unless another is named:
- docs/api/saved-objects/import.asciidoc and bulk_create.asciidoc: requests, answers, types of errors;
- src/core/server/saved_objects/import/create_saved_objects.ts: nothing is made as long as one object has a conflict
  or lacks a reference, and `successResults` lists the others all the same (7.10 and later; OpenSearch-Dashboards too);
- validate_references.ts beside it: which references are looked at;
- src/legacy/server/saved_objects/routes/bulk_create.js and its predecessor in src/server: what Kibana 6 takes;
- document_migrator.js beside them: an object without `migrationVersion` is taken to be up to date;
- src/core/packages/status/server-internal/src/routes/status.ts: 503 while unavailable, no version for strangers;
- src/core/server/http: `Kibana server is not ready yet`, 503 as plain text, before the server proper listens;
  `Request must contain a kbn-xsrf header.`, 400;
- src/core/server/saved_objects/routes/import.ts: `file` in multipart/form-data whose name ends in .ndjson.
What is not taken there, such as another key beside an object's attributes, is refused here.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from aiohttp import encode_basic_auth, web
from aiohttp.multipart import BodyPartReader

Json = dict[str, Any]
Key = tuple[str, str, str]  # space, type, id

_TYPES = {"index-pattern", "search", "visualization", "dashboard"}
_LOOKED_AT = {"index-pattern", "search"}  # references to others are not looked at
_RESOLVABLE = {"conflict", "missing_references"}


class KibanaServer:
    """One server of `version`. `objects` are those it has; `refused`: ids that it fails to write, with the reason."""

    def __init__(self, version: str, *, header: str = "kbn-xsrf", password: str = "", key: str = "") -> None:
        self.version = version
        self.objects: dict[Key, Json] = {}
        self.spaces = {"default"}
        self.refused: dict[str, str] = {}
        self.level = "available"
        self.starting = 0  # so many questions are answered as by a server that does not listen yet
        self.requests: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self._header = header
        self._password = password
        self._key = key
        self._parts = tuple(int(part) for part in version.split(".")[:2])

    @property
    def app(self) -> web.Application:
        """The server's routes."""
        app = web.Application(middlewares=[self._gate])
        app.router.add_get("/api/status", self._status)
        if not self.is_opensearch:
            app.router.add_get("/api/spaces/space/{id}", self._space)
        for prefix in ("", "/s/{space}"):
            if self._parts[0] == 6:
                app.router.add_post(f"{prefix}/api/saved_objects/_bulk_create", self._bulk_create)
            else:
                app.router.add_post(f"{prefix}/api/saved_objects/_import", self._import)
        return app

    @property
    def is_opensearch(self) -> bool:
        """Whether it is OpenSearch Dashboards."""
        return self._header == "osd-xsrf"

    def titles(self, space: str = "default") -> dict[str, str]:
        """Id → title of what a space has."""
        return {name: one["attributes"]["title"] for (where, _, name), one in self.objects.items() if where == space}

    def write_by_hand(self, kind: str, name: str, title: str, space: str = "default") -> None:
        """What an operator does."""
        self.objects[space, kind, name] = {"attributes": {"title": title}, "references": []}

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        self.headers.append(request.headers)
        if self.starting:
            self.starting -= 1
            text = "Kibana server is not ready yet"
            return web.Response(status=503, text=text, headers={"Retry-After": "30"})
        if request.method != "GET" and self._header not in request.headers:
            return _error(400, "Bad Request", f"Request must contain a {self._header} header.")
        if not self._is_known(request) and (request.path != "/api/status" or "Authorization" in request.headers):
            return _error(401, "Unauthorized", "[security_exception]: unable to authenticate user")
        try:
            return cast(web.StreamResponse, await handler(request))
        except web.HTTPNotFound:
            return _error(404, "Not Found", "Not Found")

    def _is_known(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        wanted = [f"ApiKey {self._key}"] if self._key else []
        wanted += [encode_basic_auth("elastic", self._password)] if self._password else []
        return not wanted or given in wanted

    async def _status(self, request: web.Request) -> web.Response:
        overall: Json = {"level": self.level, "summary": "…"}
        if self._parts[0] < 8:
            overall = {"state": "green" if self.level == "available" else "red", "title": "…"}
        body: Json = {"name": "kibana", "version": {"number": self.version}, "status": {"overall": overall}}
        if not self._is_known(request):
            body = {"status": {"overall": {"level": self.level}}}
        return web.json_response(body, status=503 if self.level in ("unavailable", "critical") else 200)

    async def _space(self, request: web.Request) -> web.Response:
        space = request.match_info["id"]
        if space not in self.spaces:
            return _error(404, "Not Found", "Not Found")
        return web.json_response({"id": space, "name": space.title(), "disabledFeatures": []})

    async def _import(self, request: web.Request) -> web.Response:
        overwrite = _overwrite(request)
        if request.content_type != "multipart/form-data":
            return _error(415, "Unsupported Media Type", "Unsupported Media Type")
        objects = []
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.name != "file" or not (part.filename or "").endswith(".ndjson"):
                return _error(400, "Bad Request", "Invalid file extension ")
            objects = [json.loads(line) for line in (await part.text()).splitlines()]
        for one in objects:
            self._check(one)
        space = request.match_info.get("space", "default")
        return web.json_response(self._imported(space, objects, overwrite=overwrite))

    def _check(self, one: Json) -> None:
        versions = {"coreMigrationVersion", "typeMigrationVersion"} if self._parts >= (8, 8) else set()
        assert {"type", "id", "attributes"} <= one.keys(), one
        unknown = one.keys() - {"type", "id", "attributes", "references", "migrationVersion"} - versions
        if unknown and not self.is_opensearch:
            raise web.HTTPUnprocessableEntity(text=f"keys of a more recent version of Kibana: {unknown}")

    def _imported(self, space: str, objects: list[Json], *, overwrite: bool) -> Json:
        errors = [error for one in objects if (error := self._fault(space, one, objects, overwrite=overwrite))]
        failed = {(error["type"], error["id"]) for error in errors}
        good = [one for one in objects if (one["type"], one["id"]) not in failed]
        at_once = self._parts >= (7, 10) or self.is_opensearch
        if not (at_once and any(error["error"]["type"] in _RESOLVABLE for error in errors)):
            errors += [_entry(one, self.refused[one["id"]]) for one in good if one["id"] in self.refused]
            good = [one for one in good if one["id"] not in self.refused]
            for one in good:
                self.objects[space, one["type"], one["id"]] = one
        answer: Json = {"success": not errors, "successCount": len(good)}
        if errors:
            answer["errors"] = errors
        if at_once:
            answer["successResults"] = [{"type": one["type"], "id": one["id"], "meta": {}} for one in good]
        return answer

    def _fault(self, space: str, one: Json, objects: list[Json], *, overwrite: bool) -> Json | None:
        if one["type"] not in _TYPES | ({"lens"} if not self.is_opensearch and self._parts >= (7, 5) else set()):
            return _entry(one, {"type": "unsupported_type"})
        there = {(kind, name) for where, kind, name in self.objects if where == space}
        sent = {(each["type"], each["id"]) for each in objects}
        looked_at = [ref for ref in one.get("references", ()) if ref["type"] in _LOOKED_AT]
        wanted = [ref for ref in looked_at if (ref["type"], ref["id"]) not in there | sent]
        if wanted:
            references = [{"type": ref["type"], "id": ref["id"]} for ref in wanted]
            return _entry(one, {"type": "missing_references", "references": references})
        if not overwrite and (one["type"], one["id"]) in there:
            return _entry(one, {"type": "conflict"})
        return None

    async def _bulk_create(self, request: web.Request) -> web.Response:
        overwrite = _overwrite(request)
        results = []
        for one in await request.json():
            if unknown := one.keys() - {"type", "id", "attributes", "version", "migrationVersion"}:
                return _error(400, "Bad Request", f'"{unknown}" is not allowed')
            assert one.get("migrationVersion") == {}, "without it nothing is migrated: it is taken to be up to date"
            results.append(self._created(request.match_info.get("space", "default"), one, overwrite=overwrite))
        return web.json_response({"saved_objects": results})

    def _created(self, space: str, one: Json, *, overwrite: bool) -> Json:
        named = {"id": one["id"], "type": one["type"]}
        if one["type"] not in _TYPES:
            return named | {"error": {"statusCode": 400, "message": f"Unsupported saved object type: {one['type']}"}}
        if (space, one["type"], one["id"]) in self.objects and not overwrite:
            return named | {"error": {"statusCode": 409, "message": "version conflict, document already exists"}}
        if one["id"] in self.refused:
            return named | {"error": {"statusCode": 503, "message": self.refused[one["id"]]}}
        self.objects[space, one["type"], one["id"]] = one
        return named | {"attributes": one["attributes"], "version": "WzEsMV0="}


def _overwrite(request: web.Request) -> bool:
    assert request.query.keys() <= {"overwrite"}
    return {"true": True, "false": False}[request.query.get("overwrite", "false")]


def _entry(one: Json, error: Json | str) -> Json:
    told = error if isinstance(error, dict) else {"type": "unknown", "message": error, "statusCode": 500}
    title = one["attributes"].get("title")
    return {"id": one["id"], "type": one["type"], "title": title, "meta": {"title": title}, "error": told}


def _error(status: int, error: str, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "error": error, "message": message}, status=status)
