"""Makes, once, the virtual environment in which PyPI's `ncps` is judged beside ours.

    python .ci/peer.py DIR
    python .ci/peer.py --tf DIR      # for cells of Keras 2, which needs an environment of its own

Both packages are imported as `ncps`, so the peer needs an interpreter of its own. Keras and the frameworks
have the versions of PIP_CONSTRAINT. With `tf-keras`, TensorFlow has its legacy Keras, on which the cells of
`ncps.tf`, `keras-ncp` and `cfc-model` run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

SMALL = "sys_platform == 'linux' and platform_machine == 'x86_64'"  # where TensorFlow has a CPU wheel
OTHER = "sys_platform != 'linux' or platform_machine != 'x86_64'"
TENSORFLOW = [f"tensorflow-cpu; {SMALL}", f"tensorflow; {OTHER}"]
REQUIREMENTS = ["ncps==1.0.1", "keras", "torch", "jax", *TENSORFLOW]
KERAS_2 = ["ncps==1.0.1", "keras-ncp==2.1.0", "cfc-model==1.1.4", "tf-keras", *TENSORFLOW]


def made_from(requirements: list[str]) -> str:
    """What the environment depends on; another answer means that it must be made again."""
    constraints = os.environ.get("PIP_CONSTRAINT", "")
    pins = Path(constraints).read_text(encoding="utf-8") if constraints else ""
    return "\n".join([sys.version, *requirements, pins])


def main(folder: Path, requirements: list[str]) -> None:
    """Makes the environment in `folder` where it is missing or stale."""
    stamp = folder / "made-from.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made_from(requirements):
        return
    print(f"making an environment in {folder}", flush=True)
    venv.create(folder, clear=True, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
    stamp.write_text(made_from(requirements), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[-1]), KERAS_2 if "--tf" in sys.argv[1:-1] else REQUIREMENTS)
