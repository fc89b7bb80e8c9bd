"""Records what the CfC cells of PyPI `ncps` compute: `python make_pypi_ncps.py`, with ncps, torch and keras.

Writes `pypi_ncps.json` beside itself: for each cell its arguments, its own parameters under the names of
SPEC.md, and one step. Run again, it writes the same file, but for other versions of what it runs on.

How the cells of `ncps` are written in the specification's terms:
    torch: Linear weights are (out, in), transposed here; its gate is σ(+(...) t + ...), so that `time_a` is
        negated; its heads are tanh. In float64.
    keras: the specification's sign and layout; its heads are linear. In float32, for Keras 3.15
        computes float64 products in float32 on most backends.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch

from ncps.keras import CfCCell as KerasCell
from ncps.torch import CfCCell as TorchCell

BATCH, FEATURES, UNITS, BACKBONE = 2, 2, 3, 3
MODES = ("default", "no_gate", "pure")
ACTIVATIONS = ("lecun_tanh", "tanh", "relu", "silu", "gelu")
DTYPES = {"torch": "float64", "keras": "float32"}


def plans() -> list[tuple[str, str, int, str, bool]]:
    """Return (cell, mode, backbone layers, activation, with timespans) of each record.

    Every mode at 0, 1 and 2 layers, with and without timespans, in turn through the activations.
    """
    found = []
    for cell in DTYPES:
        turn = itertools.cycle(ACTIVATIONS)
        for mode, layers in itertools.product(MODES, (0, 1, 2)):
            found += [(cell, mode, layers, next(turn), timed) for timed in (True, False)]
        found += [(cell, "default", 1, activation, True) for activation in ACTIVATIONS]
    return found


def numbers(array: np.ndarray) -> Any:
    """Return nested lists that read back as the same float64 numbers."""
    return np.asarray(array, dtype=np.float64).tolist()


def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw short numbers, which keep the file small; every one is exact in float32 too."""
    return np.round(rng.normal(size=shape) * 64.0) / 64.0


def torch_paths(layers: int, mode: str) -> dict[str, tuple[str, bool]]:
    """Return the specification's path to the name of a torch parameter, and whether it is negated."""
    paths = {}
    for i in range(layers):
        paths |= {f"backbone_{i}/{k}": (f"backbone.{2 * i}.{n}", False) for k, n in LINEAR}
    paths |= {f"ff1_{k}": (f"ff1.{n}", False) for k, n in LINEAR}
    if mode == "pure":
        return paths | {"w_tau": ("w_tau", False), "A": ("A", False)}
    paths |= {f"ff2_{k}": (f"ff2.{n}", False) for k, n in LINEAR}
    paths |= {f"time_a/{k}": (f"time_a.{n}", True) for k, n in LINEAR}
    return paths | {f"time_b/{k}": (f"time_b.{n}", False) for k, n in LINEAR}


LINEAR = (("kernel", "weight"), ("bias", "bias"))


def torch_step(
    mode: str, layers: int, activation: str, x: Any, h: Any, t: Any, rng: Any
) -> tuple[dict[str, Any], Any]:
    cell = TorchCell(FEATURES, UNITS, mode, activation, BACKBONE, layers).double()
    named, parameters = dict(cell.named_parameters()), {}
    for path, (name, negated) in torch_paths(layers, mode).items():
        own = draw(rng, tuple(named.pop(name).shape))
        cell.get_parameter(name).data = torch.tensor(own)
        mapped = own.T if name.endswith("weight") else own
        parameters[path] = numbers(-mapped if negated else mapped)
    assert not named, f"not mapped: {list(named)}"
    times = 1.0 if t is None else torch.tensor(t)
    with torch.no_grad():
        output, _ = cell(torch.tensor(x), torch.tensor(h), times)
    return parameters, numbers(output.numpy())


def keras_variables(cell: Any, layers: int, mode: str) -> dict[str, Any]:
    """Return the specification's path to the variable of `cell`."""
    found = {"ff1_kernel": cell.ff1_kernel, "ff1_bias": cell.ff1_bias}
    for i in range(layers):
        dense = cell.backbone_fn.layers[2 * i]  # a Dropout follows each
        found |= {f"backbone_{i}/kernel": dense.kernel, f"backbone_{i}/bias": dense.bias}
    if mode == "pure":
        return found | {"w_tau": cell.w_tau, "A": cell.A}
    found |= {"ff2_kernel": cell.ff2_kernel, "ff2_bias": cell.ff2_bias}
    for name in ("time_a", "time_b"):
        dense = getattr(cell, name)
        found |= {f"{name}/kernel": dense.kernel, f"{name}/bias": dense.bias}
    return found


def keras_step(
    mode: str, layers: int, activation: str, x: Any, h: Any, t: Any, rng: Any
) -> tuple[dict[str, Any], Any]:
    cell = KerasCell(UNITS, mode, activation, BACKBONE, layers, backbone_dropout=0.0)
    cell.build((None, FEATURES))
    parameters = {}
    for path, variable in keras_variables(cell, layers, mode).items():
        own = draw(rng, tuple(variable.shape))
        variable.assign(own)
        parameters[path] = numbers(own)
    assert len(parameters) == len(cell.weights)
    x, h, *times = (torch.tensor(a, dtype=torch.float32) for a in (x, h, t) if a is not None)
    output, _ = cell((x, *times) if times else x, [h])
    assert keras.backend.standardize_dtype(output.dtype) == DTYPES["keras"]
    return parameters, numbers(keras.ops.convert_to_numpy(output))


def record(index: int, plan: tuple[str, str, int, str, bool]) -> dict[str, Any]:
    cell, mode, layers, activation, timed = plan
    rng = np.random.default_rng(index)
    x, h = draw(rng, (BATCH, FEATURES)), draw(rng, (BATCH, UNITS))
    t = np.round(rng.uniform(0.0, 4.0, (BATCH, 1)) * 64.0) / 64.0 if timed else None
    step = torch_step if cell == "torch" else keras_step
    parameters, output = step(mode, layers, activation, x, h, t, rng)
    arguments = {"mode": mode, "backbone_layers": layers, "activation": activation}
    arguments["head_activation"] = "tanh" if cell == "torch" else "linear"
    times = None if t is None else numbers(t)
    return {
        "cell": f"ncps.{cell}.CfCCell",
        "dtype": DTYPES[cell],
        "arguments": arguments,
        "parameters": parameters,
        "inputs": numbers(x),
        "state": numbers(h),
        "timespans": times,
        "output": output,
    }


def main() -> None:
    versions = {name: version(name) for name in ("ncps", "torch", "keras", "numpy")}
    versions["python"] = platform.python_version()
    records = [record(i, plan) for i, plan in enumerate(plans())]
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in records)
    head = json.dumps({"versions": versions, "keras_backend": keras.backend.backend()})[1:-1]
    path = Path(__file__).with_name("pypi_ncps.json")
    path.write_text(f'{{{head}, "records": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
