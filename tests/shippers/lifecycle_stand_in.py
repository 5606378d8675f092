"""A server with ISM or a recent ILM on a real socket, as far as `setup` asks it: the real ones here have neither.

Form and rules: docs.opensearch.org, "ISM API" and "ISM policies"; elastic.co/docs, "Create or update a lifecycle
policy". What a policy may hold is looked at strictly, GET adds what the server adds, and only `if_seq_no` with
`if_primary_term` replaces a policy of ISM.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any, Literal

from aiohttp import web

from tests.engines.process import free_ports

_ELASTICSEARCH = {"number": "8.19.0"}
_OPENSEARCH = {"number": "2.19.1", "distribution": "opensearch"}
RETRY = {"count": 3, "backoff": "exponential", "delay": "1m"}
_TOLD = {"policy_id": "pilotfish", "last_updated_time": 1577990761311, "schema_version": 1, "error_notification": None}


class LifecycleStandIn:
    """Keeps what is put; `methods` are those of the requests so far, `down` is how many of them find it starting."""

    def __init__(
        self, kind: Literal["ilm", "ism"] = "ism", *, forbids: str = "", hides: str = "", down: int = 0
    ) -> None:
        """`forbids`: a path whose change is refused with 403, `hides`: a part of those whose GET is."""
        self._told_of_itself = _ELASTICSEARCH if kind == "ilm" else _OPENSEARCH
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.kept: dict[str, dict[str, Any]] = {}
        self.methods: list[str] = []
        self.sequence = 0
        self.following: dict[
            str, tuple[str, int | None]
        ] = {}  # of an index its policy and which version, once it has it
        self.in_transition: set[str] = set()
        self.ours: list[str] = []  # indices with documents of ours
        self._hides = hides
        self._forbids = forbids
        self._down = down

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["LifecycleStandIn"]:
        """Listen until the block ends."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.methods.append(request.method)
        if self._down > 0:
            self._down -= 1
            return web.json_response({"error": {"type": "master_not_discovered_exception"}}, status=503)
        path = request.path
        if path == "/":
            return web.json_response({"version": self._told_of_itself})
        if path == "/_cluster/health":
            return web.json_response({"status": "green"})
        if request.method == "PUT":
            return self._put(request, json.loads(await request.read()))
        if request.method == "POST":
            return self._change_policy(path, json.loads(await request.read()))
        return self._told(path)

    def _change_policy(self, path: str, body: dict[str, Any]) -> web.Response:
        before, _, names = path.rpartition("/")
        assert (before, set(body)) == ("/_plugins/_ism/change_policy", {"policy_id"})
        asked = set(names.split(","))
        for name in asked - self.in_transition:
            self.following[name] = (body["policy_id"], self.sequence)
        failed = [
            {"index_name": name, "index_uuid": "x", "reason": "Index is in transition"}
            for name in asked & self.in_transition
        ]
        told = {"updated_indices": len(asked) - len(failed), "failures": bool(failed), "failed_indices": failed}
        return web.json_response(told)

    def _policies(self) -> web.Response:
        listed = [
            {"_id": path.rpartition("/")[2], "_seq_no": self.sequence, "_primary_term": 1, "policy": _completed(body)}
            for path, body in self.kept.items()
            if "_ism" in path
        ]
        return web.json_response({"policies": listed, "total_policies": len(listed)})

    def _explained(self) -> web.Response:
        told: dict[str, Any] = {"total_managed_indices": len(self.following)}
        for name, (policy, version) in self.following.items():
            told[name] = {"index": name, "policy_id": policy} | ({"policy_seq_no": version} if version else {})
        return web.json_response(told)

    def _told(self, path: str) -> web.Response:
        name = path.rpartition("/")[2]
        if path == "/_plugins/_ism/policies":
            return self._policies()
        if path == "/_plugins/_ism/explain":
            return self._explained()
        if path in ("/_template", "/_index_template"):
            return web.json_response({})
        if self._hides and self._hides in path:
            return _forbidden()
        if "/_mapping/field/" in path:
            return web.json_response({index: {"mappings": {"@target": {}}} for index in self.ours})
        if path.endswith("/_settings/index.lifecycle.name"):
            governed = {
                index: {"settings": {"index.lifecycle.name": each[0]}} for index, each in self.following.items()
            }
            return web.json_response(governed)
        if path not in self.kept:
            error = {"type": "resource_not_found_exception", "reason": "not found"}
            return web.json_response({"error": error, "status": 404}, status=404)
        body = self.kept[path]
        if path.startswith("/_ilm/policy/"):
            return web.json_response({name: {"version": 1, "policy": _with_defaults(body["policy"]), "in_use_by": {}}})
        if path.startswith("/_plugins/_ism/policies/"):
            told = {
                "_id": name,
                "_version": 2,
                "_seq_no": self.sequence,
                "_primary_term": 1,
                "policy": _completed(body),
            }
            return web.json_response(told)
        plural, one = ("index_templates", "index_template") if "index" in path else ("component_templates",) * 2
        return web.json_response({plural: [{"name": name, one.removesuffix("s"): body}]})

    def _put(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        if self._forbids and request.path.startswith(self._forbids):
            return _forbidden()
        if request.path.startswith("/_ilm/policy/"):
            check_ilm(body)
        if not request.path.startswith("/_plugins/_ism/policies/"):
            self.kept[request.path] = body
            return web.json_response({"acknowledged": True})
        check_policy(body)
        given = (request.query.get("if_seq_no"), request.query.get("if_primary_term"))
        held = (str(self.sequence), "1") if request.path in self.kept else (None, None)
        if given != held:
            error = {"type": "version_conflict_engine_exception", "reason": "document already exists"}
            return web.json_response({"error": error, "status": 409}, status=409)
        self.kept[request.path] = body["policy"]
        self.sequence += 1
        return web.json_response({"_id": "pilotfish", "policy": body}, status=201 if held[0] is None else 200)


def _forbidden() -> web.Response:
    error = {"type": "security_exception", "reason": "no permissions"}
    return web.json_response({"error": error, "status": 403}, status=403)


def check_policy(body: dict[str, Any]) -> None:
    """Fail unless it is a policy as documented, of the states and actions that retention needs."""
    assert set(body) == {"policy"}
    policy = body["policy"]
    assert set(policy) == {"description", "default_state", "states", "ism_template"}
    names = [state["name"] for state in policy["states"]]
    assert policy["default_state"] in names
    for state in policy["states"]:
        assert set(state) == {"name", "actions", "transitions"}
        for action in state["actions"]:
            (kind,) = action
            known: dict[str, set[str]] = {"delete": set(), "rollover": {"min_index_age", "min_primary_shard_size"}}
            assert set(action[kind]) <= known[kind]
        for transition in state["transitions"]:
            assert transition["state_name"] in names
            (condition,) = transition["conditions"]
            assert condition in {"min_index_age", "min_rollover_age"}
    for template in policy["ism_template"]:
        assert set(template) == {"index_patterns", "priority"}
        assert not [pattern for pattern in template["index_patterns"] if pattern.startswith((".", "*"))]


def check_ilm(body: dict[str, Any]) -> None:
    """Fail unless it is a policy as documented, of the phases and actions that retention needs."""
    assert set(body) == {"policy"}
    assert set(body["policy"]) == {"phases", "_meta"}
    known = {"hot": "rollover", "delete": "delete"}
    for name, phase in body["policy"]["phases"].items():
        assert set(phase) == {"min_age", "actions"}
        assert set(phase["actions"]) == {known[name]}


def _with_defaults(policy: dict[str, Any]) -> dict[str, Any]:
    """With what ILM adds."""
    told = deepcopy(policy)
    if "delete" in told["phases"]:
        told["phases"]["delete"]["actions"]["delete"]["delete_searchable_snapshot"] = True
    return told


def _completed(policy: dict[str, Any]) -> dict[str, Any]:
    """With what the plugin adds."""
    told: dict[str, Any] = _TOLD | deepcopy(policy)
    for state in told["states"]:
        state["actions"] = [
            {"retry": RETRY, kind: {"copy_alias": False, **inner} if kind == "rollover" else inner}
            for action in state["actions"]
            for kind, inner in action.items()
        ]
    for template in told["ism_template"]:
        template["last_updated_time"] = 1577990761311
    return told
