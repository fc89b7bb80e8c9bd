"""Makes OpenVINO compute at the precision of a layer."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def keep_float32() -> None:
    """Make `predict` compute float32 in float32.

    `predict` of Keras's OpenVINO backend leaves the precision to the device, which takes bfloat16 on
    processors that are fast at it; a layer called by hand is computed in float32 there too.
    """
    openvino: Any = import_module("openvino")
    compile_model = openvino.compile_model
    exact = {"INFERENCE_PRECISION_HINT": "f32"}

    def compile_exactly(model: Any, device: str = "AUTO", config: Any = None) -> Any:
        return compile_model(model, device, {**exact, **(config or {})})

    openvino.compile_model = compile_exactly
