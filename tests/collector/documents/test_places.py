"""Laws of places by template: what a stream says of itself stays within its part of them."""

import pytest

from collector.documents.places import Places, clean
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import HOSTILE_TARGETS

LETTERS = r"._/\-"


def test_segments_of_one_place_go_together_in_their_order() -> None:
    parts = plain_segment(2), plain_segment(1, "till"), plain_segment(0), plain_segment(3, first=2)
    assert Places("{target}/%Y/").groups(batch(*parts)) == {
        "shop/2026/": [parts[0], parts[3]],
        "till/2026/": [parts[1]],
    }


def test_a_place_tells_container_host_and_day() -> None:
    assert Places("{host}-{container}-%Y.%m.%d-%j").of(plain_segment(1)) == "moby-c0ffee-1-2026.11.23-327"


@pytest.mark.parametrize("target", [*HOSTILE_TARGETS, "{host}", "%Y", "..."])
def test_a_value_is_never_empty_a_path_or_a_template(target: str) -> None:
    name = clean(target)
    assert name.strip(".")
    assert not set(name) & set("/{}%:\\\n\x00 ")
    assert len(name) <= 200
    assert Places("a/{target}/b").of(plain_segment(1, target)) == f"a/{name}/b"


@pytest.mark.parametrize("template", ["", "{log}", "{target", "a b", "%H", "a:b", "{target}\n"])
def test_other_templates_are_refused(template: str) -> None:
    assert Places.fault_of(template, LETTERS).startswith("may contain {target}, {container}, {host}, %Y")


@pytest.mark.parametrize("template", ["{target}", "logs/{host}/{container}/%Y-%m-%d/", "x"])
def test_templates_of_members_days_and_letters_are_taken(template: str) -> None:
    assert Places.fault_of(template, LETTERS) == ""
