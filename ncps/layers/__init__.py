"""The cells over a sequence, with elapsed time."""

from ncps.layers.bidirectional import Bidirectional
from ncps.layers.cfc import CfC
from ncps.layers.ltc import LTC

__all__ = ["LTC", "Bidirectional", "CfC"]
