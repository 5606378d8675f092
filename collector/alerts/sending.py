"""A notification → its receiver, once: what came back is told without a word of a secret."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from aiohttp import ClientError

from collector.alerts import messages
from collector.alerts.notification import Notification
from collector.alerts.options import AlertReceiver
from collector.errors import ConfigurationError
from collector.net.http_node import Access, Node, Question

Outcome = Literal["sent", "refused", "unavailable"]
_SECONDS = 20.0
_MOST_ANSWER = 64 << 10
_AGAIN = (408, 425, 429)
_TEMPORARY = 400  # and above: what SMTP says of now, and from 500 on of ever
_FOREVER = 500
_PORTS = {"smtp": 587, "smtps": 465}


class Sent(NamedTuple):
    """What came of it: `told` is for people, `retry_after` seconds is what the receiver asks for."""

    outcome: Outcome
    told: str
    retry_after: float | None = None


async def send(name: str, to: AlertReceiver, one: Notification) -> Sent:
    """Send it once to the receiver of that name."""
    place = f"alerts.to.{name}."
    try:
        if to.type == "smtp":
            return await asyncio.to_thread(_mail, to, one, place)
        return await _post(to, one, place)
    except ConfigurationError as error:
        return Sent("unavailable", str(error))


async def _post(to: AlertReceiver, one: Notification, place: str) -> Sent:
    asked = messages.request(to, one, place)
    url = urlsplit(asked.url)
    tls = to.tls_context(place) if url.scheme == "https" else None
    node = Node(f"{url.scheme}://{url.netloc}", access=lambda: Access(asked.headers, tls), connections=1)
    target = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
    try:
        answer = await node.ask(Question("POST", target, asked.body, {}, most_bytes=_MOST_ANSWER), _SECONDS)
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        return Sent("unavailable", f"{to.type} cannot be reached ({type(error).__name__})")
    finally:
        await node.aclose()
    if answer.status < 300:
        return Sent("sent", f"{to.type} took it ({answer.status})")
    again = answer.status >= 500 or answer.status in _AGAIN
    return Sent("unavailable" if again else "refused", f"{to.type} answers {answer.status}", answer.retry_after)


def _mail(to: AlertReceiver, one: Notification, place: str) -> Sent:
    """Send it by SMTP; waits for the network, so it runs in a thread."""
    url = urlsplit(to.address(place))
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    tls = to.tls_context(place) if url.scheme == "smtps" or to.start_tls else None
    try:
        with _connection(host, port, tls if url.scheme == "smtps" else None) as server:
            if url.scheme == "smtp" and tls is not None:
                server.starttls(context=tls)
            if to.username:
                server.login(to.username, to.password_at(place))
            server.send_message(_letter(to, one))
    except smtplib.SMTPResponseException as error:
        return Sent("refused" if error.smtp_code >= _FOREVER else "unavailable", f"smtp answers {error.smtp_code}")
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        is_now = any(_TEMPORARY <= code < _FOREVER for code in codes)
        return Sent("unavailable" if is_now else "refused", f"smtp refuses the recipients ({max(codes)})")
    except (OSError, smtplib.SMTPException) as error:
        return Sent("unavailable", f"smtp cannot be used ({type(error).__name__})")
    return Sent("sent", "smtp took it")


def _connection(host: str, port: int, tls: ssl.SSLContext | None) -> smtplib.SMTP:
    if tls is not None:
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=tls)
    return smtplib.SMTP(host, port, timeout=_SECONDS)


def _letter(to: AlertReceiver, one: Notification) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"] = to.sender, ", ".join(to.recipients)
    letter["Subject"] = " ".join(one.title.split())
    letter["Date"] = formatdate(one.made / 1e9)
    letter["Message-ID"] = (
        f"<{one.id}@pilotfish.invalid>"  # the same each time, so that mail servers may drop the second
    )
    letter.set_content(one.text)
    return letter
