"""The dashboard for logs → saved objects of Kibana or of OpenSearch Dashboards.

- Which file: `kibana-8.ndjson` for Kibana 8.8 and later, else `kibana-6.ndjson` (dashboards/kibana/README.md).
- Kibana 7 and later and OpenSearch Dashboards: `POST /api/saved_objects/_import`, a form with a file
  (Kibana's docs/api/saved-objects/import.asciidoc). From 7.10 on, and in OpenSearch Dashboards, an object that is there
  already, or lacks a reference, keeps all others from being made too, though `successResults` lists those
  (create_saved_objects.ts): what is left is sent again without those that were refused, until nothing holds it up.
- Kibana 6: `POST /api/saved_objects/_bulk_create`, a list (its bulk_create.js takes `migrationVersion`, and in most
  releases no `references`; an empty `migrationVersion` says that nothing was migrated yet).
- Any write needs the header `kbn-xsrf` or `osd-xsrf`.
- A space that does not exist would be written to all the same, so it is asked for before.
"""

import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

import aiohttp

from collector.boards.access import Access
from collector.boards.client import Answer, Client, connected
from collector.boards.files import Json, saved_objects
from collector.errors import PilotfishError, Unavailable
from collector.net.waiting import Tell, until_ready
from collector.ports import SetupStep

NEW, OLD = "kibana-8.ndjson", "kibana-6.ndjson"
_CONFLICTS = {"conflict", "ambiguous_conflict"}
_HOLDING = {*_CONFLICTS, "missing_references", "missing_data_source"}  # one such error, and nothing at all is made
_READY = {"available", "degraded", "green", "yellow"}  # `level` of Kibana 8 and later, `state` of those before

Version = tuple[int, int]
Fault = tuple[str, str]  # type of the error, and what is told of it


class Product(NamedTuple):
    """One of the two servers: `oldest` and `newest` of its major versions tell it from the other."""

    name: str
    command: str
    header: str
    oldest: int
    newest: int


KIBANA = Product("Kibana", "kibana", "kbn-xsrf", 6, 99)
OPENSEARCH = Product("OpenSearch Dashboards", "opensearch-dashboards", "osd-xsrf", 1, 5)


class Wanted(NamedTuple):
    """What is asked for. `space` is Kibana's, `tenant` OpenSearch Dashboards'; "": the default one."""

    space: str = ""
    tenant: str = ""
    overwrite: bool = False
    dry_run: bool = False
    wait_seconds: float = 0.0


async def set_up(product: Product, access: Access, wanted: Wanted, tell: Tell) -> AsyncIterator[SetupStep]:
    """Import the dashboard and what it needs; gives what came of each object, in the order of the file.

    Raises:
        PilotfishError: the server cannot be used, and nothing was written, or only what was given before.
    """
    headers = {product.header: "true"} | ({"securitytenant": wanted.tenant} if wanted.tenant else {})
    async with connected(product.name, access, headers) as client:
        importing = _Import(client, product, wanted)
        version = await until_ready(importing.version, tell, seconds=wanted.wait_seconds)
        objects = saved_objects(NEW if product is KIBANA and version >= (8, 8) else OLD)
        tell(f"{client.where} is version {version[0]}.{version[1]}")
        await importing.find_space()
        if wanted.dry_run:
            then = "replaced" if wanted.overwrite else "kept"
            steps = [SetupStep(_subject(one), "created", f"{then} if it exists") for one in objects]
        elif product is KIBANA and version[0] == 6:
            steps = await importing.bulk_create(objects)
        else:
            steps = await importing.all(objects)
    for step in steps:
        yield step


