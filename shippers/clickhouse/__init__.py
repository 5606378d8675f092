"""Batch → rows of a table of ClickHouse over HTTP, each batch once: an INSERT with a token made of its ids.

The server remembers the tokens of its last inserts, within the window of the table, and leaves out what has one of
them. So a batch that is sent again is no second copy, though the answer does not tell.

Reading order: `settings` (the options), `shipper` (one batch), `rows` (documents as rows), `faults` (what the server
says of errors).
"""

from .settings import Settings

__all__ = ["Settings"]
