"""A notification → the request that each kind of receiver takes, by its public documentation.

Lines are hostile: in each kind their text stands as text, and can mention nobody, link nowhere and end no member.
Sources: api.slack.com/messaging/webhooks, discord.com/developers/docs/resources/webhook, docs.ntfy.sh/publish,
gotify.net/api-docs, core.telegram.org/bots/api, Alertmanager's api/v2/openapi.yaml.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson
from msgspec import to_builtins

from collector.alerts.notification import Notification
from collector.alerts.options import AlertReceiver
from collector.net import remote
from collector.text.times import iso

_MOST_DISCORD = 2000  # characters
_MOST_TELEGRAM = 4096
_MOST_NTFY = 4096  # bytes; a longer one becomes an attachment
_SECOND = 1_000_000_000


class Request(NamedTuple):
    """A POST: where to, with which headers and body."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def request(to: AlertReceiver, told: Notification, place: str) -> Request:
    """What is sent to a receiver that speaks HTTP; `place` is where its options stand.

    Raises:
        ConfigurationError: a secret of it cannot be read.
    """
    url, token = to.address(place), to.secret(place)
    headers = {"content-type": "application/json"}
    if to.username:
        headers["authorization"] = remote.basic(to.username, to.password_at(place))
    elif token and to.type in ("ntfy", "webhook", "alertmanager"):
        headers["authorization"] = f"Bearer {token}"
    match to.type:
        case "ntfy":
            url, body = _ntfy(url, told)
        case "gotify":
            url, headers["x-gotify-key"] = f"{url}/message", token
            body = {"title": told.title, "message": told.text, "priority": 5}
        case "telegram":
            url = f"{url}/bot{token}/sendMessage"
            body = _telegram(told, to.chat or "")
        case "alertmanager":
            url = f"{url}/api/v2/alerts"
            return Request(url, headers, orjson.dumps([_alert(told)]))
        case "webhook":
            headers["idempotency-key"] = told.id
            body = {"version": 1, "title": told.title, **_times_as_text(told)}
        case _:
            body = _CHATS[to.type](told)
    return Request(url, headers, orjson.dumps(body))


def _slack(told: Notification) -> Mapping[str, Any]:
    return {"text": f"*{_of_slack(told.title)}*\n{_of_slack(told.text)}"}


def _of_slack(text: str) -> str:
    """Text in which nothing is a link, a channel or a user."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _discord(told: Notification) -> Mapping[str, Any]:
    text = told.text.replace("`", "'")  # nothing ends the block
    content = f"**{told.title}**\n```\n{text}"
    return {"content": f"{content[: _MOST_DISCORD - 4]}\n```", "allowed_mentions": {"parse": []}}


_CHATS: Mapping[str, Callable[[Notification], Mapping[str, Any]]] = {"slack": _slack, "discord": _discord}


def _ntfy(url: str, told: Notification) -> tuple[str, Mapping[str, Any]]:
    """As JSON to the root of the server: headers hold no text beyond ASCII."""
    parts = urlsplit(url)
    path, _, topic = parts.path.rpartition("/")
    text = told.text.encode()[:_MOST_NTFY].decode(errors="ignore")
    root = f"{parts.scheme}://{parts.netloc}{path}"
    return f"{root}/", {"topic": topic, "title": told.title, "message": text, "priority": 4}


def _telegram(told: Notification, chat: str) -> Mapping[str, Any]:
    text = f"{told.title}\n{told.text}"[:_MOST_TELEGRAM]
    return {"chat_id": chat, "text": text, "link_preview_options": {"is_disabled": True}}


def _alert(told: Notification) -> Mapping[str, Any]:
    """It ends by itself when the cool-down does: until then no other one is sent."""
    named = {"container": told.container, "target": told.target, "host": told.host}
    ends = told.made + int(told.cool_down_seconds * _SECOND)
    return {
        "labels": {"alertname": told.rule or "pilotfish", **{name: value for name, value in named.items() if value}},
        "annotations": {"summary": told.title, "description": told.text},
        "startsAt": iso(told.first or told.made),
        "endsAt": iso(max(ends, told.made + 60 * _SECOND)),
    }


def _times_as_text(told: Notification) -> Mapping[str, Any]:
    times = {name: iso(getattr(told, name)) for name in ("made", "first", "last")}
    return {**to_builtins(told), **times}
