"""docs/glossary.md: each word once, in order, short, and linked from a page that uses it."""

import re

from tests.reference import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "glossary.md").read_text("utf-8")
LINK = re.compile(r"\((?:docs/)?glossary\.md#([\w-]+)\)")
WORDS = dict(re.findall(r"^## (.+)\n\n((?:.+\n)+)", PAGE, re.MULTILINE))


def anchor(word: str) -> str:
    return word.replace(" ", "-")


def test_words_are_in_alphabetical_order_and_each_is_explained_in_two_lines_at_most() -> None:
    assert len(WORDS) > 30
    assert list(WORDS) == sorted(re.findall(r"^## (.+)", PAGE, re.MULTILINE))
    assert [word for word, text in WORDS.items() if text.count("\n") > 2] == []


def test_every_word_is_linked_from_a_page_that_uses_it() -> None:
    pages = [path for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")) if path.name != "glossary.md"]
    linked = {found for page in pages for found in LINK.findall(page.read_text("utf-8"))}
    assert {anchor(word) for word in WORDS} - linked == set()


def test_a_page_links_a_word_once_where_it_is_used_first() -> None:
    for path in DOCS.glob("*.md"):
        links = LINK.findall(path.read_text("utf-8"))
        assert len(links) == len(set(links)), path.name
