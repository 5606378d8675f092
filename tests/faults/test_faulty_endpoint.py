"""The faulty endpoint is as truthful as Elasticsearch where it is not told otherwise, and fast enough not to matter."""

import gzip
import os
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.faults.endpoint import FaultyEndpoint


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[FaultyEndpoint]:
    with closing(FaultyEndpoint(tmp_path / "endpoint", 1)) as one:
        yield one


def body(numbers: range) -> bytes:
    pairs = (f'{{"create":{{"_index":"i","_id":"{number}"}}}}\n{{"log":{{"n":{number}}}}}\n' for number in numbers)
    return "".join(pairs).encode()


def post(endpoint: FaultyEndpoint, content: bytes) -> Any:
    request = urllib.request.Request(  # noqa: S310
        f"{endpoint.urls[0]}/_bulk", gzip.compress(content, 1), {"content-encoding": "gzip"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return orjson.loads(answer.read())


def statuses(answer: Any) -> list[int]:
    return [item["create"]["status"] for item in answer["items"]]


def test_an_id_is_created_once_and_there_ever_after(endpoint: FaultyEndpoint) -> None:
    assert statuses(post(endpoint, body(range(3)))) == [201] * 3
    assert statuses(post(endpoint, body(range(1, 4)))) == [409, 409, 201]
    told = endpoint.told()
    assert (told.documents, told.duplicates, told.conflicting) == (4, 2, 0)
    assert len(endpoint.accepted.read_bytes().splitlines()) == 8


def test_two_contents_under_one_id_are_a_conflict(endpoint: FaultyEndpoint) -> None:
    post(endpoint, body(range(1)))
    post(endpoint, body(range(1)).replace(b'"n":0', b'"n":9'))
    assert endpoint.told().conflicting == 1


def test_what_is_refused_is_refused_again_and_noted_once(endpoint: FaultyEndpoint) -> None:
    endpoint.order(refused=0.5)
    first = statuses(post(endpoint, body(range(100))))
    assert statuses(post(endpoint, body(range(100)))) == [400 if status == 400 else 409 for status in first]
    assert endpoint.told().refused == first.count(400) > 0


def test_a_broken_connection_tells_nothing_of_what_was_kept(endpoint: FaultyEndpoint) -> None:
    endpoint.order(requests={"reset": 1.0})
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        post(endpoint, body(range(5)))
    assert endpoint.told().documents == 5


def cpu_seconds(pid: int) -> float:
    """What a process has used: proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_second_of_a_core_takes_100_000_documents(endpoint: FaultyEndpoint) -> None:
    bodies = [body(range(start, start + 5_000)) for start in range(0, 50_000, 5_000)]
    packed = [gzip.compress(each, 1) for each in bodies]
    urls = endpoint.urls  # when they are known, it has started
    used = cpu_seconds(endpoint.pid)
    for each in packed:
        request = urllib.request.Request(f"{urls[0]}/_bulk", each, {"content-encoding": "gzip"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            answer.read()
    assert endpoint.told().documents == 50_000
    assert cpu_seconds(endpoint.pid) - used < 0.5
