"""What went wrong between the agent and a daemon → its cause in one line, and what mends it."""

import os
import re
import ssl

import aiohttp
import orjson

from collector.errors import UNREADABLE

_FORBIDDEN = (401, 403, 405)  # no daemon answers so: something before it does
_FIRST_REDIRECT, _FIRST_ERROR, _FIRST_FAULT = 300, 400, 500
_MOST_BYTES = 64 << 10  # of a refusal; one that is longer is no daemon's
_MOST_WORDS = 400  # characters
_OTHER_VERSION = re.compile(r"client version \S+ is too (old|new)")
_TLS_FAILURE = re.compile(r"\[SSL: \w+\] (.+?) \(_ssl\.c")
_OF_A_FAULT = "check the daemon's log (journalctl -u docker), and that of a proxy in front of it"
_REMEDIES = (  # the first whose words are in the cause; `{place}` is where the options stand
    ("Permission", "run as root, or give this user access to the socket (group docker)"),
    (
        "HTTP request to an HTTPS server",
        "the daemon requires TLS: set {place}tls (DOCKER_TLS_VERIFY, DOCKER_CERT_PATH)",
    ),
    (
        "client version",
        "GET /version reports an API version that the daemon does not accept: a proxy in front of it "
        "must pass on the daemon's own answer; try `docker version`",
    ),
    ("mismatch", "{place}url (DOCKER_HOST) must use a host name of the daemon's certificate"),
    ("has expired", "renew the daemon's certificate"),
    (
        "certificate verify failed",
        "ca.pem in {place}tls must be the CA certificate that signed the daemon's certificate",
    ),
    (
        "refused with",
        "a proxy in front of it must allow GET of /version, /info, /events, /containers/json, "
        "/containers/{id}/json and /containers/{id}/stats, see docs/security.md",
    ),
    (
        "alert",
        "check that cert.pem in {place}tls is valid today, and signed by the CA that the daemon trusts (--tlscacert)",
    ),
    (
        "event stream did not begin",
        "a proxy in front of the daemon must pass on the response to GET /events at once; podman 2 and "
        "5.2 begin it with the first event",
    ),
    (
        "no answer within",
        "run `docker ps`: if it hangs, restart the daemon; if it answers, a proxy between the agent and "
        "the daemon delays responses",
    ),
    (
        "Connection refused",  # of a unix socket; one that is mounted into a container stays that of the daemon before
        "check that the daemon is running, and that {place}url (DOCKER_HOST) is its address. In a "
        "container: restart it if the daemon was restarted",
    ),
    ("", "check that the daemon is running, and that {place}url (DOCKER_HOST) is its address"),
)


class Refusal(Exception):
    """An answer that is an error: its status, and what it says."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status, words)
        self.status = status
        self.words = words

    @property
    def is_of_version(self) -> bool:
        """Whether the daemon speaks another version of the API than it was asked in."""
        return self.status == 400 and _OTHER_VERSION.search(self.words) is not None

    @property
    def is_fault(self) -> bool:
        """Whether the daemon, or what stands before it, failed at what it was asked."""
        return self.status >= _FIRST_FAULT


async def refusal_of(response: aiohttp.ClientResponse) -> Refusal | None:
    """None of an answer that is none; one that is has been read and closed then."""
    if response.status < _FIRST_REDIRECT:
        return None
    content = b""
    async with response:
        while len(content) < _MOST_BYTES and (piece := await response.content.read(_MOST_BYTES - len(content))):
            content += piece
    if response.status in _FORBIDDEN or response.status < _FIRST_ERROR:
        return Refusal(response.status, f"refused with {response.status}")
    return Refusal(response.status, _words(content) or f"refused with {response.status}")


def _words(content: bytes) -> str:
    """The `message` of the Engine API's error, whatever type the answer calls itself; else its text."""
    try:
        told = orjson.loads(content)
    except UNREADABLE:
        told = content.decode(errors="replace")
    if isinstance(told, dict):
        told = told.get("message") or told.get("cause") or ""
    return " ".join(str(told).split())[:_MOST_WORDS]


def cause_of(error: Exception) -> str:
    """What happened, in one line."""
    if isinstance(error, Refusal):
        return error.words
    inner = error.args[-1] if error.args else ""
    words = " ".join(str(inner).split()) or type(error).__name__
    if failure := _TLS_FAILURE.search(words):
        return failure[1].rstrip(".")
    if not isinstance(inner, OSError) or isinstance(inner, ssl.SSLError):
        return words
    number = inner.errno or 0  # asyncio has words of its own for most; those of names are below 0
    return os.strerror(number) if number > 0 else inner.strerror or words


def cause_and_remedy(where: str, error: Exception, place: str) -> tuple[str, str]:
    """What happened with the daemon `where`, and what mends it; its options stand at `place`."""
    cause = cause_of(error)
    if isinstance(error, Refusal) and error.is_fault:
        return f"{where} answers with an error ({cause})", _OF_A_FAULT
    return f"{where} does not answer ({cause})", next(
        remedy.replace("{place}", place) for words, remedy in _REMEDIES if words in cause
    )
