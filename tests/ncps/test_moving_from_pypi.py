"""The page for users of PyPI's `ncps`: it has every name of that package, and what it shows runs."""

import json
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDS = Path(__file__).with_name("records")
PAGE = (ROOT / "docs/moving-from-pypi.md").read_text("utf-8")
NAMES = json.loads((RECORDS / "pypi_ncps_names.json").read_text("utf-8"))["names"]
TAB = re.compile(r'^=== "(?P<title>.+)"\n\n    ```python\n(?P<code>(?:    .*\n|\n)+?)    ```$', re.MULTILINE)
SNIPPETS = [(tab["title"], textwrap.dedent(tab["code"])) for tab in TAB.finditer(PAGE)]
HERE = [code for title, code in SNIPPETS if title == "here"]


def named():
    """Return the names in the code of the page: of `a.b.c` its parts, and `a`, `a.b` and `a.b.c`."""
    code = re.findall(r"```python\n.*?```|`[^`\n]+`", PAGE, re.DOTALL)
    dotted = {name for part in code for name in re.findall(r"\w+(?:\.\w+)*", part)}
    paths = [name.split(".") for name in dotted]
    return {part for path in paths for part in path} | {
        ".".join(p[:n]) for p in paths for n in range(1, len(p) + 1)
    }


@pytest.mark.parametrize("module", NAMES)
def test_the_page_has_every_name_of_a_module(module):
    wanted = {module, *NAMES[module], *(name for names in NAMES[module].values() for name in names)}
    wanted.discard("x")  # of two functions of ncps.datasets.tf.atari_cloning
    assert wanted - named() == set()


@pytest.mark.parametrize("code", HERE)
def test_a_program_of_the_page_runs(code, tmp_path, monkeypatch):
    """One of them reads weights of PyPI's: those that were recorded for the layer it makes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    weights = json.loads((RECORDS / "pypi_ncps_weights.json").read_text("utf-8"))["records"]
    np.savez("w.npz", **{k: np.asarray(v) for k, v in weights["torch CfC default"]["weights"].items()})
    exec(code, {})


def test_no_program_of_the_page_is_left_out():
    assert len(SNIPPETS) == PAGE.count("```python")
    assert {title.split(",")[0] for title, _ in SNIPPETS} == {"PyPI's", "here"}
