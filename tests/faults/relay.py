"""A unix socket before another that can be cut and mended: what lies between an agent and a daemon."""

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Seen = Callable[[int, bytes], None]  # a number of the connection, and what came from the side that opened it


class Relay:
    """Listens at `path` and passes everything on to `behind`; `cut` breaks what is open and takes nothing new.

    `seen` is told what is sent to `behind` before it is passed on.
    """

    def __init__(self, path: Path, behind: Path, *, seen: Seen = lambda _, __: None) -> None:
        self.url = f"unix://{path}"
        self._seen = seen
        self._path = path
        self._behind = behind
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listening: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        """Take connections again."""
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self._path))
        listening.listen(64)
        self._listening = listening
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def cut(self) -> None:
        """Break every connection and refuse new ones; may be called twice."""
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(near,), daemon=True).start()

    def _pass_on(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        with near, far, selectors.DefaultSelector() as ready:
            try:
                far.connect(str(self._behind))
            except OSError:
                return
            with self._lock:
                self._open |= {near, far}
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            with suppress(OSError):
                while self._copied(ready, near):
                    pass
            with self._lock:
                self._open -= {near, far}

    def _copied(self, ready: selectors.BaseSelector, near: socket.socket) -> bool:
        for key, _ in ready.select():
            assert isinstance(key.fileobj, socket.socket)
            content = key.fileobj.recv(1 << 16)
            if not content:
                return False
            if key.fileobj is near:
                self._seen(id(near), content)
            key.data.sendall(content)
        return True
