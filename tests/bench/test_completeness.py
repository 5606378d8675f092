"""What is lost, doubled or broken is seen, whether a collector has ids or not."""

from collections.abc import Iterable

from tests.bench.bodies import Body
from tests.bench.completeness import verify
from tests.bench.workload import LONG_BYTES

EXPECTED = {b"0-1", b"0-2", b"%016x" % 3}


def document(token: str) -> bytes:
    inner = f'"message":"seq={token}"' if "-" in token else f'"trace_id":"{token}"'
    return b'{"log":{%b},"stream":"stdout"}' % inner.encode()


def body(*documents: tuple[str, bytes]) -> Body:
    """With an id each; "" for none."""
    lines = []
    for name, text in documents:
        lines += [b'{"create":{"_index":"i","_id":"%b"}}' % name.encode() if name else b'{"create":{}}', text]
    return Body(b"\n".join(lines) + b"\n", has_actions=True, answered_ns=0)


def all_of_them(ids: Iterable[str] = ("a", "b", "c")) -> list[tuple[str, bytes]]:
    return list(zip(ids, [document("0-1"), document("0-2"), document(f"{3:016x}")], strict=True))


def test_all_there_once_is_complete() -> None:
    for ids in ("abc", ["", "", ""]):
        verdict = verify(EXPECTED, [body(*all_of_them(ids))])
        assert verdict.complete
        assert str(verdict) == "complete"


def test_lines_without_actions_are_documents() -> None:
    text = b"\n".join(text for _, text in all_of_them())
    assert verify(EXPECTED, [Body(text, has_actions=False, answered_ns=0)]).complete


def test_a_lost_line_shows() -> None:
    verdict = verify(EXPECTED, [body(*all_of_them()[1:])])
    assert (verdict.lost, verdict.doubled, verdict.broken) == (1, 0, 0)
    assert str(verdict) == "FAILED: 1 lost"


def test_a_doubled_line_shows_though_the_count_is_right() -> None:
    verdict = verify(EXPECTED, [body(*all_of_them(["", "", ""])[1:]), body(("", document("0-2")))])
    assert (verdict.lost, verdict.doubled) == (1, 1)


def test_a_document_that_comes_again_under_its_id_counts_once() -> None:
    assert verify(EXPECTED, [body(*all_of_them()), body(*all_of_them())]).complete


def test_a_line_under_two_ids_is_doubled() -> None:
    assert verify(EXPECTED, [body(*all_of_them()), body(("d", document("0-1")))]).doubled == 1


def test_two_lines_under_one_id_lose_the_second() -> None:
    assert verify(EXPECTED, [body(*all_of_them(["a", "a", "c"]))]).lost == 1


def test_what_is_no_line_is_broken() -> None:
    glued = b'{"log":{"message":"seq=0-1 seq=0-2"}}'
    verdict = verify(EXPECTED, [body(("a", glued), ("b", b"{}"), ("c", document(f"{3:016x}")))])
    assert (verdict.lost, verdict.broken) == (2, 2), verdict


def test_a_long_line_has_to_be_whole() -> None:
    long = b"seq=0-1 " + b"x" * LONG_BYTES
    whole, cut, foreign = long + b' end=0-1"', long[: LONG_BYTES // 2] + b' end=0-1"', long + b' end=0-2"'
    assert [verify({b"0-1"}, [body(("a", text))]).broken for text in (whole, cut, foreign)] == [0, 1, 1]
