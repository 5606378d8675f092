"""The docker command's contexts → the daemon that it would ask: `~/.docker/config.json`, `contexts/meta/`.

Their form: docker/cli `cli/context/store`; a context's directory is named by the SHA-256 of its name.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from collector.errors import UNREADABLE, ConfigurationError
from collector.files import paths

_DEFAULT = "default"  # the docker command's word for no context


class DockerContext(NamedTuple):
    """Where its daemon is, the directory of its certificates if it has any, and what named it."""

    host: str
    tls: Path | None
    told_by: str


def current(environ: Mapping[str, str], place: str) -> DockerContext | None:
    """The context that the docker command would use, which DOCKER_HOST keeps from being asked; None for its default.

    `place` is where the options stand that can be set instead.

    Raises:
        ConfigurationError: it is named and cannot be used.
    """
    home = environ.get("DOCKER_CONFIG") or (f"{environ['HOME']}/.docker" if environ.get("HOME") else "")
    told_by, name = "DOCKER_CONTEXT", environ.get("DOCKER_CONTEXT")
    if not name and home:
        told_by = f"{home}/config.json"
        name = _mapping(Path(told_by)).get("currentContext")
    if not name or not isinstance(name, str) or name == _DEFAULT:
        return None
    store, folder = Path(home) / "contexts", hashlib.sha256(name.encode(errors="replace")).hexdigest()
    endpoint = _at(_mapping(store / "meta" / folder / "meta.json"), "Endpoints", "docker")
    host = endpoint.get("Host")
    if not isinstance(host, str) or not host:
        raise ConfigurationError(
            f"{told_by}: the Docker context {name} cannot be read",
            f"`docker context ls` lists the contexts; or set {place}url (DOCKER_HOST)",
        )
    tls = store / "tls" / folder / "docker"
    if endpoint.get("SkipTLSVerify") and tls.is_dir():
        raise ConfigurationError(
            f"{told_by}: the Docker context {name} does not verify the daemon's certificate (skip-tls-verify)",
            f"set {place}url, and {place}tls to a directory with the CA certificate ca.pem",
        )
    return DockerContext(host, tls if tls.is_dir() else None, f"{told_by} (context {name})")


def _mapping(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one if there is none."""
    try:
        found = orjson.loads(paths.content(path))
    except (OSError, *UNREADABLE):
        return {}
    return found if isinstance(found, dict) else {}


def _at(found: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
