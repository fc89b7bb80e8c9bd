"""Every clause is a property that other engines can search, and one that fails where a cell does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.planted import PLANTED

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).resolve().parents[3]
PROPERTIES = ROOT / "tests" / "overnight.py"


@pytest.mark.parametrize(
    ("target", "said"), [("ncps:LTCCell", "1 passed"), ("faults:TimeIgnored", "1 failed")]
)
def test_a_property_tells_a_cell_that_follows_the_clause_from_one_that_does_not(
    target: str, said: str, tmp_path: Path
) -> None:
    text = PROPERTIES.read_text("utf-8").replace(
        'start("ncps", "numpy", path=ROOT', f'start("{target}", "numpy", path=FOLDER'
    )
    text = text.replace("path=FOLDER", f"path={str(PLANTED)!r}")
    text = text.replace("checks.every()", '{"time.zero": checks.every()["time.zero"]}')
    text = text.replace("Path(__file__).resolve().parent.parent", f'Path("{ROOT.as_posix()}")')
    (tmp_path / "overnight.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "overnight.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert said in done.stdout.splitlines()[-1], done.stdout + done.stderr
