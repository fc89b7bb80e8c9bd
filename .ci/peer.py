"""Makes, once, the virtual environment in which PyPI's `ncps` is judged beside ours.

    python .ci/peer.py DIR

Both packages are imported as `ncps`, so the peer needs an interpreter of its own. Keras and the frameworks
have the versions of PIP_CONSTRAINT.
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


def made_from() -> str:
    """What the environment depends on; another answer means that it must be made again."""
    constraints = os.environ.get("PIP_CONSTRAINT", "")
    pins = Path(constraints).read_text(encoding="utf-8") if constraints else ""
    return "\n".join([sys.version, *REQUIREMENTS, pins])


def main(folder: Path) -> None:
    """Makes the environment in `folder` where it is missing or stale."""
    stamp = folder / "made-from.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made_from():
        return
    print(f"making an environment for PyPI's ncps in {folder}", flush=True)
    venv.create(folder, clear=True, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
    stamp.write_text(made_from(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
