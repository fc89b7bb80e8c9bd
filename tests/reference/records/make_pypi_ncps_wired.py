"""Records what the wired cells of PyPI `ncps` compute in torch: `python make_pypi_ncps_wired.py`.

Writes `pypi_ncps_wired.json` beside itself: for each cell its wiring, its arguments and its parameters under
the names of SPEC.md, and one step in float64. Run again, it writes the same file, but for other versions.

How the cells of `ncps` are written in the specification's terms:
    LTCCell: its own names; the semi-implicit solver, as (cm / dt v + N) / (cm / dt + D + epsilon).
    WiredCfCCell: Linear weights are transposed and `time_a` is negated, as for its CfCCell; the heads are
        tanh, the time heads are not masked, and a layer is fully recurrent. A wiring of one layer puts out
        every neuron, whatever the wiring's output_dim, which is left at its default here.
    LSTMCell, which `CfC` and `LTC` put in front with mixed_memory: Linear weights are transposed. The cell
        behind reads the input, and the LSTM's output as its state. It is run on a sequence of one sample.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from make_pypi_ncps import draw, numbers, torch_paths

from ncps import wirings
from ncps.torch import LTC, CfC, LTCCell, WiredCfCCell

FEATURES = 2
POSITIVE = ("gleak", "cm", "w", "sensory_w")
WIRINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "full": ("FullyConnected", {"units": 3, "erev_init_seed": 5}),
    "self": ("FullyConnected", {"units": 4, "self_connections": False}),
    "random": ("Random", {"units": 4, "sparsity_level": 0.5, "random_seed": 3}),
    "auto": ("AutoNCP", {"units": 6, "output_size": 2, "seed": 7}),
}

Plan = tuple[str, str, dict[str, Any], bool]
"""(cell, wiring, arguments, with timespans)"""


def plans() -> list[Plan]:
    found: list[Plan] = [("LTCCell", name, {}, timed) for name in WIRINGS for timed in (True, False)]
    found += [
        ("LTCCell", "auto", {"implicit_param_constraints": True}, True),
        ("LTCCell", "self", {"implicit_param_constraints": True}, False),
        ("LTCCell", "auto", {"ode_unfolds": 1, "epsilon": 0.25}, True),
        ("LTCCell", "random", {"ode_unfolds": 3, "input_mapping": "linear", "output_mapping": None}, True),
        ("LTCCell", "auto", {"input_mapping": None, "output_mapping": "linear"}, False),
    ]
    for mode in ("default", "no_gate", "pure"):
        found += [("WiredCfCCell", "auto", {"mode": mode}, timed) for timed in (True, False)]
        found += [("WiredCfCCell", name, {"mode": mode}, True) for name in ("full", "random")]
    found += [("mixed LTC", "auto", {}, timed) for timed in (True, False)]
    return found + [("mixed CfC", "auto", {}, timed) for timed in (True, False)]


def wiring(name: str) -> Any:
    kind, arguments = WIRINGS[name]
    return getattr(wirings, kind)(**arguments)


def assign(module: Any, name: str, rng: np.random.Generator, positive: bool = False) -> np.ndarray:
    """Draws the parameter called `name` and returns it."""
    parameter = module.get_parameter(name)
    own = draw(rng, tuple(parameter.shape))
    own = np.abs(own) + 0.25 if positive else own
    parameter.data = torch.tensor(own)
    return own


def ltc_parameters(cell: Any, rng: np.random.Generator) -> dict[str, Any]:
    positive = () if cell._implicit_param_constraints else POSITIVE
    names = [name for name, p in cell.named_parameters() if p.requires_grad]
    return {name: numbers(assign(cell, name, rng, name in positive)) for name in names}


def wired_cfc_parameters(cell: Any, rng: np.random.Generator) -> dict[str, Any]:
    found = {}
    for i in range(cell.num_layers):
        for path, (name, negated) in torch_paths(0, cell._layers[i].mode).items():
            own = assign(cell, f"layer_{i}.{name}", rng)
            mapped = own.T if name.endswith("weight") else own
            found[f"layer_{i}/{path}"] = numbers(-mapped if negated else mapped)
    drawn = [name for name, p in cell.named_parameters() if p.requires_grad]
    assert len(found) == len(drawn), f"not mapped: {len(drawn) - len(found)} of {drawn}"
    return found


def memory_parameters(lstm: Any, rng: np.random.Generator) -> dict[str, Any]:
    return {
        "input_kernel": numbers(assign(lstm, "input_map.weight", rng).T),
        "recurrent_kernel": numbers(assign(lstm, "recurrent_map.weight", rng).T),
        "bias": numbers(assign(lstm, "input_map.bias", rng)),
    }


def step(cell: Any, x: Any, h: Any, t: Any) -> dict[str, Any]:
    output, state = cell(torch.tensor(x), torch.tensor(h), 1.0 if t is None else torch.tensor(t))
    return {"output": numbers(output), "new_state": numbers(state)}


def mixed_step(layer: Any, x: Any, h: Any, c: Any, t: Any) -> dict[str, Any]:
    """Take a step of one sample alone: with more, `ncps` broadcasts the times along the units."""
    times = None if t is None else torch.tensor(t)
    output, (h, c) = layer(torch.tensor(x)[:, None], (torch.tensor(h), torch.tensor(c)), times)
    return {"output": numbers(output[:, 0]), "new_state": numbers(h), "new_memory": numbers(c)}


def record(index: int, plan: Plan) -> dict[str, Any]:
    kind, name, arguments, timed = plan
    rng = np.random.default_rng(index)
    mixed = kind.startswith("mixed")
    graph, rows = wiring(name), 1 if mixed else 2
    x, h = draw(rng, (rows, FEATURES)), draw(rng, (rows, graph.units))
    t = np.round(rng.uniform(0.0, 4.0, (rows, 1)) * 64.0 + 1.0) / 64.0 if timed else None
    drawn = {"inputs": numbers(x), "state": numbers(h), "timespans": None if t is None else numbers(t)}
    with torch.no_grad():
        if mixed:
            if kind == "mixed LTC":
                layer = LTC(FEATURES, graph, mixed_memory=True, implicit_param_constraints=False)
            else:
                layer = CfC(FEATURES, graph, mixed_memory=True)
            cell = layer.double().rnn_cell
            c = draw(rng, h.shape)
            drawn |= {"memory": numbers(c), "memory_parameters": memory_parameters(layer.lstm, rng)}
        elif kind == "LTCCell":
            cell = LTCCell(graph, FEATURES, **arguments).double()
        else:
            cell = WiredCfCCell(FEATURES, graph, **arguments).double()
        of_cell = ltc_parameters if isinstance(cell, LTCCell) else wired_cfc_parameters
        drawn["parameters"] = of_cell(cell, rng)
        drawn |= mixed_step(layer, x, h, c, t) if mixed else step(cell, x, h, t)
    wired = {"kind": WIRINGS[name][0], "arguments": WIRINGS[name][1], "input_dim": FEATURES}
    return {"cell": kind, "wiring": wired, "arguments": arguments, **drawn}


def main() -> None:
    versions = {name: version(name) for name in ("ncps", "torch", "numpy")}
    versions["python"] = platform.python_version()
    records = [record(i, plan) for i, plan in enumerate(plans())]
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in records)
    path = Path(__file__).with_name("pypi_ncps_wired.json")
    path.write_text(f'{{"versions": {json.dumps(versions)}, "records": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
