"""Makes, once, the virtual environment in which PyPI's `ncps` is judged beside ours.

    python .ci/peer.py DIR
    python .ci/peer.py --borrow DIR  # in seconds: with the frameworks of the interpreter that runs this
    python .ci/peer.py --tf DIR      # for cells of Keras 2, which needs an environment of its own

Both packages are imported as `ncps`, so the peer needs an interpreter of its own. Keras and the frameworks
have the versions of PIP_CONSTRAINT. With `tf-keras`, TensorFlow has its legacy Keras, on which the cells of
`ncps.tf`, `keras-ncp` and `cfc-model` run.

An environment that borrows finds the packages of this interpreter after its own, but for those that are
installed to be edited, as ours are: its `ncps` is PyPI's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

SMALL = "sys_platform == 'linux' and platform_machine == 'x86_64'"  # where TensorFlow has a CPU wheel
OTHER = "sys_platform != 'linux' or platform_machine != 'x86_64'"
TENSORFLOW = [f"tensorflow-cpu; {SMALL}", f"tensorflow; {OTHER}"]
PEER = "ncps==1.0.1"
REQUIREMENTS = {
    "": [PEER, "keras", "torch", "jax", *TENSORFLOW],
    "--borrow": ["--no-deps", PEER],
    "--tf": [PEER, "keras-ncp==2.1.0", "cfc-model==1.1.4", "tf-keras", *TENSORFLOW],
}


def made_from(requirements: list[str], *, borrows: bool) -> str:
    """Return what the environment depends on; another answer means that it must be made again."""
    constraints = os.environ.get("PIP_CONSTRAINT", "")
    pins = Path(constraints).read_text(encoding="utf-8") if constraints else ""
    return "\n".join([sys.version, *requirements, *([lender()] if borrows else []), pins])


def lender() -> str:
    """Return the folder of the packages of this interpreter."""
    return sysconfig.get_path("purelib")


def environment(folder: Path, *, borrows: bool) -> Path:
    """Make an environment, without pip, that has nothing of its own; returns its interpreter."""
    venv.create(folder, clear=True)
    if borrows:
        (site,) = folder.glob("[Ll]ib/**/site-packages")
        (site / "borrowed.pth").write_text(lender() + "\n", encoding="utf-8")
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def main(folder: Path, requirements: list[str], *, borrows: bool = False) -> None:
    """Make the environment in `folder` where it is missing or stale."""
    stamp, made = folder / "made-from.txt", made_from(requirements, borrows=borrows)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made:
        return
    print(f"making an environment in {folder}", flush=True)
    python = environment(folder, borrows=borrows)
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", *requirements], check=True)
    stamp.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    option = "".join(sys.argv[1:-1])
    main(Path(sys.argv[-1]), REQUIREMENTS[option], borrows=option == "--borrow")
