"""The ground truth: a plain NumPy reference of every cell that SPEC.md specifies."""

from pathlib import Path

from reference.cfc import cfc_step
from reference.ltc import ltc_step
from reference.sequence import fold

SPEC_PATH = Path(__file__).with_name("SPEC.md")
"""The specification, in prose; each clause is a heading with a stable id."""

__all__ = ["SPEC_PATH", "cfc_step", "fold", "ltc_step"]
