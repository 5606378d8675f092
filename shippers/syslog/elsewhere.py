"""How log-pilot and logspout name a syslog server → options of this output."""

from typing import Any

from collector.documents.go_template import in_braces
from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route, Translated, tls_of
from collector.ports.translating import address_of, of_set, taken

_PORT, _TLS_PORT = 514, 6514
_TRANSPORTS = ("udp", "tcp", "tls")
_FORMATS = ("rfc5424", "rfc3164")
_FRAMINGS = {"traditional": "newline", "octet-counted": "octet_counted"}
_NAMES = {"hostname": "SYSLOG_HOSTNAME", "app_name": "SYSLOG_TAG", "procid": "SYSLOG_PID"}
_OURS = "structured data holds the id, the container, the image and the target of the document"
_IDLE = {
    "SYSLOG_PRIORITY": "set `facility`; the severity is the level of the line",
    "SYSLOG_TIMESTAMP": "the time is Docker's time of the line, as the format of messages has it",
    "SYSLOG_STRUCTURED_DATA": _OURS,
    "SYSLOG_DATA": "set `message` to message or document",
}


def of_log_pilot(said: LogPilot) -> Translated:
    """A server by UDP, as log-pilot's fluentd sends to it.

    Raises:
        ConfigurationError: its variables name no host.
    """
    where, names = address_of(said.variables, "SYSLOG", _PORT)
    options, origins = taken(said.variables, {"facility": "SYSLOG_FACILITY", "app_name": "SYSLOG_TAG"})
    idle = of_set(said.variables, {"SYSLOG_SEVERITY": "the severity is the level of the line"})
    return Translated({"hosts": [where], "transport": "udp", **options}, {"hosts": names, **origins}, idle)


def of_route(route: Route) -> Translated | None:
    """The adapter `syslog`; udp where no transport is named.

    Raises:
        ConfigurationError: a variable has a value that the adapter does not know, or a template that is not to be had.
    """
    if route.adapter != "syslog" or route.transport not in ("", *_TRANSPORTS):
        return None
    transport = route.transport or "udp"
    tls = tls_of(route)
    options, origins = _worded(route)
    names, whence, members = _named(route)
    where = {"hosts": [route.address(_TLS_PORT if transport == "tls" else _PORT)], "transport": transport}
    idle = of_set(route.variables, _IDLE) | of_set(route.options, {"structured_data": _OURS})
    return Translated(
        {**where, **options, **names, **tls.options},
        {**origins, **whence, **tls.origins},
        {**idle, **tls.idle},
        members,
    )


def _worded(route: Route) -> tuple[dict[str, Any], dict[str, str]]:
    """What variables say in a word."""
    found, origins = {"format": "rfc5424", "framing": "newline"}, {}
    if said := route.variables.get("SYSLOG_FORMAT", ""):
        if said not in _FORMATS:
            raise ConfigurationError(f"SYSLOG_FORMAT: {said!r} is unknown", f"use {' or '.join(_FORMATS)}")
        found["format"], origins["format"] = said, "SYSLOG_FORMAT"
    if said := route.variables.get("SYSLOG_TCP_FRAMING", ""):
        if said not in _FRAMINGS:
            raise ConfigurationError(f"SYSLOG_TCP_FRAMING: {said!r} is unknown", f"use {' or '.join(_FRAMINGS)}")
        found["framing"], origins["framing"] = _FRAMINGS[said], "SYSLOG_TCP_FRAMING"
    return found, origins


def _named(route: Route) -> tuple[dict[str, Any], dict[str, str], dict[str, tuple[str, ...]]]:
    """The names in the head of a message: templates of variables as patterns, and `append_tag`."""
    given, origins = taken(route.variables, _NAMES)
    found = {"hostname": "{container_id}", "procid": "-"}  # as logspout has them; nobody knows a process here
    for option, template in given.items():
        if (pattern := in_braces(str(template))) is None:
            raise ConfigurationError(
                f"{origins[option]}: the template says more than the name of the container, its id, image or host",
                f"configure an output with `{option}`, such as {{container}}",
            )
        found[option] = pattern
    if end := route.options.get("append_tag", ""):
        found["app_name"] = f"{found.get('app_name', '{container}')}{end}"
        origins["app_name"] = f"{origins['app_name']}, append_tag" if "app_name" in origins else "append_tag"
    needs_image = any("{docker_image}" in pattern for pattern in found.values())
    return found, origins, {"container": ("image",)} if needs_image else {}
