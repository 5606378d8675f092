"""Batch → Elasticsearch 6 to 9 or OpenSearch: one `_bulk` request each, `create` under the document's own id.

Guarantees: a document is counted as delivered only when the server's own answer for it says so; an answer that is
short, cut or no bulk answer leaves the whole batch unknown; a document that is already there is a duplicate.
Spec: `docs/reliability.md`; why not the official client: `docs/decisions/0003-…`, `0008-…`.

Reading order: `settings` (the options), `parameters` (what an operator adds to bulk requests), `shipper` (one batch),
`bulk` (the request's bytes), `outcomes` (the answer), `items` (what it says of one document), `cluster` (which server
it is), `templates` and `plain_template` (what its indices get), `connection` (the requests, over the nodes of
`collector.net`); `setup` (what `pilotfish setup` installs).
"""

from .settings import Settings
from .shipper import ElasticsearchShipper

__all__ = ["ElasticsearchShipper", "Settings"]
