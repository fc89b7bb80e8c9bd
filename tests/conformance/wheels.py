"""Both distributions, built, and environments to install them in."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def wheel(source: Path, folder: Path) -> Path:
    """Return a wheel of a copy of `source`, built with the backends that are installed here."""
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    copy = Path(shutil.copytree(source, folder / "source", ignore=ignored))
    subprocess.run([*PIP, "wheel", "--no-build-isolation", "--no-deps", "-w", folder, copy], check=True)
    (built,) = folder.glob("*.whl")
    return built


def interpreter(folder: Path, *installed: Path) -> Path:
    """Return the interpreter of a new environment with these wheels, and behind them this one's frameworks.

    What is installed here to be edited, as the suite and our cells may be, is not among those.
    """
    venv.create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    python = folder / "bin" / "python"
    options = ["--no-deps", "--ignore-installed", "--no-warn-script-location"]
    subprocess.run([*PIP, "--python", python, "install", *options, *installed], check=True)
    return python
