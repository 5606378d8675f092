"""Batch → a server that takes GELF, such as Graylog: a message for each document, over HTTP, TCP or UDP.

Guarantees: over HTTP a message counts as delivered when the server answers 202 to it. Nothing acknowledges the others.
Specification: GELF 1.1, https://go2docs.graylog.org/current/getting_in_log_data/gelf.html.

Reading order: `settings` (the options), `messages` (a document's bytes as a message), `datagrams` (one in chunks),
`over_http` and `over_others` (the shippers).
"""

from .settings import Settings

__all__ = ["Settings"]
