"""What a vector asks for, at 50 digits or more, from the formulas as they stand in SPEC.md.

Nothing here is the reference's: the steps are those of `tests.reference.exact`, the fold is its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.reference import exact, exact_wired
from tests.reference.exact import Vector, mp, number, vector

Step = Callable[[Vector, Vector, Any], tuple[Vector, Vector]]

DENSE = {"units", "backbone_units", "backbone_dropout"}
"""Arguments that a step does not ask for: sizes, which the parameters show, and what acts in training."""

FAMILIES = {
    "CfCCell": "cfc",
    "LTCCell": "ltc",
    "WiredCfCCell": "wired_cfc",
    "WiredLTCCell": "wired_ltc",
}


def answer(case: Mapping[str, Any], digits: int = 50) -> dict[str, Any]:
    """Return the output and the state of a vector's case, every number rounded once."""
    before, mp.dps = mp.dps, digits
    try:
        outputs, states = _answer(case)
        state = [[[rounded(a) for a in row] for row in tensor] for tensor in states]
        return {"output": _nested(outputs), "state": state}
    finally:
        mp.dps = before


def rounded(value: Any) -> float:
    """Return the float64 nearest to a number, by way of its decimal digits."""
    return float(mp.nstr(value, mp.dps - 5)) + 0.0


def _nested(value: Any) -> Any:
    return [_nested(item) for item in value] if isinstance(value, list) else rounded(value)


def _answer(case: Mapping[str, Any]) -> tuple[Any, list[list[Vector]]]:
    parameters = {path: np.array(value) for path, value in case["parameters"].items()}
    inputs = np.array(case["inputs"])
    step = step_of(case["family"], case["config"], case["graph"], parameters)
    sizes = [len(tensor[0]) for tensor in case["state"]] if case["state"] else state_sizes(case)
    start = [np.array(one) for one in case["state"] or [np.zeros((len(inputs), size)) for size in sizes]]
    rows = [vector(np.concatenate([tensor[b] for tensor in start])) for b in range(len(inputs))]
    run = _one if case["kind"] == "step" else _sequence
    done = [run(step, case, inputs[b], rows[b], b) for b in range(len(inputs))]
    cuts = np.cumsum([0, *sizes])
    states = [[state[a:b] for _, state in done] for a, b in itertools.pairwise(cuts)]
    return [output for output, _ in done], states


def _one(step: Step, case: Mapping[str, Any], x: Any, state: Vector, b: int) -> tuple[Vector, Vector]:
    times = case["timespans"]
    t = 1.0 if times is None else np.broadcast_to(np.reshape(times, (-1, 1)), (len(case["inputs"]), 1))[b, 0]
    return step(vector(x), state, number(t))


def _sequence(step: Step, case: Mapping[str, Any], xs: Any, state: Vector, b: int) -> tuple[Any, Vector]:
    """Return the output of one sample, (time, outputs), or the last, and its last state."""
    options, length = case["options"], len(xs)
    order = list(range(length))[:: -1 if options.get("go_backwards") else 1]
    counts = [True] * length if case["mask"] is None else case["mask"][b]
    times = [1.0] * length if case["timespans"] is None else case["timespans"][b]
    carry = options.get("masked_time") == "carry"
    outputs, held, waiting = [], None, number(0.0)
    for k in order:
        waiting = waiting + number(times[k]) if carry else number(times[k])
        output, new = step(vector(xs[k]), state, waiting)
        if counts[k]:
            state, held, waiting = new, output, number(0.0)
        shown = held if counts[k] or (held is not None and not options.get("zero_output_for_mask")) else None
        outputs.append([number(0.0)] * len(output) if shown is None else shown)
    return (outputs if options.get("return_sequences", True) else outputs[-1]), state


def state_sizes(case: Mapping[str, Any]) -> list[int]:
    """Return the units of a dense cell, the neurons of a wired one, either twice with mixed memory."""
    if case["family"] == "mixed_memory":
        return [len(case["parameters"]["bias"]) // 4] * 2
    return [case["config"]["units"] if case["graph"] is None else len(case["graph"]["adjacency"])]


def step_of(family: str, config: Mapping[str, Any], graph: Any, p: Mapping[str, Any]) -> Step:
    """Return the step of one sample: (x, state, t) -> output, new state."""
    if family == "mixed_memory":
        return _mixed_memory(config["cell"], graph, p)
    options = {name: value for name, value in config.items() if name not in {*DENSE, "wiring"}}
    if family in ("cfc", "ltc"):
        dense: Callable[..., Vector] = exact.cfc if family == "cfc" else exact.ltc

        def step(x: Vector, h: Vector, t: Any) -> tuple[Vector, Vector]:
            new = dense(p, x, h, t, **options)
            return new, new

        return step
    names = ("adjacency", "sensory_adjacency", "output_dim", *(("layers",) if family == "wired_cfc" else ()))
    wired: Callable[..., Any] = exact_wired.wired_cfc if family == "wired_cfc" else exact_wired.wired_ltc
    return lambda x, v, t: wired(p, x, v, t, **{name: graph[name] for name in names}, **options)


def _mixed_memory(cell: Mapping[str, Any], graph: Any, p: Mapping[str, Any]) -> Step:
    own = {path.removeprefix("cell/"): value for path, value in p.items() if path.startswith("cell/")}
    inner = step_of(FAMILIES[cell["class_name"]], cell["config"], graph, own)

    def step(x: Vector, state: Vector, t: Any) -> tuple[Vector, Vector]:
        size = len(state) // 2
        output, new, memory = exact_wired.mixed_memory(p, x, state[:size], state[size:], t, step=inner)
        return output, [*new, *memory]

    return step
