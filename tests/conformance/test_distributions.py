"""What each distribution holds, and that the suite lives beside the `ncps` of PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PEER = os.environ.get("NCPS_CONFORMANCE_PEER_PYTHON")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def wheel(source: Path, folder: Path) -> Path:
    """A wheel of a copy of `source`, built with the setuptools that is installed here."""
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    copy = Path(shutil.copytree(source, folder / "source", ignore=ignored))
    subprocess.run([*PIP, "wheel", "--no-build-isolation", "--no-deps", "-w", folder, copy], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel(ROOT, tmp_path_factory.mktemp("suite"))


def packages(built: Path) -> set[str]:
    names = zipfile.ZipFile(built).namelist()
    return {name.split("/")[0] for name in names if ".dist-info/" not in name}


def test_the_suite_holds_its_two_packages_and_their_data_and_no_cells(suite: Path) -> None:
    assert packages(suite) == {"conformance", "reference"}
    data = {"reference/SPEC.md", "conformance/host_quirks.toml", "conformance/runner.toml"}
    data |= {"conformance/report/schema.json", "conformance/protocol/schema.json"}
    data |= {"conformance/harness/__main__.py", "conformance/py.typed"}
    assert data <= set(zipfile.ZipFile(suite).namelist())


def test_the_suite_gives_pytest_no_plugin_of_its_own_accord(suite: Path) -> None:
    archive = zipfile.ZipFile(suite)
    (points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    said = archive.read(points).decode()
    assert "conformance = conformance.cli:main" in said and "pytest11" not in said


def test_the_cells_hold_one_package(tmp_path: Path) -> None:
    assert packages(wheel(ROOT / "ncps", tmp_path)) == {"ncps"}


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.skipif(PEER is None, reason="NCPS_CONFORMANCE_PEER_PYTHON names no interpreter with ncps==1.0.1")
def test_installed_beside_pypi_ncps_and_uninstalled_it_leaves_that_whole(suite: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv")
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    theirs = next(Path(str(PEER)).parents[1].glob("lib/python*/site-packages"))
    for name in ("ncps", "ncps-1.0.1.dist-info"):
        shutil.copytree(theirs / name, site / name)
    before = files(site)
    at = [*PIP, "--python", str(tmp_path / "venv" / "bin" / "python")]
    subprocess.run([*at, "install", "--no-deps", suite], check=True)
    assert (site / "conformance" / "cli.py").exists()
    assert {name: content for name, content in files(site).items() if name in before} == before
    subprocess.run([*at, "uninstall", "--yes", "ncps-conformance"], check=True)
    assert files(site) == before
