"""Judges every published implementation that can be, and makes the page that shows where each stands.

    python .ci/field.py [--peer PYTHON] [--peer-tf PYTHON] [OPTION of conformance run ...]

What `tox run -e field` calls. Writes a report a package, the page of them all, and a badge of ours, to
docs/field/. Without options a run is a quick look, `--smoke --seed 1`.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "field"
KERAS = "torch,jax,tensorflow"


@dataclass(frozen=True)
class Entry:
    """One report: what is judged, by whose interpreter, and with which options of its own."""

    name: str
    targets: tuple[str, ...]
    python: str = ""
    options: tuple[str, ...] = ()


ENTRIES = (
    Entry("ncps-keras", ("ncps",), options=("--backend", "jax,torch,tensorflow,numpy")),
    Entry("javascript", ("exec:node javascript/harness.mjs",)),
    Entry("pypi-ncps-torch", ("ncps.torch:CfC", "ncps.torch:LTC"), "peer"),
    Entry(
        "pypi-ncps-keras",
        ("ncps.keras:CfCCell", "ncps.keras:LTCCell", "ncps.keras:WiredCfCCell"),
        "peer",
        ("--backend", KERAS),
    ),
    Entry("pypi-ncps-tf", ("ncps.tf:CfCCell", "ncps.tf:LTCCell", "ncps.tf:WiredCfCCell"), "peer_tf"),
    Entry("pypi-keras-ncp", ("kerasncp.tf.cfc_cell:CfcCell", "kerasncp.tf:LTCCell"), "peer_tf"),
    Entry("pypi-cfc-model", ("cfc_model_cells:TensorFlow",), "peer_tf", ("--path", "examples/own_adapter")),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--peer", default=".tox/peer/bin/python", help="has PyPI's ncps, for torch and Keras 3"
    )
    parser.add_argument(
        "--peer-tf", default=".tox/peer-tf/bin/python", help="has PyPI's packages for Keras 2"
    )
    parser.add_argument("--only", help="names of entries, separated by commas")
    known, options = parser.parse_known_args()
    wanted = known.only.split(",") if known.only else [entry.name for entry in ENTRIES]
    FOLDER.mkdir(exist_ok=True)
    begin = time.monotonic()
    for entry in ENTRIES:
        if entry.name in wanted:
            judge(entry, getattr(known, entry.python, None), options or ["--smoke", "--seed", "1"])
    reports = [FOLDER / f"{entry.name}.json" for entry in ENTRIES if (FOLDER / f"{entry.name}.json").exists()]
    conformance("report", *map(str, reports), "-o", str(FOLDER / "index.html"))
    conformance("badge", str(FOLDER / "ncps-keras.json"), "-o", str(FOLDER / "badge.svg"))
    print(f"{len(reports)} reports in {time.monotonic() - begin:.0f} s: {FOLDER / 'index.html'}")
    return 0


def judge(entry: Entry, python: str | None, options: list[str]) -> None:
    """One run, whose exit status is its finding and not ours."""
    begin = time.monotonic()
    where = ["--python", python] if python else []
    path = FOLDER / f"{entry.name}.json"
    status = conformance("run", *entry.targets, *where, *entry.options, *options, "--json", str(path))
    size = len(gzip.compress(path.read_bytes())) if path.exists() else 0
    print(
        f"  {entry.name:<18} exit {status}  {time.monotonic() - begin:5.0f} s  {size / 1e3:.0f} kB gzipped",
        flush=True,
    )


def conformance(*arguments: str) -> int:
    """The exit status of a command of ours; its progress is shown, its report is in the file."""
    command = [sys.executable, "-m", "conformance", *arguments]
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | {"COLUMNS": "100"}
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
