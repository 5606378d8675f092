"""`pilotfish healthcheck`: `/healthz` of the agent on this machine → exit code 0 or 1 and one line."""

from pathlib import Path
from typing import TYPE_CHECKING

from collector.cli import terminal
from collector.errors import PilotfishError
from collector.state import places

if TYPE_CHECKING:
    from collector.cli.agent import Settings

SECONDS = 5.0
HEALTHY = "ok"  # what the agent says, and no other program's page
STUCK = "stuck: "


def quick(arguments: list[str]) -> int | None:
    """Answer a plain `healthcheck [-c FILE]` without loading typer; None: let typer look at it."""
    match arguments:
        case ["healthcheck"]:
            return check(None)
        case ["healthcheck", "-c" | "--config", name] if not name.startswith("-"):
            from collector.cli import agent

            return check(agent.location(name, "-c"))
    return None


def check(config: Path | None) -> int:
    """Ask, write one line, give the exit code.

    Raises:
        PilotfishError: there is no port to ask, nobody answers, or another program does.
    """
    import http.client  # other commands load this module too

    from collector.cli import agent

    chosen = terminal.environ().get("PILOTFISH_CONFIG")
    settings = agent.settings(config or agent.location(chosen, "PILOTFISH_CONFIG"))
    address = _address(settings)
    connection = http.client.HTTPConnection(*address, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        text = response.read(1000).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PilotfishError(f"{address} does not answer ({reason})", "check that the agent is running") from None
    finally:
        connection.close()
    if response.status == http.HTTPStatus.OK and text == HEALTHY:
        terminal.write(text)
        return 0
    if response.status == http.HTTPStatus.SERVICE_UNAVAILABLE and text.startswith(STUCK):
        terminal.complain(f"{address} answers {response.status}: {text}")
        return 1
    if response.status == http.HTTPStatus.SERVICE_UNAVAILABLE and places.BUSY in text:
        # It lives, and a new one in its place would be as busy: no reason to replace it.
        terminal.write(f"ok, but {places.BUSY}")
        return 0
    raise PilotfishError(
        f"another program answers at {address} ({response.status})", "correct http.listen, here and in the agent"
    )


def _address(settings: "Settings") -> places.Address:
    if settings.listen is None:
        raise PilotfishError("http.listen is off", "healthcheck needs the port: set http.listen")
    if settings.listen.port:
        return settings.listen.reachable
    # any free port: the agent wrote down which
    directory = settings.state_dir or places.state_dir(terminal.environ())
    try:
        return places.address((directory / places.ADDRESS_FILE).read_text("ascii"))
    except (OSError, ValueError):
        raise PilotfishError(
            f"{directory} contains no address of an agent", "check that the agent is running"
        ) from None