class _Import:
    def __init__(self, client: Client, product: Product, wanted: Wanted) -> None:
        self._client = client
        self._product = product
        self._wanted = wanted
        self._prefix = f"/s/{quote(wanted.space, safe='')}" if wanted.space not in ("", "default") else ""

    async def version(self) -> Version:
        """The server's version, when it is ready.

        Raises:
            Unavailable: it is not.
            PilotfishError: it does not tell, or it is the other product.
        """
        answer = await self._client.get("/api/status")
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise self._client.refusal(answer, "the request for its status")
        overall = (answer.body.get("status") or {}).get("overall") or {}
        state = overall.get("level") or overall.get("state") or "unknown"
        if state not in _READY:
            raise Unavailable(
                f"{self._client.where} is not ready ({state})", "wait for it with --wait 120, or check its log"
            )
        number = str((answer.body.get("version") or {}).get("number", ""))
        return self._judged(number)

    def _judged(self, number: str) -> Version:
        found = re.match(r"(\d+)\.(\d+)", number)
        if found is None:  # Kibana 8 and later tell it only to those whom they know
            raise PilotfishError(
                f"{self._client.where} does not report its version", "use a valid user and password, or a valid key"
            )
        version = int(found[1]), int(found[2])
        if self._product.oldest <= version[0] <= self._product.newest:
            return version
        other = OPENSEARCH if self._product is KIBANA else KIBANA
        raise PilotfishError(
            f"{self._client.where} reports version {number}, which looks like {other.name}",
            f"use `pilotfish setup {other.command}`",
        )

    async def find_space(self) -> None:
        """See that the space is there.

        Raises:
            PilotfishError: it is not.
        """
        if not self._prefix:
            return
        space = self._wanted.space
        answer = await self._client.get(f"/api/spaces/space/{quote(space, safe='')}")
        if answer.status == 404:
            raise PilotfishError(
                f"{self._client.where} has no space {space!r}",
                "create it there, or correct --space (its id, not its name)",
            )
        if answer.status != 200:
            raise self._client.refusal(answer, f"the request for the space {space!r}")

    # ------------------------------------------------------------------ Kibana 7 and later, OpenSearch Dashboards

    async def all(self, objects: Sequence[Json]) -> list[SetupStep]:
        """Import all that can be; a step for each object."""
        steps: dict[str, SetupStep] = {}
        left = list(objects)
        while left:
            faults = await self._faults(left)
            is_repeated = bool(steps)
            for one in left:
                if (fault := faults.get(_key(one))) is not None:
                    steps[_key(one)] = self._refused(one, fault, is_repeated)
            left = [one for one in left if _key(one) not in steps]
            if not any(kind in _HOLDING for kind, _ in faults.values()):
                steps |= {_key(one): self._made(one) for one in left}
                break
        return [steps[_key(one)] for one in objects]

    async def _faults(self, objects: Sequence[Json]) -> dict[str, Fault]:
        """Import these; gives what was refused and why."""
        form = aiohttp.FormData()
        lines = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in objects)
        form.add_field("file", lines.encode(), filename="pilotfish.ndjson", content_type="application/ndjson")
        params = {"overwrite": "true"} if self._wanted.overwrite else {}
        answer = await self._client.send("POST", f"{self._prefix}/api/saved_objects/_import", data=form, params=params)
        told = self._told(answer)
        faults = {_key(error): _fault(error) for error in told.get("errors") or ()}
        known = {_key(one) for one in objects}
        if not faults.keys() <= known or (not faults and told.get("successCount") != len(objects)):
            raise PilotfishError(
                f"{self._client.where} imported {told.get('successCount')} of {len(objects)} objects and gives no "
                "reason",
                "check its log, then run this command again",
            )
        return faults

    def _refused(self, one: Json, fault: Fault, is_repeated: bool) -> SetupStep:
        kind, text = fault
        if kind == "conflict" and not self._wanted.overwrite:
            # Kibana 7.0 to 7.9 made it in the round before
            return self._made(one) if is_repeated else _kept(one)
        return SetupStep(_subject(one), "failed", text)

    def _made(self, one: Json) -> SetupStep:
        return SetupStep(_subject(one), "created", "replaced if it existed" if self._wanted.overwrite else "")

    # ------------------------------------------------------------------ Kibana 6

    async def bulk_create(self, objects: Sequence[Json]) -> list[SetupStep]:
        """The same for Kibana 6, which answers in the order of the request."""
        sent = [
            {name: one[name] for name in ("type", "id", "attributes")} | {"migrationVersion": {}} for one in objects
        ]
        params = {"overwrite": "true"} if self._wanted.overwrite else {}
        path = f"{self._prefix}/api/saved_objects/_bulk_create"
        answer = await self._client.send("POST", path, json=sent, params=params)
        results = self._told(answer).get("saved_objects") or []
        if [_key(one) for one in results] != [_key(one) for one in objects]:
            raise PilotfishError(f"{self._client.where} reports other objects than were sent", "check its log")
        return [self._created(one, result.get("error")) for one, result in zip(objects, results, strict=True)]

    def _created(self, one: Json, error: Json | None) -> SetupStep:
        if not error:
            return self._made(one)
        if error.get("statusCode") == 409 and not self._wanted.overwrite:
            return _kept(one)
        return SetupStep(_subject(one), "failed", str(error.get("message") or error))

    def _told(self, answer: Answer) -> Json:
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise self._client.refusal(answer, "the import")
        return answer.body


def _key(one: Json) -> str:
    return f"{one['type']}:{one['id']}"


def _subject(one: Json) -> str:
    return f'{one["type"]} "{one["attributes"]["title"]}" ({one["id"]})'


def _kept(one: Json) -> SetupStep:
    return SetupStep(_subject(one), "kept", "it exists already", "--overwrite replaces it")


def _fault(error: Json) -> Fault:
    """What an entry of `errors` says, for people; types as in Kibana's import.asciidoc."""
    told = error.get("error") or {}
    kind = str(told.get("type") or "unknown")
    if kind == "missing_references":
        missing = ", ".join(f"{one.get('type')} {one.get('id')}" for one in told.get("references") or ())
        return kind, f"it refers to missing objects ({missing})"
    if kind == "unsupported_type":
        return kind, "this server does not support this type of object"
    if kind in _CONFLICTS:
        return kind, "it conflicts with an existing object; remove that or choose another space"
    return kind, str(told.get("message") or kind)
