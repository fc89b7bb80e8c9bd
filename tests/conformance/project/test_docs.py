"""The documentation keeps up: commands parse, and programs run or compile."""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.util
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from markdown_it import MarkdownIt

from conformance.cli.main import main
from conformance.options import OPTIONS, TARGET, RunOptions, selected
from conformance.spec import clauses
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
GUIDES = [ROOT / "README.md", ROOT / "examples/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"^(?:\$ |- run: |run: |\w+=\S+ )*(?:\S*python -m |\S*/)?conformance (?P<arguments>.+)$")
TOX = re.compile(r"\btox run -e (?P<name>[\w,]+)")
PYTEST_OPTION = re.compile(r"--conformance-[a-z-]+")
HEAVY = {"conformance_harness", "jax", "keras", "ncps", "tensorflow", "torch"}
"""What a program of a guide may import and this test may not have, or may not import here."""
FOUND = ("dtype.policy", "errors.timespans", "shape.computed")
"""What the first cell of the guide fails, and the second does not."""
STARTING = {"check", "each_clause", "start"}
"""What starts a harness, by the name that it has in `conformance`."""


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield the language and the text of each block of code, also in what is indented under a tab."""
    for token in MarkdownIt().parse(text):
        if token.type == "fence":
            yield token.info.split(" ")[0], token.content
        elif token.type == "code_block":
            yield from list(blocks(token.content)) or [("", token.content)]


def guides(language: str | None = None) -> list[object]:
    """Return a parameter for each block of code of the guides."""
    return [
        pytest.param(content, id=f"{path.relative_to(ROOT)}-{i}")
        for path in GUIDES
        for i, (found, content) in enumerate(blocks(path.read_text("utf-8")))
        if language in (None, found)
    ]


def commands() -> list[object]:
    """Return a parameter for each command line of ours."""
    found = {}
    for path in GUIDES:
        for _, content in blocks(path.read_text("utf-8")):
            for line in re.sub(r"\\\n\s*", " ", content).splitlines():
                for part in re.split(r" && | \| ", line.strip()):
                    if command := COMMAND.match(part):
                        found[command["arguments"]] = pytest.param(
                            command["arguments"], id=f"{path.relative_to(ROOT)}: {command['arguments']}"
                        )
    return list(found.values())


@pytest.mark.parametrize("line", commands())
def test_command_lines_of_the_guides_parse(line: str) -> None:
    arguments = [word for word in shlex.split(line, comments=True) if word != "..."]
    try:
        group = main.make_context("conformance", list(arguments))
        name, command, rest = main.resolve_command(group, arguments)
        assert command is not None
        context = command.make_context(name, rest, parent=group)
    except click.exceptions.Exit:
        return  # --help
    globs = tuple(g for given in context.params.get("clause") or () for g in given.split(","))
    assert not globs or selected(RunOptions(clauses=globs), clauses.load().clauses)


@pytest.mark.parametrize("text", guides())
def test_environments_and_pytest_options_of_the_guides_exist(text: str) -> None:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    named = {name for found in TOX.finditer(text) for name in found["name"].split(",")}
    assert not {name for name in named if not tox.has_section(f"testenv:{name}")}
    offered = {f"--conformance-{option.name}" for option in (TARGET, *OPTIONS) if option.pytest}
    assert set(PYTEST_OPTION.findall(text)) <= offered


@pytest.mark.parametrize("text", guides("python"))
def test_programs_of_the_guides_run(text: str) -> None:
    """Each in a process; what needs a framework or starts a harness compiles, and our names in it exist."""
    tree = ast.parse(text)
    imported = {name for statement in ast.walk(tree) for name in names(statement)}
    for module, name in imported:
        if module.partition(".")[0] in ("conformance", "reference") and name:
            found = importlib.import_module(module)
            assert hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}"), f"{module}.{name}"
    if not needs_more(imported):
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        assert_prints(text, done.stdout)


def names(statement: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of what a statement imports; the name is empty where it is the module."""
    if isinstance(statement, ast.Import):
        yield from ((alias.name, "") for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        yield from ((statement.module or "", alias.name) for alias in statement.names)


def needs_more(imported: set[tuple[str, str]]) -> bool:
    """Return whether a program needs frameworks or a harness, or a package that is not installed."""
    roots = {module.partition(".")[0] for module, _ in imported}
    absent = {root for root in roots if root not in HEAVY and importlib.util.find_spec(root) is None}
    starts = any(module == "conformance" and name in STARTING | {""} for module, name in imported)
    return bool(roots & HEAVY or absent or starts)


def assert_prints(text: str, output: str) -> None:
    """Assert that a comment behind a `print` is what it prints."""
    said = re.findall(r"^print\(.*\)  # (.+)$", text, re.MULTILINE)
    assert said == [] or output.splitlines() == said


@pytest.mark.parametrize(("listing", "outcome"), [("first", "fail"), ("second", "pass")])
def test_the_cell_of_the_guide_is_judged_as_said(listing: str, outcome: str, tmp_path: Path) -> None:
    pytest.importorskip("keras")
    written = tmp_path / "report.json"
    options = ["--backend", "numpy", "--smoke", "--seed", "1", "--jobs", "1", "--json", str(written)]
    options += ["--path", str(ROOT / "docs/listings" / listing), "--clause", ",".join(FOUND)]
    command = [sys.executable, "-m", "conformance", "run", "my_cells:MyLTC", *options]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=PATIENCE)
    verdicts = json.loads(written.read_text("utf-8"))["verdicts"]
    found = {(v["clause"], v["outcome"]) for v in verdicts}
    assert found == {(clause, outcome) for clause in FOUND}, [v["reason"] or v["failure"] for v in verdicts]


def test_the_readme_shows_the_survey_and_links_to_its_table() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "](docs/field/field.png)" in readme and "](docs/implementations.md)" in readme
    assert '--8<-- "docs/field/table.md"' in (ROOT / "docs/implementations.md").read_text("utf-8")


def test_the_readme_is_short_and_has_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 100
    for name in ("conformance", "tests"):
        command = f"    python -m pip install tox && python -m tox run -e {name} "
        assert any(line.startswith(command) for line in lines)


@pytest.mark.parametrize(
    "path", ["README.md", "ncps/README.md", "javascript/README.md", "benchmarks/RESULTS.md"]
)
def test_links_to_files_of_the_repository_lead_somewhere(path: str) -> None:
    links = re.findall(r"\]\(([^\s()#:]+)(?:#[^\s()]*)?\)", (ROOT / path).read_text("utf-8"))
    assert links and [link for link in links if not (ROOT / path).parent.joinpath(link).exists()] == []
