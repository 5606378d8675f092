"""Batch → Elasticsearch 6 to 9 or OpenSearch: one `_bulk` request each, `create` under the document's own id.

Guarantees: a document is counted as delivered only when the server's own answer for it says so; an answer that is
short, cut or no bulk answer leaves the whole batch unknown; a document that is already there is a duplicate.
Spec: `docs/reliability.md`; why the client's lower half only: `docs/decisions/0003-…`.

Reading order: `settings` (the options), `shipper` (one batch), `bulk` (the request's bytes), `outcomes` (the answer),
`cluster` (which server it is, and its template), `connection` (one request over the node pool).
"""

from .settings import Settings
from .shipper import ElasticsearchShipper

__all__ = ["ElasticsearchShipper", "Settings"]
