"""State directories → the running agent: its address, its token, and requests to it. Standard library and YAML only."""

import http.client
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from collector.cli.terminal import environ
from collector.errors import ConfigurationError, PilotfishError, QueryError
from collector.files import paths
from collector.state import places

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0  # a tail has a heartbeat every 15 s, a search reads days of logs
MOST_TEXT = 4096  # characters that the API takes of a query or a filter
NOT_FOUND = "start one with `pilotfish run` or `pilotfish demo`, or name its --state-dir"


class NoAgent(PilotfishError):
    """No agent answers."""


class Settings(NamedTuple):
    """What is configured of where the agent is; None: not configured."""

    state_dir: Path | None
    listen: places.Address | None


def settings(config: Path | None) -> Settings:
    """Look up the two keys in the environment and the file, without checking the rest.

    Raises:
        ConfigurationError: the file cannot be read, or `http.listen` is no address.
    """
    values: Mapping[str, Any] = {}
    if config is not None:
        from collector.config import yaml_file

        values = yaml_file.read(config).values
    given = environ()
    state_dir = location(given.get("PILOTFISH_STATE_DIR") or values.get("state_dir"), "state_dir")
    section = values.get("http", {})
    inner = section.get("listen", places.LISTEN) if isinstance(section, dict) else section or places.LISTEN
    listen = given.get(places.LISTEN_VARIABLE) or (None if section is False else inner)
    return Settings(state_dir, places.listening(listen))


def location(text: object, what: str) -> Path | None:
    """The path that `what` names; None where nothing is said.

    Raises:
        ConfigurationError: no file can have it.
    """
    try:
        return paths.path_of(text) if text else None
    except ValueError as error:
        raise ConfigurationError(f"{what}: {str(error).replace('; ', ': ')}") from None


@contextmanager
def ask(
    path: str,
    arguments: list[tuple[str, str]],
    *,
    state_dir: Path | None,
    config: Path | None,
    method: str = "GET",
) -> Iterator[http.client.HTTPResponse]:
    """Ask the first agent that answers, and give its good answer.

    Raises:
        QueryError: the agent cannot answer this request.
        NoAgent: no agent answers.
        PilotfishError: it refuses.
    """
    arguments = [(name, _sent(name, text)) for name, text in arguments]
    target = f"{path}?{urlencode(arguments)}" if arguments else path
    tried: list[str] = []
    for directory in candidates(state_dir, config):
        connection = _connect(directory, method, target, tried)
        if connection is None:
            continue
        with closing(connection):
            response = connection.getresponse()
            if response.status != http.HTTPStatus.OK:
                raise _refused(response, directory)
            yield response
            return
    raise NoAgent(f"no agent answers (tried {', '.join(tried)})", NOT_FOUND)


def _sent(name: str, text: str) -> str:
    """An argument as it was typed: terminals write UTF-8, whatever the locale is said to be.

    Raises:
        QueryError: it is longer than the API takes.
    """
    try:
        text = os.fsencode(text).decode("utf-8")
    except UnicodeError:
        text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) > MOST_TEXT:
        what = "the query" if name == "q" else f"the {name}"
        raise QueryError(f"{what} has {len(text)} characters", f"shorten it to {MOST_TEXT} at most")
    return text


def candidates(state_dir: Path | None, config: Path | None) -> list[Path]:
    """Where an agent may have left its address: what was named, else the usual places, the demo's last."""
    chosen = state_dir or settings(config).state_dir
    if chosen is not None:
        return [chosen]
    given = environ()
    return list(dict.fromkeys([places.state_dir(given), Path("/var/lib/pilotfish"), places.demo_state_dir(given)]))


def _connect(directory: Path, method: str, target: str, tried: list[str]) -> http.client.HTTPConnection | None:
    """Send the request to the agent of a state directory; None, with the reason in `tried`, when there is none."""
    try:
        host, port = places.address((directory / places.ADDRESS_FILE).read_text("ascii"))
        token = (directory / places.TOKEN_FILE).read_text("ascii").strip()
    except FileNotFoundError:
        tried.append(str(directory))
        return None
    except PermissionError:
        tried.append(f"{directory}: permission denied, use sudo")
        return None
    except (OSError, ValueError) as error:
        tried.append(f"{directory}: {error}")
        return None
    connection = http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
    try:
        connection.request(method, target, headers={"Authorization": f"Bearer {token}"})
        connection.sock.settimeout(ANSWER_SECONDS)
    except OSError as error:
        connection.close()
        tried.append(f"{directory}: {places.Address(host, port)}: {error.strerror or error}")
        return None
    return connection


def _refused(response: http.client.HTTPResponse, directory: Path) -> PilotfishError:
    """Translate the API's refusal."""
    try:
        told = json.loads(response.read(1 << 16))
        cause, remedy = str(told["error"]), str(told["remedy"])
    except (ValueError, KeyError, TypeError):
        return PilotfishError(f"the agent of {directory} answered {response.status} {response.reason}", "check its log")
    if response.status == http.HTTPStatus.BAD_REQUEST:
        return QueryError(cause, remedy)
    if response.status == http.HTTPStatus.UNAUTHORIZED:
        return PilotfishError(
            f"{directory} does not belong to the agent that answers",
            "set --state-dir to the state directory of that agent",
        )
    return PilotfishError(cause, remedy)
