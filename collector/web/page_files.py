"""The folder `page/` of this package → what a browser gets of the page: files from memory, gzipped if it takes that."""

from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePath

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from msgspec import Struct

from collector.files import gzip
from collector.web.pages import LEAST_BYTES, listed, takes_gzip

START = "index.html"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}


class _File(Struct, frozen=True):
    """`zipped` is b"" where gzip is not worth it."""

    content_type: str
    body: bytes
    zipped: bytes


def names() -> list[str]:
    """Of all files of the page. There is no other way to one than its name: no path is ever made of a request."""
    return sorted(_below(resources.files(__package__).joinpath("page")))


def handlers(paths: Mapping[str, str]) -> dict[str, Handler]:
    """What answers each route; `paths` has the file of each."""
    return {route: _handler(_read(name)) for route, name in paths.items()}


def _below(folder: Traversable, prefix: str = "") -> Iterator[str]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _below(one, f"{prefix}{one.name}/")
        else:
            yield f"{prefix}{one.name}"


def _read(name: str) -> _File:
    body = resources.files(__package__).joinpath("page", name).read_bytes()
    zipped = gzip.compress(body) if len(body) >= LEAST_BYTES else b""
    return _File(_TYPES[PurePath(name).suffix], body, zipped)


def _handler(file: _File) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        headers = {hdrs.CONTENT_TYPE: file.content_type, hdrs.VARY: hdrs.ACCEPT_ENCODING}
        if file.zipped and takes_gzip(listed(request, hdrs.ACCEPT_ENCODING)):
            return web.Response(body=file.zipped, headers={**headers, hdrs.CONTENT_ENCODING: "gzip"})
        return web.Response(body=file.body, headers=headers)

    return answer
