"""The ground truth: a plain NumPy reference of every cell that SPEC.md specifies."""

from pathlib import Path

from reference.cfc import cfc_step
from reference.ltc import ltc_step
from reference.mixed_memory import mixed_memory_step
from reference.sequence import carried, elapsed_backwards, fold
from reference.wired_cfc import wired_cfc_step
from reference.wired_ltc import wired_ltc_step
from reference.wirings import Graph, graph

SPEC_PATH = Path(__file__).with_name("SPEC.md")
"""The specification, in prose; each clause is a heading with a stable id."""

__all__ = [
    "SPEC_PATH",
    "Graph",
    "carried",
    "cfc_step",
    "elapsed_backwards",
    "fold",
    "graph",
    "ltc_step",
    "mixed_memory_step",
    "wired_cfc_step",
    "wired_ltc_step",
]
