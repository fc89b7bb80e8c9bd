"""The cells, one step each."""

from ncps.cells.base import BaseCell
from ncps.cells.cfc import CfCCell
from ncps.cells.ltc import LTCCell
from ncps.cells.timed import TimedCell

__all__ = ["BaseCell", "CfCCell", "LTCCell", "TimedCell"]
