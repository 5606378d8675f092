"""`collector.web.page_files`: the page's files as they are in the package, under a policy of their own."""

import asyncio
import gzip
import hashlib
import re
from importlib import resources
from pathlib import Path

import aiohttp
import pytest

from collector.web import page_files
from collector.web.pages import LEAST_BYTES
from collector.web.routes import PAGE_FILES, POLICIES, ROUTES
from tests.collector.web.agent import site

FOLDER = Path(str(resources.files("collector.web"))) / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
MOST_ZIPPED_BYTES = 70_000


async def test_each_file_of_the_folder_is_answered_as_what_it_is_to_whoever_asks(tmp_path: Path) -> None:
    assert sorted(PAGE_FILES.values()) == sorted(
        path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()
    )
    async with site(tmp_path) as here:
        for route, name in PAGE_FILES.items():
            body = (FOLDER / name).read_bytes()
            plain = {"Accept-Encoding": "identity"}
            answer = await here.session.get(here.url(ROUTES[route].path), headers=plain)
            assert (answer.status, await answer.read()) == (200, body)
            assert answer.headers["Content-Type"] == TYPES[Path(name).suffix]
            head = await here.session.head(here.url(ROUTES[route].path), headers=plain)
            assert (head.status, head.headers["Content-Length"], await head.read()) == (200, str(len(body)), b"")


async def test_a_page_may_use_its_own_files_and_nothing_else_may_anything(tmp_path: Path) -> None:
    paths = [route.path for route in ROUTES.values()]
    files = [ROUTES[name].path for name in PAGE_FILES]
    async with site(tmp_path) as here:
        for path in [*paths, "/nothing", "/page/nothing", "/page/", "/api/nothing"]:
            answer = await here.session.get(here.url(path), headers={"Host": "evil.example"})
            expected = POLICIES["page" if path == "/" or path in files else "data"]
            assert answer.headers.getall("Content-Security-Policy") == [expected], path
    told = dict(part.strip().partition(" ")[::2] for part in POLICIES["page"].split(";"))
    assert (told["default-src"], told["script-src"], told["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert not re.search("unsafe|https?:|\\*", POLICIES["page"])


def test_the_page_keeps_to_its_policy() -> None:
    """Nothing inline, and nothing of others."""
    for path in FOLDER.glob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"<style|style=|\bon\w+=|<script>|<script(?![^>]*\bsrc=)|https?://", text), path
    for path in FOLDER.glob("*.js"):
        text = path.read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|\beval\(|new Function|document\.write|\bstyle=", text
        ), path


def test_the_page_loads_each_of_its_files_and_no_more_than_is_small() -> None:
    """What the start page names, and what that imports; licences are for people."""
    loaded = _loaded()
    assert loaded == {name for name in PAGE_FILES.values() if Path(name).suffix in (".html", ".css", ".js")}
    sizes = {name: len(gzip.compress((FOLDER / name).read_bytes())) for name in loaded}
    assert sum(sizes.values()) <= MOST_ZIPPED_BYTES, sizes


def test_a_file_of_another_project_is_what_it_was_told_to_be() -> None:
    """The list has each with the hash of what is here, and its licence."""
    rows = re.findall(
        r"^\| `([\w.]+)` \| .* \| [\w.-]+, `([\w.-]+)` \|.*\| `([0-9a-f]{64})` \|$",
        (FOLDER / "vendor/VENDOR.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert {name for name, *_ in rows} == {path.name for path in (FOLDER / "vendor").glob("*.[jc]s*")}
    for name, licence, sha256 in rows:
        assert hashlib.sha256((FOLDER / "vendor" / name).read_bytes()).hexdigest() == sha256, name
        assert "icense" in (FOLDER / "vendor" / licence).read_text("utf-8")


def _loaded() -> set[str]:
    found, waiting = {"index.html"}, ["index.html"]
    while waiting:
        name = waiting.pop()
        text = (FOLDER / name).read_text("utf-8")
        form = r'(?:src|href)="page/([^"]+)"' if name == "index.html" else r'\bfrom ?"\./([^"]+)"'
        folder = Path(name).parent
        for one in re.findall(form, text):
            path = (folder / one).as_posix()
            if path not in found:
                found.add(path)
                waiting.append(path)
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/page/../server.py",
        "/page/..%2fserver.py",
        "/page/%2e%2e/server.py",
        "/page/....//server.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/style.css%00.html",
        "/page/style.css/",
        "/page/style.css/../../access.py",
        "/page/..\\server.py",
        "/page/Style.css",
        "/page/index.html",
        "/page",
        "//page/style.css",
    ],
)
async def test_no_name_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    async with site(tmp_path) as here:
        reader, writer = await asyncio.open_connection(*here.address)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {here.address}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.split()[1] == b"404"
    assert b"import" not in answer


async def test_a_large_file_is_gzipped_for_who_takes_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = page_files._File("text/css; charset=utf-8", b"a" * LEAST_BYTES, gzip.compress(b"a" * LEAST_BYTES))
    monkeypatch.setattr(page_files, "_read", lambda _: large)
    async with site(tmp_path) as here, aiohttp.ClientSession(auto_decompress=False) as session:
        for accepted, is_zipped in [("gzip", True), ("br", False), ("gzip;q=0", False), ("", False)]:
            for ask in (session.get, session.head):
                answer = await ask(here.url("/page/style.css"), headers={"Accept-Encoding": accepted})
                body = large.zipped if is_zipped else large.body
                assert answer.headers.get("Content-Encoding") == ("gzip" if is_zipped else None)
                assert answer.headers["Vary"] == "Accept-Encoding"
                assert answer.headers["Content-Length"] == str(len(body))
                assert await answer.read() == (body if answer.method == "GET" else b"")
