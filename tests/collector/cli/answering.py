"""An HTTP server that a command takes for the agent: it gives the answers it was told, and remembers what was asked."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Answering:
    """Serves while the block runs; its address and a token are in the directory. `is_cut`: answers break off."""

    def __init__(self, directory: Path) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.is_cut = False
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                answering.asked.append((parts.path, parse_qs(parts.query)))
                body = answering.answers[parts.path]
                self.send_response(200)
                self.send_header(
                    "Content-Length", str(len(body) + (answering.is_cut and parts.path.endswith("export")))
                )
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        (directory / "http_address").write_text(f"127.0.0.1:{self._server.server_port}\n")
        (directory / "http_token").write_text("t" * 40)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
