"""Liquid neural cells for Keras 3: closed-form continuous-time (CfC) and liquid time-constant (LTC)."""

from ncps import wirings as wirings
from ncps.activations import lecun_tanh
from ncps.cells import BaseCell, CfCCell, LTCCell

__all__ = ["BaseCell", "CfCCell", "LTCCell", "lecun_tanh"]
__version__ = "0.1.0"
