"""Name of a fixture → the search server behind it, for tests that hold for every server."""

from collections.abc import Callable

from tests.engines import catalogue
from tests.engines.elasticsearch import Elasticsearch
from tests.engines.opensearch import OpenSearch
from tests.engines.search_server import SearchServer

SEARCH_SERVERS: dict[str, Callable[[], SearchServer]] = {
    "elasticsearch_8": lambda: Elasticsearch(catalogue.ELASTICSEARCH_8),
    "elasticsearch_7": lambda: Elasticsearch(catalogue.ELASTICSEARCH_7, secured=True),
    "elasticsearch_6": lambda: Elasticsearch(catalogue.ELASTICSEARCH_6),
    "opensearch_2": lambda: OpenSearch(catalogue.OPENSEARCH_2),
}
# Each more would cost each test that holds for every server: these keep the contract, and what depends on their age.
OLDEST: dict[str, Callable[[], SearchServer]] = {
    "elasticsearch_6_4": lambda: Elasticsearch(catalogue.ELASTICSEARCH_6_4)
}
NEWEST: dict[str, Callable[[], SearchServer]] = {
    "elasticsearch_9": lambda: Elasticsearch(catalogue.ELASTICSEARCH_9),
    "opensearch_3": lambda: OpenSearch(catalogue.OPENSEARCH_3),
}
