"""Nothing in a file is executed: no pickle, safe mode never off, and no import while a file is read."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.driver.survival.test_fuzzed_files import LISTED, REPORT, example

ROOT = Path(__file__).resolve().parents[4]
PACKAGES = ("conformance", "reference", "ncps")
SOURCES = [
    path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py")) if "build" not in path.parts
]
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "yaml"}
UNSAFE_CALLS = {"eval", "exec", "execfile", "enable_unsafe_deserialization"}
UNSAFE_ARGUMENTS = {("allow_pickle", True), ("safe_mode", False), ("weights_only", False), ("shell", True)}
OWN_SOURCE = ROOT / "conformance" / "oracle" / "source.py"
"""Executes the reference's own source, changed, which is how mutants are made."""


def unsafe(path: Path) -> Iterator[str]:
    """Yield a line for each thing in a source that could execute a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (f"imports {a.name}" for a in node.names if a.name.split(".")[0] in UNSAFE_MODULES)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNSAFE_MODULES:
            yield f"imports from {node.module}"
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            plain = isinstance(node.func, ast.Name) or called not in (
                "eval",
                "exec",
            )  # a module has `eval()` too
            if called in UNSAFE_CALLS and plain and path != OWN_SOURCE:
                yield f"calls {called}"
            for given in node.keywords:
                value = getattr(given.value, "value", None)
                if (given.arg, value) in UNSAFE_ARGUMENTS and isinstance(value, bool):
                    yield f"{called}({given.arg}={value})"
            if called == "load" and getattr(getattr(node.func, "value", None), "id", "") == "torch":
                yield "torch.load"


def test_no_source_reads_what_can_execute() -> None:
    found = {str(path.relative_to(ROOT)): said for path in SOURCES if (said := list(unsafe(path)))}
    assert len(SOURCES) > 100 and found == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "eval('1')",
        "keras.saving.load_model('m', safe_mode=False)",
        "numpy.load('m', allow_pickle=True)",
        "torch.load('m')",
        "keras.config.enable_unsafe_deserialization()",
    ],
)
def test_what_can_execute_is_noticed(line: str, tmp_path: Path) -> None:
    (source := tmp_path / "source.py").write_text(line)
    assert list(unsafe(source))


WATCHED = """
import sys
from pathlib import Path

import reference
from conformance.spec import clauses
from conformance.stored import examples, known_failures, vectors
from conformance.report import jsonfile

folder, seen, watching = Path(sys.argv[1]), [], False
EVENTS = ("pickle.find_class", "exec", "compile", "import", "os.system", "subprocess.Popen", "socket.connect")

def hook(event, arguments):
    if watching and event in EVENTS:
        seen.append((event, str(arguments)[:80]))

def read():
    jsonfile.read(folder / "report.json")
    examples.read(folder / "example.json")
    vectors.vectors(vectors.read(next(vectors.shipped())))
    known_failures.load(folder / "known.toml")
    clauses.parse(reference.SPEC_PATH.read_text(encoding="utf-8"))

read()  # what is imported when it is needed first
sys.addaudithook(hook)
watching = True
read()
watching = False
print(seen)
"""


def test_reading_a_file_imports_compiles_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    (tmp_path / "example.json").write_text(json.dumps(example()))
    (tmp_path / "known.toml").write_text(LISTED)
    command = [sys.executable, "-c", WATCHED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr
