"""Cells without a fault, as they are or odd and yet right, which no clause may find."""

from __future__ import annotations

import os
from typing import Any

from .fault import Fault, FaultOfLTC, FaultOfWiredLTC, ops, sound


@sound
class UnspoiledCfC(Fault):
    """A CfCCell as it is."""


@sound
class UnspoiledLTC(FaultOfLTC):
    """An LTCCell as it is."""


@sound
class UnspoiledWiredLTC(FaultOfWiredLTC):
    """A WiredLTCCell as it is."""


@sound
class Prints(FaultOfLTC):
    """Every step prints, by Python and by the descriptor."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        print("a step")
        os.write(1, b'{"jsonrpc": "2.0", "id": 1, "result": "mine"}\n')
        return super().advance(heads, h, t)


@sound
class PublishedPaths(Fault):
    """The heads' kernels have the paths that PyPI's `ncps` gives them."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        return super().add_weight(*arguments, name=name.replace("_kernel", "_weight"), **more)


@sound
class HeadsApart(Fault):
    """The heads are mixed as f1 (1 - s) + f2 s."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        if self.mode != "default":
            return super().advance(heads, h, t)
        first, second, *times = ops.split(heads, heads.shape[-1] // self.units, axis=-1)
        s = ops.sigmoid(times[0] if t is None else times[1] - t * times[0])
        return self.head_activation(first) * (1.0 - s) + self.head_activation(second) * s
