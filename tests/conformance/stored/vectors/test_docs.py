"""What the pages on vectors and known failures show runs as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conformance.cli.commands.replay import replay
from conformance.options import OPTIONS
from conformance.stored import examples, vectors
from conformance.stored.known_failures.entries import SCHEMA
from reference import cfc_step
from tests.conformance.harness.nodejs import node

ROOT = Path(__file__).resolve().parents[4]


def block(page: str, language: str) -> str:
    """Return the first block of code of a language on a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of the vectors, as `export` writes them."""
    (tmp_path / "vectors").mkdir()
    for path in vectors.shipped("cfc.step.*"):
        shutil.copy(path, tmp_path / "vectors")
    return tmp_path


@pytest.mark.parametrize("slip", [0.0, 1e-9])
def test_the_loop_in_python(folder: Path, monkeypatch: pytest.MonkeyPatch, slip: float) -> None:
    def step(*arguments: Any) -> Any:
        return cfc_step(*arguments) + slip

    package = ModuleType("yourpackage")
    package.cfc_step = step  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "yourpackage", package)
    monkeypatch.chdir(folder)
    code = compile(block("vectors.md", "python"), "vectors.md", "exec")
    if slip == 0.0:
        exec(code, {})
    else:
        with pytest.raises(AssertionError, match="asymmetric"):
            exec(code, {})


@pytest.mark.parametrize("slip", ["", " + 1e-9"])
def test_the_loop_in_javascript(folder: Path, slip: str) -> None:
    text = block("vectors.md", "js").replace("./javascript/", f"{(ROOT / 'javascript').as_uri()}/")
    (folder / "loop.mjs").write_text(text.replace("Math.abs(y", f"Math.abs(y{slip}"), encoding="utf-8")
    done = subprocess.run([node(), "loop.mjs"], cwd=folder, capture_output=True, text=True)
    assert (done.returncode == 0) == (slip == ""), done.stderr
    assert slip == "" or "asymmetric: sample 0, unit 0 is off by" in done.stderr


def test_the_entry_of_known_failures_is_one() -> None:
    document = tomllib.loads(block("known-failures.md", "toml"))
    examples.validate(document, SCHEMA)
    assert set(document["failure"][0]) | {"target", "flaky", "cause"} == set(keys("known-failures.md"))


def keys(page: str) -> list[str]:
    """Return the keys that the table names."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    rows = text.partition("| key | meaning |\n")[2].partition("\n\n")[0].splitlines()
    return [name for row in rows for name in re.findall(r"`(\w+)(?: = true)?`", row.split("|")[1])]


@pytest.mark.parametrize("page", ["vectors.md", "known-failures.md"])
def test_the_options_that_a_page_names_are_there(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    known = {option.name for option in OPTIONS} | {name.lstrip("-") for o in replay.params for name in o.opts}
    assert set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", text)) - known <= {"target", "clause"}
