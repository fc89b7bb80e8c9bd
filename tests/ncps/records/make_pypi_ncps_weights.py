"""Records weights of PyPI `ncps` and what they compute: `python make_pypi_ncps_weights.py`.

Writes `pypi_ncps_weights.json` beside itself: for each layer or cell of `ncps.torch` and `ncps.keras` its
arguments, its weights under the names they have there, drawn anew so that none is at its initial value, and
three steps in float32, by cells and one after the other: the sequence layers of 1.0.1 take timespans along
the wrong axis. Run again, it writes the same file, but for other versions.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch

from ncps import keras as in_keras
from ncps import torch as in_torch
from ncps import wirings

FEATURES, BATCH, STEPS = 3, 2, 3
AUTO = ["AutoNCP", {"units": 8, "output_size": 2, "seed": 7}]
FULL = ["FullyConnected", {"units": 3, "erev_init_seed": 5}]
BACKBONE = {"backbone_units": 5, "backbone_layers": 2}

# name: (framework, class, units or wiring, arguments, with timespans)
PLANS = {
    "torch CfC default": ("torch", "CfC", 4, BACKBONE, True),
    "torch CfC no_gate": ("torch", "CfC", 4, {"mode": "no_gate", **BACKBONE, "backbone_dropout": 0.5}, True),
    "torch CfC pure": ("torch", "CfC", 4, {"mode": "pure", **BACKBONE, "activation": "silu"}, True),
    "torch CfC without backbone": ("torch", "CfC", 4, {"backbone_layers": 0}, True),
    "torch CfCCell": ("torch", "CfCCell", 4, BACKBONE, True),
    "torch CfC wired": ("torch", "CfC", AUTO, {}, True),
    "torch CfC wired pure": ("torch", "CfC", AUTO, {"mode": "pure"}, True),
    "torch CfC mixed": ("torch", "CfC", 4, {**BACKBONE, "mixed_memory": True}, True),
    "torch CfC wired mixed": ("torch", "CfC", AUTO, {"mixed_memory": True}, True),
    "torch LTC explicit": ("torch", "LTC", AUTO, {"implicit_param_constraints": False}, True),
    "torch LTC implicit": ("torch", "LTC", AUTO, {"implicit_param_constraints": True}, True),
    "torch LTC mixed": (
        "torch",
        "LTC",
        FULL,
        {"implicit_param_constraints": False, "mixed_memory": True},
        True,
    ),
    "keras CfC default": ("keras", "CfC", 4, BACKBONE, True),
    "keras CfC pure": ("keras", "CfC", 4, {"mode": "pure", "backbone_layers": 0}, True),
    "keras CfC wired": ("keras", "CfC", AUTO, {}, False),
    "keras CfC mixed": ("keras", "CfC", 4, {**BACKBONE, "mixed_memory": True}, False),
    "keras LTC": ("keras", "LTC", AUTO, {}, False),
}
POSITIVE = ("gleak", "cm", "w", "sensory_w")


def numbers(array) -> list:
    """Return nested lists of the shortest decimals that float32 reads back as the same numbers."""
    array = np.asarray(array, dtype="float32")
    return [numbers(row) for row in array] if array.ndim else float(str(array[()]))


def drawn(rng: np.random.Generator, name: str, old: np.ndarray) -> np.ndarray:
    """Draw new values, apart from masks, and from the zeros of erev, which say where no synapse is."""
    last = name.replace("/", ".").split(".")[-1]
    if last.endswith("sparsity_mask"):
        return old
    new = rng.uniform(-1.0, 1.0, old.shape)
    if last in POSITIVE:
        new = np.abs(new) + 0.25
    return (new * (old != 0) if last.endswith("erev") else new).astype("float32")


def in_torch_steps(kind, units, arguments, rng, x, t):
    made = getattr(in_torch, kind)(FEATURES, units, **arguments).eval()
    cell, lstm = getattr(made, "rnn_cell", made), getattr(made, "lstm", None)
    weights = {name: drawn(rng, name, v.numpy()) for name, v in made.state_dict().items()}
    made.load_state_dict({name: torch.tensor(v) for name, v in weights.items()})
    size = units if isinstance(units, int) else units.units
    h = c = torch.zeros(BATCH, size)
    outputs = []
    with torch.no_grad():
        for now, elapsed in zip(torch.tensor(x), torch.tensor(t), strict=True):
            if lstm is not None:
                h, c = lstm(now, (h, c))
            output, h = cell(now, h, elapsed[:, None])
            outputs.append(output.numpy())
    return weights, outputs, h.numpy()


def in_keras_steps(kind, units, arguments, rng, x, t):
    layer = getattr(in_keras, kind)(units, **arguments)
    layer.build((BATCH, STEPS, FEATURES))
    weights = {}
    for v in layer.weights:
        weights[v.path] = drawn(rng, v.path, keras.ops.convert_to_numpy(v))
        v.assign(weights[v.path])
    if "mixed_memory" in arguments:  # recorded to be refused
        return weights, None, None
    cell, h, outputs = layer.cell, keras.ops.zeros((BATCH, layer.cell.state_size)), []
    for i in range(STEPS):
        output, state = cell(x[i] if t is None else (x[i], t[i]), [h])
        h = state[0] if isinstance(state, list) else state
        outputs.append(keras.ops.convert_to_numpy(output))
    return weights, outputs, keras.ops.convert_to_numpy(h)


def record(seed: int, framework, kind, units, arguments, timed) -> dict:
    keras.utils.clear_session()
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, (STEPS, BATCH, FEATURES)).astype("float32")
    t = (np.round(rng.uniform(0.0, 3.0, (STEPS, BATCH)) * 64.0 + 1.0) / 64.0).astype("float32")
    t = t if timed else None
    graph = units if isinstance(units, int) else getattr(wirings, units[0])(**units[1])
    steps = in_torch_steps if framework == "torch" else in_keras_steps
    with torch.no_grad():
        weights, outputs, state = steps(kind, graph, arguments, rng, x, t)
    return {
        "framework": framework,
        "kind": kind,
        "units": units,
        "arguments": arguments,
        "weights": {name: numbers(value) for name, value in weights.items()},
        "inputs": numbers(x),
        "timespans": None if t is None else numbers(t),
        "outputs": None if outputs is None else numbers(outputs),
        "state": None if state is None else numbers(state),
    }


def main() -> None:
    versions = {name: version(name) for name in ("ncps", "keras", "torch", "numpy")}
    records = {name: record(i, *plan) for i, (name, plan) in enumerate(PLANS.items())}
    path = Path(__file__).with_name("pypi_ncps_weights.json")
    path.write_text(json.dumps({"versions": versions, "records": records}, separators=(",", ":")) + "\n")
    print(f"{path.name}: {len(records)} records, {path.stat().st_size} bytes, {versions}")


if __name__ == "__main__":
    main()
