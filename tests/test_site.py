"""The site of docs/: it builds without a warning, has every page, breaks at a dead link, and asks no other host."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from collector.demo.console import _HEADS
from collector.demo.containers import CONTAINERS
from collector.demo.hints import SEARCHES
from tests.reference import ROOT

DOCS = ROOT / "docs"
# What a browser fetches by itself when it shows a page; `<a href>` it does not.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|object|embed)\b[^>]*?\b(?:src|data)\s*=\s*["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<(?:link|use|image)\b[^>]*?\bhref\s*=\s*["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|url\(\s*["']?((?:https?:)?//[^"')]+)"""
    r"""|@import\s+["']((?:https?:)?//[^"']+)""",
    re.IGNORECASE,
)

pytestmark = pytest.mark.slow


def build(source: Path, target: Path) -> str:
    """What the build complains of, in the mode of `script/docs`."""
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--fresh-env", "-b", "html"]
    done = subprocess.run([*command, source, target], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once."""
    target = tmp_path_factory.mktemp("site")
    assert build(DOCS, target) == ""
    return target


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert len(pages) > 20
    assert [page for page in pages if not (site / page).is_file()] == []


def test_the_first_page_leads_to_every_section(site: Path) -> None:
    first = (site / "index.html").read_text("utf-8")
    for page in ("quick-start", "configuration", "metrics", "commands", "migration", "reliability", "runbooks"):
        assert f'href="{page}.html"' in first
    assert 'href="decisions/index.html"' in first


def test_every_alert_leads_to_its_runbook_in_the_site(site: Path) -> None:
    rules = (ROOT / "dashboards/prometheus/alerts.yml").read_text("utf-8")
    anchors = set(re.findall(r"runbook_url: docs/runbooks\.md#(\S+)", rules))
    page = (site / "runbooks.html").read_text("utf-8")
    assert len(anchors) > 20
    assert {anchor for anchor in anchors if f'id="{anchor}"' not in page} == set()


def test_nothing_in_the_site_is_fetched_from_another_host(site: Path) -> None:
    kinds = (".html", ".css", ".js", ".svg")
    files = [path for path in site.rglob("*") if path.suffix in kinds]
    assert len(files) > 30
    found = {
        (path.name, "".join(address))
        for path in files
        for address in FETCHED.findall(path.read_text("utf-8", errors="replace"))
    }
    assert found == set()


@pytest.mark.parametrize(
    "fetched",
    [
        '<script async src="https://cdn.example/x.js">',
        '<link rel="preconnect" href="//fonts.example">',
        "@font-face { src: url('https://fonts.example/f.woff2') }",
        '@import "https://fonts.example/a.css";',
    ],
)
def test_what_is_fetched_from_another_host_would_be_noticed(fetched: str) -> None:
    assert FETCHED.search(fetched)


def test_a_dead_link_a_dead_heading_and_a_forgotten_page_break_the_build(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    source.mkdir()
    shutil.copy(DOCS / "conf.py", source)
    (source / "index.md").write_text("# A\n\n[gone](gone.md) [nowhere](index.md#nowhere)\n")
    (source / "forgotten.md").write_text("# B\n")
    told = build(source, tmp_path / "site")
    assert "gone.md" in told
    assert "nowhere" in told
    assert "forgotten.md" in told


@pytest.mark.parametrize("picture", sorted((DOCS / "pictures").glob("*.svg")), ids=lambda path: path.name)
def test_a_drawing_is_whole_and_fetches_nothing(picture: Path) -> None:
    text = picture.read_text("utf-8")
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own file
    assert FETCHED.search(text) is None


def test_the_picture_of_the_demo_shows_what_the_demo_shows() -> None:
    picture = ElementTree.parse(DOCS / "pictures" / "demo.svg")  # noqa: S314 - our own file
    shown = " ".join("".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text"))
    for words in (*_HEADS, *(f"pilotfish search {words}" for words, _ in SEARCHES), "delivered", "Ctrl-C ends"):
        assert words in shown
    assert all(container.name in shown for container in CONTAINERS)
