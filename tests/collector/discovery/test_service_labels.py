"""Labels of swarm services count where a manager tells them, and their containers say nothing else."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from collector.discovery.service_labels import ServiceLabels
from collector.docker.engine import Engine
from tests.collector.unix_site import serving

LABELS = {"pilotfish.tags": "team=a", "com.docker.stack.image": "shop"}


class Manager:
    """A daemon that knows one service; `status` is what it says of all others, and of it when it is no manager."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = HTTPStatus.OK

    def routes(self) -> list[web.RouteDef]:
        async def version(_: web.Request) -> web.Response:
            return web.json_response({"ApiVersion": "1.41"})

        async def service(request: web.Request) -> web.Response:
            self.asked.append(request.match_info["id"])
            if self.status is not HTTPStatus.OK:
                return web.json_response({"message": "This node is not a swarm manager."}, status=self.status)
            return web.json_response({"ID": request.match_info["id"], "Spec": {"Labels": LABELS}})

        return [web.get("/version", version), web.get("/v1.41/services/{id}", service)]


def task_of(service_id: str) -> dict[str, Any]:
    return {"Config": {"Labels": {"com.docker.swarm.service.id": service_id}}}


async def test_a_manager_is_asked_once_a_minute_and_dockers_own_labels_are_left_out(tmp_path: Path) -> None:
    manager = Manager()
    async with serving(tmp_path, manager.routes()) as url, Engine(url) as engine:
        labels = ServiceLabels(engine)
        assert [await labels.of(task_of("abc1")) for _ in range(3)] == [{"pilotfish.tags": "team=a"}] * 3
        assert manager.asked == ["abc1"]


async def test_who_does_not_know_is_asked_no_more_for_a_while(tmp_path: Path) -> None:
    for status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        manager = Manager()
        manager.status = status
        (tmp_path / status.phrase).mkdir()
        async with serving(tmp_path / status.phrase, manager.routes()) as url, Engine(url) as engine:
            labels = ServiceLabels(engine)
            assert [await labels.of(task_of("abc1")) for _ in range(3)] == [{}] * 3
        assert manager.asked == ["abc1"]


async def test_what_is_no_task_and_what_is_no_id_is_not_asked_about(tmp_path: Path) -> None:
    manager = Manager()
    async with serving(tmp_path, manager.routes()) as url, Engine(url) as engine:
        labels = ServiceLabels(engine)
        for container in ({}, {"Config": None}, task_of(""), task_of("../containers/x"), task_of("a?b")):
            assert await labels.of(container) == {}
    assert manager.asked == []
