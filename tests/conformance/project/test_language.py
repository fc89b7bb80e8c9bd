"""The docstrings of functions begin with a verb."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
QUESTIONS = ("What", "Whether", "How", "Who", "Which", "Where")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def first_words(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each function with a docstring, and the docstring's first word."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FUNCTIONS) and (words := (ast.get_docstring(node) or "").split()):
            yield node.name, words[0].rstrip(",.:;")


@pytest.mark.parametrize(
    "package", ["conformance", "ncps", "reference", "tests", "benchmarks", "docs", "examples", ".ci"]
)
def test_docstrings_of_functions_are_no_questions(package: str) -> None:
    paths = sorted((ROOT / package).rglob("*.py"))
    found = [
        f"{path.relative_to(ROOT)}: {name}: {word} ..."
        for path in paths
        for name, word in first_words(path.read_text("utf-8"))
        if word in QUESTIONS
    ]
    assert paths and not found, "begin the docstring with a verb:\n" + "\n".join(found)


def test_a_question_is_found() -> None:
    text = 'def f():\n    """Whether it holds."""\n\n\ndef g():\n    """Tell whether it holds."""\n'
    assert list(first_words(text)) == [("f", "Whether"), ("g", "Tell")]
