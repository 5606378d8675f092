"""A real browser without a screen: Debian's Chromium, driven by Playwright; it asks nothing of other hosts."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.engines.process import EngineError

_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that is gone after the block.

    Raises:
        EngineError: it is not installed.
    """
    path = shutil.which("chromium")
    if path is None:
        raise EngineError("chromium is not installed: run python -m tests.engines.install")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_OPTIONS))
        try:
            yield browser
        finally:
            browser.close()
