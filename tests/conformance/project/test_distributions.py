"""What each distribution holds, and that the suite lives beside the `ncps` of PyPI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.wheels import PIP, ROOT, interpreter, wheel

pytestmark = pytest.mark.frameworks

PEER = os.environ.get("NCPS_CONFORMANCE_PEER_PYTHON")


def packages(built: Path) -> set[str]:
    names = zipfile.ZipFile(built).namelist()
    return {name.split("/")[0] for name in names if ".dist-info/" not in name}


def test_the_suite_holds_its_two_packages_and_their_data_and_no_cells(suite: Path) -> None:
    assert packages(suite) == {"conformance", "reference"}
    data = {"reference/SPEC.md", "conformance/search/host_bugs.toml", "conformance/runner.toml"}
    data |= {"conformance/report/schema.json", "conformance/driver/schema.json"}
    data |= {"conformance/harness/__main__.py", "conformance/py.typed"}
    assert data <= set(zipfile.ZipFile(suite).namelist())


def test_the_suite_gives_pytest_no_plugin_of_its_own_accord(suite: Path) -> None:
    archive = zipfile.ZipFile(suite)
    (points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    said = archive.read(points).decode()
    assert "conformance = conformance.cli.main:main" in said and "pytest11" not in said


CELLS = {str(path.relative_to(ROOT)) for path in (ROOT / "ncps").rglob("*.py")} | {"ncps/py.typed"}
FRAMEWORKS = ["jax.*", "keras.*", "tensorflow.*", "torch.*"]
ANNOTATED = ["activations.py", "convert.py", "layers/bidirectional.py", "wirings"]


def modules(built: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(built).namelist() if ".dist-info/" not in name}


def hook(name: str, source: Path, folder: Path) -> Path:
    """Return the file that a hook of the cells' build backend makes in `folder` from a source tree."""
    folder.mkdir()
    code = f"import hatchling.build as backend; backend.{name}({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True)
    (made,) = folder.iterdir()
    return made


def test_the_cells_hold_one_package_and_nothing_else(cells: Path) -> None:
    assert packages(cells) == {"ncps"}
    assert modules(cells) == CELLS


def test_the_source_distribution_of_the_cells_gives_the_same_wheel(tmp_path: Path) -> None:
    with tarfile.open(hook("build_sdist", ROOT / "ncps", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    inside = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    wanted = {name.removeprefix("ncps/") for name in CELLS}
    assert inside - {".gitignore"} == wanted | {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    (tmp_path / "wheel").mkdir()
    assert modules(wheel(unpacked, tmp_path / "wheel")) == CELLS


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment in which the cells are editable, and nothing else is."""
    folder = tmp_path_factory.mktemp("editable")
    built = zipfile.ZipFile(hook("build_editable", ROOT / "ncps", folder / "wheel"))
    venv.create(folder / "venv")
    built.extractall(next((folder / "venv").glob("lib/python*/site-packages")))
    return folder / "venv" / "bin" / "python"


def test_editable_cells_are_a_path_and_no_hook_of_the_import(editable: Path) -> None:
    """Expect a path in a `.pth` file, which type checkers and editors follow."""
    (site,) = editable.parents[1].glob("lib/python*/site-packages")
    (path,) = site.glob("*.pth")
    assert path.read_text().split() == [str(ROOT)]
    assert list(site.rglob("*.py")) == []


def checked(*arguments: str | Path, cwd: Path) -> list[str]:
    """Return the lines that mypy prints, by default settings; it skips frameworks, which take minutes."""
    (cwd / "mypy.ini").write_text(f"[mypy-{','.join(FRAMEWORKS)}]\nfollow_imports = skip\n")
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", "cache", *arguments]
    done = subprocess.run([*command, "--no-color-output"], cwd=cwd, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


USER = """\
import ncps
from ncps.convert import load_pypi
from ncps.layers import Bidirectional
from ncps.wirings import AutoNCP, FullyConnected, Wiring

wiring = AutoNCP(28, output_size=4)
reveal_type(wiring)
reveal_type(wiring.synapse_count)
reveal_type(wiring.get_neurons_of_layer(0))
reveal_type(FullyConnected.from_config({}))
reveal_type(ncps.lecun_tanh)
reveal_type(load_pypi)
reveal_type(Bidirectional)
AutoNCP("28", 4)
FullyConnected(4, outputs=2)
ncps.torch
wiring.draw_graph(layout=3)
Wiring(3).add_synapse(0, 1)
reveal_type(ncps.CfC)
reveal_type(ncps.LTCCell)
ncps.CfC(8, mode=1)
"""
REVEALED = [
    '7: note: Revealed type is "ncps.wirings.ncp.AutoNCP"',
    '8: note: Revealed type is "int"',
    '9: note: Revealed type is "list[int]"',
    '10: note: Revealed type is "ncps.wirings.fully_connected.FullyConnected"',
    '11: note: Revealed type is "def (x: Any) -> Any"',
    '12: note: Revealed type is "def (target: Any, source: ',
    '13: note: Revealed type is "def (layer: ncps.layers.sequence.TimedRNN, merge_mode: str | None =',
    '14: error: Argument 1 to "AutoNCP" has incompatible type "str"; expected "int"',
    '15: error: Unexpected keyword argument "outputs" for "FullyConnected"',
    '16: error: Module has no attribute "torch"',
    '17: error: Argument "layout" to "draw_graph" of "Wiring" has incompatible type "int"; expected "str"',
    '18: error: Missing positional argument "polarity" in call to "add_synapse" of "Wiring"',
    '19: note: Revealed type is "def (units: int | ncps.wirings.base.Wiring | ',
    '20: note: Revealed type is "def (units: int, activation: ',
    '21: error: Argument "mode" to "CfC" has incompatible type "int"; expected "str"',
]


def test_the_types_of_editable_cells_reach_a_user(editable: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    lines = checked("--python-executable", editable, "user.py", cwd=tmp_path)
    found = [line.removeprefix("user.py:") for line in lines if "error: " in line or "Revealed" in line]
    assert [line[: len(wanted)] for line, wanted in zip(found, REVEALED, strict=True)] == REVEALED


def test_the_annotations_of_the_cells_agree_with_the_code(tmp_path: Path) -> None:
    strict = ["--disallow-untyped-defs", "--warn-unused-ignores", "--ignore-missing-imports"]
    files = [ROOT / "ncps" / name for name in ANNOTATED]
    lines = checked(*strict, "--follow-imports", "silent", *files, cwd=tmp_path)
    assert lines[-1].startswith("Success"), "\n".join(lines)


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
    assert (site / "conformance" / "cli" / "main.py").exists()
    assert {name: content for name, content in files(site).items() if name in before} == before
    subprocess.run([*at, "uninstall", "--yes", "ncps-conformance"], check=True)
    assert files(site) == before


def judged(python: Path, *arguments: str, cwd: Path) -> dict[str, Any]:
    """Return the report of a quick run; `python` is the driver's."""
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
