"""Judges our cells on each version of Keras that is promised to work, and tries the ledger of its faults.

    python .ci/versions.py [--keras 3.8.0,...] [--backend jax,...] [--write]
                           [--ledger]            # tries the ledger alone, beside the runs that are kept
                           [--floor PYTHON]      # an interpreter that has the floor set, if there is one

What `tox run -e versions` calls. A version is one wheel of Keras, put before the frameworks of this
environment, the newest set. A backend that does not conform so is judged again with the floor set, in an
environment that is made where it is needed. The reports are kept in .tox/keras-versions, and `--write` makes
the tables of docs/keras-versions from them.

Exit status: 0; 1 where a backend conforms with neither set, or the ledger says what is not so.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import click
import keras_standings as kept
import peer
from keras_standings import HOME, ROOT

from conformance.search.host_bugs import ledger

PINS = {name: ROOT / "constraints" / f"{name}.txt" for name in kept.SETS}
NEWEST = re.findall(r"^keras==(\S+)", PINS["newest"].read_text(encoding="utf-8"), re.MULTILINE)
VERSIONS = ("3.8.0", "3.10.0", "3.12.4", "3.14.1", *NEWEST)
BACKENDS = ("jax", "torch", "tensorflow", "numpy")
FRAMEWORKS = ["keras", "jax", "torch", *peer.TENSORFLOW]

TRIAL = """
import contextlib, json, sys
import keras
found = {}
for id, script in json.load(sys.stdin).items():
    try:
        with contextlib.redirect_stdout(sys.stderr):
            exec(script, {})
        found[id] = ""
    except (AssertionError, SystemExit):
        found[id] = "free"
    except Exception as error:
        found[id] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""
"""Says of each script "" where it shows its fault, "free" where it does not, or what became of it else."""


def wheel(version: str) -> Path:
    """Return a folder with that version of Keras and nothing else."""
    folder = HOME / f"keras-{version}"
    if not (folder / "keras").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        free = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
        subprocess.run([*command, f"keras=={version}"], env=free, check=True)
    return folder


def interpreter(frameworks: str, floor: str | None) -> str:
    """Return the Python that has this set; for the floor set, make an environment where none is named."""
    if frameworks == "newest":
        return sys.executable
    if floor is None:
        with mock.patch.dict(os.environ, PIP_CONSTRAINT=str(PINS["floor"])):
            peer.main(HOME / "floor", FRAMEWORKS)
    return floor or str(HOME / "floor" / ("Scripts" if os.name == "nt" else "bin") / "python")


def before(version: str, **variables: str) -> dict[str, str]:
    """Return an environment in which that version of Keras comes before the one that is installed."""
    return {**os.environ, "PYTHONPATH": str(wheel(version)), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}


def judge(version: str, frameworks: str, python: str, backends: list[str]) -> None:
    """Run the suite once, and keep its report."""
    path = kept.path(f"{version}-{frameworks}")
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "conformance", "run", "ncps", "--smoke", "--seed", "1"]
    command += ["--python", python, "--path", str(ROOT), "--backend", ",".join(backends), "--json", str(path)]
    done = subprocess.run(
        command, cwd=ROOT, env=before(version), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if not path.exists():
        raise SystemExit(f"Keras {version} with the {frameworks} set: no report\n{done.stderr}")


def judge_all(version: str, backends: list[str], floor: str | None) -> None:
    """Judge on every backend, and again with the floor set where that is needed."""
    kept.path(f"{version}-floor").unlink(missing_ok=True)
    judge(version, "newest", sys.executable, backends)
    again = [standing.backend for standing in kept.standings(version) if not standing.conforms]
    if again:
        judge(version, "floor", interpreter("floor", floor), again)
    for standing in kept.best(version).values():
        held, judged, _ = standing.counts
        click.echo(f"  Keras {version} on {standing.backend}, {standing.beside}: {held} of {judged} hold")


def try_ledger(version: str, floor: str | None) -> None:
    """Run the script of every entry on each backend, with the set that it was judged with last; keeps it."""
    sets = {backend: standing.frameworks for backend, standing in kept.best(version).items()}
    scripts = json.dumps({quirk.id: quirk.script for quirk in ledger()})
    outputs = {}
    for backend in [*sets, "openvino"]:
        done = subprocess.run(
            [interpreter(sets.get(backend, "newest"), floor), "-c", TRIAL],
            input=scripts,
            env=before(version, KERAS_BACKEND=backend),
            capture_output=True,
            text=True,
        )
        last = done.stderr.strip().splitlines()[-1:]
        outputs[backend] = json.loads(done.stdout) if done.returncode == 0 else "".join(last)
    kept.path(f"{version}-quirks").write_text(json.dumps(outputs, indent=1) + "\n", encoding="utf-8")


@click.command()
@click.option("--keras", default=",".join(VERSIONS), show_default=True)
@click.option("--backend", default=",".join(BACKENDS), show_default=True)
@click.option("--floor", help="An interpreter that has the floor set; default, one is made.")
@click.option("--ledger", "alone", is_flag=True, help="Judge nothing; the reports of earlier runs stand.")
@click.option("--write", is_flag=True, help="Make the tables of docs/keras-versions.")
def main(keras: str, backend: str, floor: str | None, alone: bool, write: bool) -> None:
    """Judge our cells on each version of Keras, and tries the ledger of its faults there."""
    if write and set(backend.split(",")) != set(BACKENDS):
        raise click.UsageError("--write makes tables of every backend; leave --backend out")
    kept.path("any").parent.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    for version in keras.split(","):
        if not alone:
            judge_all(version, backend.split(","), floor)
        try_ledger(version, floor)
        complaints += kept.complaints(version)
    if write:
        kept.write(VERSIONS)
    for complaint in complaints:
        click.echo(f"  ✗  {complaint}")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
