"""What a shell completes: names that the running agent knows; nothing where none answers."""

from contextlib import suppress

from collector.errors import PilotfishError


def containers(incomplete: str) -> list[str]:
    """Names of containers that are followed."""
    return _begin(incomplete, _asked("/api/status", [], "following"))


def targets(incomplete: str) -> list[str]:
    """Targets of documents."""
    found = _asked("/api/search", [("limit", "0"), ("facet", "target"), ("values", "100")], "facets")
    values = found.get("target", []) if isinstance(found, dict) else []
    return _begin(incomplete, [each["value"] for each in values])


def _asked(path: str, arguments: list[tuple[str, str]], member: str) -> object:
    import json

    from collector.cli import agent

    with (
        suppress(PilotfishError, OSError, ValueError, KeyError),
        agent.ask(path, arguments, state_dir=None, config=None) as response,
    ):
        return json.loads(response.read())[member]
    return []


def _begin(incomplete: str, names: object) -> list[str]:
    found = names if isinstance(names, list) else []
    return sorted({name for name in found if isinstance(name, str) and name.startswith(incomplete)})
