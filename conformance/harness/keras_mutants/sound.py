"""Cells without a fault, as they are or odd and yet right, which no clause may find."""

from __future__ import annotations

import os
from typing import Any

from .fault import Fault, FaultOfLTC, sound


@sound
class UnspoiledCfC(Fault):
    """A CfCCell as it is."""


@sound
class UnspoiledLTC(FaultOfLTC):
    """An LTCCell as it is."""


@sound
class Prints(FaultOfLTC):
    """Every step prints, by Python and by the descriptor."""

    def advance(self, z: Any, h: Any, t: Any) -> Any:
        print("a step")
        os.write(1, b'{"jsonrpc": "2.0", "id": 1, "result": "mine"}\n')
        return super().advance(z, h, t)


@sound
class PublishedPaths(Fault):
    """The heads' kernels have the paths that PyPI's `ncps` gives them."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        return super().add_weight(*arguments, name=name.replace("_kernel", "_weight"), **more)


@sound
class HeadsFactored(Fault):
    """The heads are mixed as f1 + s (f2 - f1)."""

    def advance(self, z: Any, h: Any, t: Any) -> Any:
        if self.mode != "default":
            return super().advance(z, h, t)
        f1, f2 = (
            self.head_activation(z @ kernel.value + bias.value)
            for kernel, bias in ((self.ff1_kernel, self.ff1_bias), (self.ff2_kernel, self.ff2_bias))
        )
        return f1 + self._gate(z, t) * (f2 - f1)
