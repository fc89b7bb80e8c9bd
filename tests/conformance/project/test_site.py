"""The documentation site builds without a warning, and its links lead somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from conformance.spec import clauses
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site, built strictly."""
    pytest.importorskip("mkdocs", reason="pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_each_clause_has_its_anchor(site: Path) -> None:
    page = (site / "specification/index.html").read_text("utf-8")
    assert [id for id in clauses.load().clauses if f'id="{id}"' not in page] == []


def test_docstrings_of_keras_style_are_read(site: Path) -> None:
    page = (site / "cells/cells/index.html").read_text("utf-8")
    assert "Call arguments" in page
    assert "<blockquote>" not in page, "an example is read as a quotation"


def test_links_lead_somewhere_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert [
        (str(path), link) for path, page in pages.items() for link in page.loaded if urlsplit(link).netloc
    ] == []
    broken = []
    for path, page in pages.items():
        for link in {*page.links, *page.loaded}:
            url = urlsplit(link)
            if url.scheme:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            target = target / "index.html" if target.is_dir() else target
            known = pages[target].ids if target in pages else {unquote(url.fragment)}
            if not target.exists() or (url.fragment and unquote(url.fragment) not in known):
                broken.append((str(path.relative_to(site)), link))
    assert broken == []


class Page(HTMLParser):
    """What a page loads, what it links to, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        if "src" in found or tag == "link":
            self.loaded.append(found.get("src") or found["href"])
        elif "href" in found:
            self.links.append(found["href"])
