"""Batch → objects of a bucket of S3 and kin: NDJSON in gzip, each batch once.

What of a batch has one place (`prefix`) is one object, named by its first id, its last and a hash of all: a batch that
is sent again has the same names. `If-None-Match: *` has the server keep what is there; one that does not know the
condition writes the same content under the same name.

Reading order: `settings` (the options), `shipper` (one batch), `objects` (names and content), `signing` (who asks),
`faults` (what a server says of errors).
"""

from .settings import Settings

__all__ = ["Settings"]
