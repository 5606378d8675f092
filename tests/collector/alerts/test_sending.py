"""What each kind of receiver is sent, by its public documentation, and what comes of its answer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from pydantic import ValidationError

from collector.alerts.alerts import Alerts
from collector.alerts.notification import Notification
from collector.alerts.options import AlertOptions, AlertReceiver
from collector.alerts.sending import send
from tests.collector.waiting import until
from tests.contract.segments import document, log_stream
from tests.receivers.own_server import Asked, Fault, OwnServer

HOSTILE = '<!channel> @everyone ``` <script> "\r\nBcc: x'
TOLD = Notification(
    id="0123", rule="errors", receiver="ops", reason="raised", made=3, count=2, first=1, last=2,
    container="shop-1", target="shop", sample=HOSTILE,
)  # fmt: skip


class Receiver(OwnServer):
    """Takes everything."""

    def answer(self, asked: Asked) -> web.Response:
        return web.json_response({"ok": True})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as server:
        yield server


def options(server: OwnServer, kind: str, path: str = "", **more: Any) -> AlertReceiver:
    return AlertReceiver.model_validate({"type": kind, "url": f"{server.url}{path}", **more})


async def sent(server: Receiver, kind: str, path: str = "", **more: Any) -> tuple[Asked, Any]:
    assert (await send("ops", options(server, kind, path, **more), TOLD)).outcome == "sent"
    (asked,) = server.asked
    return asked, orjson.loads(asked.body)


async def test_slack_gets_text_in_which_nothing_is_a_mention(receiver: Receiver) -> None:
    asked, body = await sent(receiver, "slack", "/services/T/B/x")
    assert (asked.method, asked.path) == ("POST", "/services/T/B/x")
    assert set(body) == {"text"}
    assert "&lt;!channel&gt;" in body["text"]


async def test_discord_gets_a_block_that_no_line_ends_and_no_mention(receiver: Receiver) -> None:
    _, body = await sent(receiver, "discord", "/api/webhooks/1/x")
    assert body["allowed_mentions"] == {"parse": []}
    assert body["content"].count("```") == 2
    assert len(body["content"]) <= 2000


async def test_ntfy_gets_json_with_its_topic(receiver: Receiver) -> None:
    asked, body = await sent(receiver, "ntfy", "/alarms", token="tk_x")
    assert (asked.path, body["topic"], body["priority"]) == ("/", "alarms", 4)
    assert asked.headers["authorization"] == "Bearer tk_x"
    assert len(body["message"].encode()) <= 4096


async def test_gotify_gets_its_key_in_a_header(receiver: Receiver) -> None:
    asked, body = await sent(receiver, "gotify", token="AbC")
    assert (asked.path, asked.headers["x-gotify-key"]) == ("/message", "AbC")
    assert set(body) == {"title", "message", "priority"}


async def test_telegram_gets_plain_text(receiver: Receiver) -> None:
    asked, body = await sent(receiver, "telegram", token="1:x", chat="-100")
    assert asked.path == "/bot1:x/sendMessage"
    assert body["chat_id"] == "-100"
    assert "parse_mode" not in body
    assert len(body["text"]) <= 4096


async def test_a_webhook_gets_all_members_and_a_key(receiver: Receiver) -> None:
    asked, body = await sent(receiver, "webhook", "/hook")
    assert asked.headers["idempotency-key"] == "0123"
    assert (body["version"], body["rule"], body["count"], body["sample"]) == (1, "errors", 2, HOSTILE)


async def test_alertmanager_gets_an_alert_of_version_2(receiver: Receiver) -> None:
    asked, body = await sent(receiver, "alertmanager")
    (alert,) = body
    assert asked.path == "/api/v2/alerts"
    assert alert["labels"] == {"alertname": "errors", "container": "shop-1", "target": "shop"}
    assert alert["startsAt"] < alert["endsAt"]


@pytest.mark.parametrize(("status", "outcome"), [(429, "unavailable"), (503, "unavailable"), (404, "refused")])
async def test_an_answer_says_whether_to_try_again(receiver: Receiver, status: int, outcome: str) -> None:
    receiver.faults.append(Fault(status=status))
    found = await send("ops", options(receiver, "webhook", "/s3cret"), TOLD)
    assert found.outcome == outcome
    assert "s3cret" not in found.told


async def test_a_receiver_that_is_away_is_tried_again_without_its_url_told() -> None:
    to = AlertReceiver.model_validate({"type": "webhook", "url": "http://127.0.0.1:1/s3cret"})
    found = await send("ops", to, TOLD)
    assert found.outcome == "unavailable"
    assert "s3cret" not in found.told + repr(to) + to.model_dump_json()


async def test_a_line_that_matches_reaches_the_receiver(receiver: Receiver, tmp_path: Path) -> None:
    rules = {"errors": {"query": "level:error", "to": ["ops"]}}
    to = {"ops": {"type": "webhook", "url": receiver.url}}
    alerts = Alerts(AlertOptions.model_validate({"rules": rules, "to": to}), tmp_path)
    await alerts.look([document({"message": "bad", "level": "error"}, log_stream())] * 200)
    running = asyncio.create_task(alerts.run())
    await until(lambda: alerts.outcomes)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert alerts.outcomes == {("errors", "ops", "sent"): 1}
    assert alerts.pending == 0
    assert alerts.status()[0]["raised"] == 1
    assert len(receiver.asked) == 1


async def test_mail_is_sent_with_its_id_and_no_header_of_a_line() -> None:
    lines: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        is_data = False
        while line := await reader.readline():
            lines.append(line)
            if is_data and line != b".\r\n":
                continue
            word = line[:4].upper()
            is_data = word == b"DATA"
            writer.write(b"354 x\r\n" if is_data else b"221 x\r\n" if word == b"QUIT" else b"250 x\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        given = {"url": f"smtp://127.0.0.1:{port}", "sender": "a@x.example", "recipients": "b@x.example"}
        to = AlertReceiver.model_validate({"type": "smtp", "start_tls": False, **given})
        assert (await send("ops", to, TOLD)).outcome == "sent"
    head, _, _ = b"".join(lines).partition(b"\r\n\r\n")
    assert b"Message-ID: <0123@pilotfish.invalid>" in head
    assert b"\r\nBcc:" not in head


@pytest.mark.parametrize(
    "given",
    [
        {"type": "slack"},
        {"type": "slack", "url": "ftp://x"},
        {"type": "slack", "url": "https://u:s3cret@x"},
        {"type": "ntfy", "url": "https://ntfy.sh"},
        {"type": "telegram", "token": "s3cret"},
        {"type": "gotify", "url": "https://x"},
        {"type": "smtp", "url": "smtp://x"},
        {"type": "smtp", "url": "https://x", "sender": "a@x", "recipients": "b@x"},
        {"type": "webhook", "url": "https://x", "url_file": "/x"},
    ],
)
def test_options_that_cannot_work_are_refused_without_a_secret(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as error:
        AlertReceiver.model_validate(given)
    assert "s3cret" not in str(error.value)


def test_a_rule_names_a_query_and_receivers_that_there_are() -> None:
    for rule in ({"query": "a AND", "to": ["ops"]}, {"query": "a", "to": ["nosuch"]}):
        with pytest.raises(ValidationError):
            AlertOptions.model_validate({"rules": {"x": rule}, "to": {"ops": {"type": "webhook", "url": "http://x"}}})
