import copy
from typing import Any

import pytest

from shippers.elasticsearch.marks import Borne, Mark, fingerprint, marked, split

META, TEXT = Mark(("_meta",)), Mark(("policy", "description"), in_text=True)
INNER = Mark(("mappings", "_doc", "_meta", "pilotfish"))


def body() -> dict[str, Any]:
    return {
        "policy": {"description": "kept 30d", "phases": {"delete": {"min_age": "31d", "actions": {"delete": {}}}}},
        "settings": {"index.mapping.total_fields.limit": 2000, "index.a": True},
        "mappings": {"_doc": {"properties": {"host": {"type": "keyword"}}}},
        "index_patterns": ["b*", "a*"],
    }


@pytest.mark.parametrize("mark", [META, TEXT, INNER])
def test_a_mark_is_taken_out_as_it_was_put_in(mark: Mark) -> None:
    borne, rest = split(marked(body(), mark, 7), mark)
    assert (borne, rest) == (Borne(7, fingerprint(body())), body())


@pytest.mark.parametrize("mark", [META, TEXT, INNER])
def test_without_a_mark_there_is_none(mark: Mark) -> None:
    assert split(body(), mark) == (None, body())


@pytest.mark.parametrize("told", [7, {"managed_by": "somebody"}, None])
def test_what_somebody_else_wrote_in_its_place_is_no_mark(told: object) -> None:
    there = body() | {"_meta": told}
    assert split(there, META) == (None, there)


def test_a_damaged_mark_fits_nothing() -> None:
    borne, _ = split(body() | {"_meta": {"managed_by": "pilotfish", "version": "new"}}, META)
    assert borne == Borne(0, "")


def test_a_servers_own_words_are_the_same() -> None:
    told = body()
    told["settings"] = {"index": {"mapping": {"total_fields": {"limit": "2000"}}, "a": "true"}}
    told["index_patterns"] = ["a*", "b*"]
    told["policy"]["phases"]["delete"]["actions"]["delete"] = {"delete_searchable_snapshot": True}
    told |= {"aliases": {}, "error_notification": None, "data_stream": {"hidden": False}, "created_date_millis": 5}
    assert fingerprint(told) == fingerprint(body() | {"data_stream": {}})


def drop_action(there: dict[str, Any]) -> None:
    there["policy"]["phases"]["delete"]["actions"] = {}


def lower_limit(there: dict[str, Any]) -> None:
    there["settings"]["index.mapping.total_fields.limit"] = 1999


def add_a_field_called_like_what_servers_add(there: dict[str, Any]) -> None:
    there["mappings"]["_doc"]["properties"]["hidden"] = False


def unhide(there: dict[str, Any]) -> None:
    there["data_stream"] = {"hidden": True}


@pytest.mark.parametrize("change", [drop_action, lower_limit, add_a_field_called_like_what_servers_add, unhide])
def test_a_change_is_another_hash(change: Any) -> None:
    there = copy.deepcopy(body())
    change(there)
    assert fingerprint(there) != fingerprint(body())
