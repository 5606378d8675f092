"""Batch → a syslog server: a message for each document, over TCP, TLS, UDP or RELP.

Guarantees: over RELP a message counts as delivered when the server has acknowledged it. Nothing else of syslog
acknowledges anything: over TCP what was sent last is kept, and sent again when the server closes the connection.
Specifications: RFC 5424, 3164, 5425, 6587, 5426, and RELP as librelp speaks it.

Reading order: `settings` (the options), `messages` (a document's bytes as a message), `over_tcp`, `over_udp` and
`over_relp` (the ways), `relp` (the protocol).
"""

from .settings import Settings

__all__ = ["Settings"]
