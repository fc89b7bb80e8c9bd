"""Liquid neural cells for Keras 3: closed-form continuous-time (CfC) and liquid time-constant (LTC)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

from ncps import _pypi
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

_pypi.put_up_signpost()

if not TYPE_CHECKING:  # a type checker would take every name to be one of these

    def __getattr__(name: str) -> NoReturn:
        raise AttributeError(_pypi.no_attribute(name), name=name, obj=sys.modules[__name__])
