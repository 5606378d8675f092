"""Batch → Redis 5 and later, Valkey and kin: a stream or a list for each key, each batch once.

What goes to one key goes in one call of a script, which first looks whether it has taken the same batch before. So a
batch that is sent again is a duplicate as a whole: `docs/decisions/0040-…`. Redis runs a script as one: it is in the
memory, the append-only file and the replicas whole or not at all.

Reading order: `settings` (the options), `shipper` (one batch), `scripts` (what the server runs), `faults` (what it
says of errors), `nodes` (connections, and who holds which key of a cluster).
"""

from .settings import Settings

__all__ = ["Settings"]
