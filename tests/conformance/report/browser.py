"""A Chromium for the tests of pages; on a machine that has none they are skipped, and say so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = [
    "--no-sandbox",  # in a container, as root
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str | None:
    """The browser that NCPS_CONFORMANCE_BROWSER names, or the first on the path."""
    named = os.environ.get("NCPS_CONFORMANCE_BROWSER")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium, as Playwright drives it; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = executable()
    if found is None:
        pytest.skip(f"no Chromium on this machine: none of {', '.join(NAMES)} is on the path")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=ARGUMENTS, timeout=1000 * PATIENCE)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def page(running: Any, file: Path, **settings: Any) -> Iterator[Any]:
    """The page of a file in a fresh context; what it asks of the network, and its errors, fail the test."""
    context = running.new_context(**settings)
    context.set_default_timeout(1000 * PATIENCE)
    opened = context.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.goto(file.as_uri())
    try:
        yield opened
    finally:
        context.close()
    assert not wrong
    assert {url.split("#")[0] for url in asked} == {file.as_uri()}
