"""The handlers of version 1 for an agent of one process, by the names of their routes."""

from aiohttp.typedefs import Handler

from collector.web.api import Api, Patience, Views
from collector.web.v1.export import Export
from collector.web.v1.searching import Searching
from collector.web.v1.streaming import Streaming
from collector.web.v1.telling import Telling


def v1_handlers(views: Views, patience: Patience) -> dict[str, Handler]:
    """All but those of dead letters, which `collector.web.dead_letters` has."""
    return {
        **Searching(views.search).handlers(),
        **Export(views.search, patience).handlers(),
        **Streaming(views, patience).handlers(),
        **Telling(views).handlers(),
        "v1/explain": Api(views, patience).explain,
    }
