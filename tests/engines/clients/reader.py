"""A user's program with the official client: where the server is, index and a word on stdin → what it finds, on stdout.

`count` documents, `all` of them by id as `scan` gives them, the ids that a search for the word finds (`found`) in the
order of their times, and `one` of them got by its id; `client` is the client's version.
"""

import json
import sys

import elasticsearch  # of the directory on PYTHONPATH, not among the packages of the tests
from elasticsearch.helpers import scan


def main() -> None:
    asked = json.load(sys.stdin)
    major = elasticsearch.__version__[0]
    options: dict[str, object] = {}
    if asked["ca"]:
        options["ca_certs"] = asked["ca"]
    if asked["user"]:
        options["basic_auth" if major >= 8 else "http_auth"] = (asked["user"], asked["password"])
    client = elasticsearch.Elasticsearch([asked["url"]], **options)
    index = asked["index"]
    client.indices.refresh(index=index)
    query = {"match": {"log.message": asked["message"]}}
    hits = client.search(index=index, query=query, sort=[{"@timestamp": "asc"}])["hits"]["hits"]
    found = {
        "client": ".".join(map(str, elasticsearch.__version__[:2])),
        "count": client.count(index=index)["count"],
        "all": {hit["_id"]: hit["_source"] for hit in scan(client, index=index)},
        "found": [hit["_id"] for hit in hits],
        "one": client.get(index=hits[0]["_index"], id=hits[0]["_id"])["_source"],
    }
    json.dump(found, sys.stdout)


main()
