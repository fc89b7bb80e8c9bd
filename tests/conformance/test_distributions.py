"""What each distribution holds, and that the suite lives beside the `ncps` of PyPI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.wheels import PIP, interpreter

PEER = os.environ.get("NCPS_CONFORMANCE_PEER_PYTHON")


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


def test_the_cells_hold_one_package(cells: Path) -> None:
    assert packages(cells) == {"ncps"}


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


def judged(python: Path, *arguments: str, cwd: Path) -> dict[str, Any]:
    """What the report of a quick run says was judged; `python` is the driver's."""
    command = [python, "-m", "conformance", "run", *arguments, "--clause", "state.sizes", "--json", "r.json"]
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*command, "--backend", "numpy"], cwd=cwd, env=alone, capture_output=True, check=False)
    report: dict[str, Any] = json.loads((cwd / "r.json").read_text(encoding="utf-8"))
    return report


@pytest.mark.skipif(PEER is None, reason="NCPS_CONFORMANCE_PEER_PYTHON names no interpreter with ncps==1.0.1")
def test_either_ncps_is_judged_with_the_other_installed(suite: Path, user: Path, tmp_path: Path) -> None:
    """Ours is installed with the driver and PyPI's judged, then the other way round."""
    report = judged(user, "ncps.keras:CfCCell", "--python", str(PEER), cwd=tmp_path)
    (theirs,) = report["implementations"]
    assert (theirs["distribution"], theirs["version"]) == ("ncps", "1.0.1")
    assert report["status"] == "departs"  # it has no output_size

    python = interpreter(tmp_path / "venv", suite)
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    installed = next(Path(str(PEER)).parents[1].glob("lib/python*/site-packages"))
    for name in ("ncps", "ncps-1.0.1.dist-info"):
        shutil.copytree(installed / name, site / name)
    report = judged(python, "ncps:CfCCell", "--python", str(user), cwd=tmp_path)
    (ours,) = report["implementations"]
    assert ours["distribution"] == "ncps-keras"
    assert report["status"] == "conforms"


@pytest.mark.nightly
def test_the_wheels_bring_what_they_need(suite: Path, cells: Path, tmp_path: Path) -> None:
    """Into an environment that has nothing; jax is what Keras needs on NumPy."""
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([*PIP, "--python", python, "install", suite, cells, "jax"], check=True)
    assert judged(python, "ncps:CfCCell", cwd=tmp_path)["status"] == "conforms"
