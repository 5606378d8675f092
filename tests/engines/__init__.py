"""Real servers for tests: Elasticsearch 6, 7 and 8, OpenSearch 2 and a Docker daemon, all on this machine's loopback.

Reading order: `catalogue` (which engines, which versions, where they are kept) → `install` (called by `script/test`) →
`process` (a child that is never left behind) → `search_server` with `elasticsearch` and `opensearch` → `dockerd`.
The fixtures that boot them stand in `tests/conftest.py`: each engine boots when the first test asks for it, once per
session, in a temporary directory of its own.
"""
