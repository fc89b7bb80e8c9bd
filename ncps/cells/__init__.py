"""The cells: each computes one step."""

from ncps.cells.base import BaseCell
from ncps.cells.cfc import CfCCell
from ncps.cells.ltc import LTCCell
from ncps.cells.mixed_memory import MixedMemoryCell
from ncps.cells.stacked import StackedCells
from ncps.cells.timed import TimedCell
from ncps.cells.wired_cfc import WiredCfCCell
from ncps.cells.wired_ltc import WiredLTCCell

__all__ = [
    "BaseCell",
    "CfCCell",
    "LTCCell",
    "MixedMemoryCell",
    "StackedCells",
    "TimedCell",
    "WiredCfCCell",
    "WiredLTCCell",
]
