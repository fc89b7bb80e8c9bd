"""Hooks of MkDocs: pages whose text stands elsewhere in the repository, and links to its files.

A text has one place. What is read on a code host as well, such as reference/SPEC.md, is a page of the site as
it stands; a link to any other file of the repository leads to a copy under `source/`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = "specification.md"
ELSEWHERE = {
    SPECIFICATION: "reference/SPEC.md",
    "cells/index.md": "ncps/README.md",
    "changes.md": "CHANGELOG.md",
    "examples.md": "examples/README.md",
}
LINK = re.compile(r"(?P<text>\[(?:[^\[\]]|\[[^\[\]]*\])*\])\((?P<path>[^\s()#:]+)(?P<anchor>#[^\s()]*)?\)")
CLAUSE = re.compile(r"^### (?P<id>\S+) · (?P<level>.+)$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand elsewhere."""
    for uri, path in ELSEWHERE.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Give each clause of the specification its anchor, and links their targets in the site."""
    if page.file.src_uri == SPECIFICATION:
        markdown = anchored(markdown)
    return LINK.sub(lambda link: linked(link, page.file, config, files), markdown)


def anchored(markdown: str) -> str:
    """Return the specification under one title, with the id of each clause as its anchor."""
    title, _, rest = markdown.partition("\n")
    rest = CLAUSE.sub(r'### \g<id> <small>\g<level></small> {#\g<id> data-toc-label="\g<id>"}', rest)
    return f"{title}\n{re.sub('^#', '##', rest, flags=re.MULTILINE)}"


def linked(link: re.Match[str], page: File, config: MkDocsConfig, files: Files) -> str:
    """Return a link to a file of the repository as one to its page, or to a copy; any other as it is."""
    target = Path(os.path.normpath(Path(str(page.abs_src_path)).parent / link["path"]))
    if not target.exists() or not target.is_relative_to(ROOT):
        return link[0]
    uri = _uri(target, config, files)
    if uri is None:
        return link["text"][1:-1]  # a folder: there is nothing to show
    path = os.path.relpath(uri, PurePosixPath(page.src_uri).parent)
    return f"{link['text']}({path}{link['anchor'] or ''})"


def _uri(target: Path, config: MkDocsConfig, files: Files) -> str | None:
    if target.is_dir():
        target = target / "README.md"
        if not target.exists():
            return None
    for file in files:
        shown = file.inclusion.is_included() and file.abs_src_path is not None
        if shown and Path(str(file.abs_src_path)) == target:
            return file.src_uri
    uri = f"source/{target.relative_to(ROOT).as_posix()}"
    uri = f"{uri}.txt" if target.suffix == ".md" else uri
    if files.get_file_from_path(uri) is None:
        files.append(File.generated(config, uri, content=target.read_bytes()))
    return uri
