"""The page on a real agent → docs/pictures/page-*.png, drawn by a real browser: `script/pictures --page`."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import expect

from tests.engines.chromium import chromium
from tests.integration.browsing import looking, site
from tests.reference import ROOT

PICTURES = ROOT / "docs" / "pictures"
_TELEPHONE = 360  # CSS pixels
_SIZES = {"page-desktop": (1280, 800, False), "page-dark": (1280, 800, True), "page-360": (_TELEPHONE, 740, False)}


def main() -> None:
    """Draw all of them."""
    with TemporaryDirectory() as directory, site(Path(directory)) as here, chromium() as browser:
        for name, (width, height, dark) in _SIZES.items():
            with looking(browser, here, width=width, height=height, dark=dark) as watched:
                page = watched.page
                expect(page.locator(".told")).to_contain_text(re.compile(r"\d shown"))
                expect(page.locator("footer b").first).to_be_visible()
                expect(page.locator("figcaption")).to_contain_text("info")
                if width > _TELEPHONE:
                    page.locator(".row.error").last.click()
                    expect(page.locator(".detail")).to_be_visible()
                page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
