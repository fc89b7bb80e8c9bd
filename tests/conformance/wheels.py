"""Both distributions, built."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def wheel(source: Path, folder: Path) -> Path:
    """A wheel of a copy of `source`, built with the backends that are installed here."""
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    copy = Path(shutil.copytree(source, folder / "source", ignore=ignored))
    subprocess.run([*PIP, "wheel", "--no-build-isolation", "--no-deps", "-w", folder, copy], check=True)
    (built,) = folder.glob("*.whl")
    return built
