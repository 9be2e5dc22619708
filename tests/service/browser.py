"""A real browser, headless: Chromium by Playwright, scripts off unless a test is about them."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

PROGRAM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
needs_browser = pytest.mark.skipif(PROGRAM is None and not os.environ.get("CI"), reason="Chromium is not installed")
"""On a developer's machine without it these tests are left out and say so; in CI they fail."""
_QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


@contextlib.contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    assert PROGRAM is not None, "Chromium is not installed"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=PROGRAM, args=[*_QUIET, *arguments])
        try:
            yield found
        finally:
            found.close()
