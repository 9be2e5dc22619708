"""A real browser, headless: Chromium by Playwright, scripts off unless a test is about them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.needs import missing, needs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
needs_browser = needs(
    "Chromium or `playwright` is not installed", there=PROGRAM is not None and not missing("playwright")
)
_QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


@contextlib.contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    assert PROGRAM is not None, "Chromium is not installed"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=PROGRAM, args=[*_QUIET, *arguments])
        try:
            yield found
        finally:
            found.close()
