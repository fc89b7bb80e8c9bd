"""Liquid neural cells for Keras 3: closed-form continuous-time (CfC) and liquid time-constant (LTC)."""

from ncps import convert as convert
from ncps import wirings as wirings
from ncps.activations import lecun_tanh
from ncps.cells import (
    BaseCell,
    CfCCell,
    LTCCell,
    MixedMemoryCell,
    StackedCells,
    WiredCfCCell,
    WiredLTCCell,
)
from ncps.layers import LTC, CfC

__all__ = [
    "LTC",
    "BaseCell",
    "CfC",
    "CfCCell",
    "LTCCell",
    "MixedMemoryCell",
    "StackedCells",
    "WiredCfCCell",
    "WiredLTCCell",
    "lecun_tanh",
]
__version__ = "0.1.0"
