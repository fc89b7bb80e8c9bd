"""Liquid time-constant cells whose synapses are those of a wiring."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.spec.families.base import Config, Family, Parameters, Variant, given
from conformance.spec.families.initial import ONES, Constant, Initial, Uniform, usual
from conformance.spec.families.wired import WIRED, arranged, graph, output_size, units
from reference import wired_ltc_step
from reference.adjoints import Gradients, wired_ltc_adjoint

DEFAULTS: Config = {
    "solver": "semi_implicit",
    "ode_unfolds": 6,
    "epsilon": 1e-8,
    "input_mapping": "affine",
    "output_mapping": "affine",
    "implicit_param_constraints": False,
}

NEURON: dict[str, Initial] = {
    "gleak": Uniform(0.001, 1.0),
    "vleak": Uniform(-0.2, 0.2),
    "cm": Uniform(0.4, 0.6),
}
SYNAPSE: dict[str, Initial] = {
    "w": Uniform(0.001, 1.0),
    "mu": Uniform(0.3, 0.8),
    "sigma": Uniform(3.0, 8.0),
}
"""Initial values of a neuron's parameters and of a synapse's."""

SMALLEST_CAPACITANCE = 0.5
"""The smallest capacitance of the cases: the constraint allows 1e-3, at which float32 shows little of an
explicit step."""


def shapes(config: Config, input_dim: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the table "Parameters" of SPEC.md."""
    neurons = units(config)
    table: dict[str, tuple[int, ...]] = dict.fromkeys(("gleak", "vleak", "cm"), (neurons,))
    for prefix, sources in (("", neurons), ("sensory_", input_dim)):
        table |= {f"{prefix}{name}": (sources, neurons) for name in ("w", "mu", "sigma", "erev")}
    for which, size in (("input", input_dim), ("output", output_size(config))):
        mapping = config[f"{which}_mapping"]
        names = {"affine": ("w", "b"), "linear": ("w",), None: ()}[mapping]
        table |= {f"{which}_{name}": (size,) for name in names}
    return table


def initial(config: Config, input_dim: int) -> dict[str, Initial]:
    """Return the initial values of the table "Parameters" of SPEC.md."""
    wiring = graph(config, input_dim)
    sensory = {f"sensory_{name}": value for name, value in SYNAPSE.items()}
    signs = {"erev": Constant(wiring.adjacency), "sensory_erev": Constant(wiring.sensory_adjacency)}
    named = {**NEURON, **SYNAPSE, **sensory, **signs, "input_w": ONES, "output_w": ONES}
    return usual(shapes(config, input_dim), named)


def admissible(path: str, values: Any) -> Any:
    """Return the values that the constraints allow: conductances of at least 0, a capacitance away from 0."""
    name = path.rpartition("/")[2]
    if name in ("gleak", "w", "sensory_w"):
        return np.abs(values)
    return np.abs(values) + values.dtype.type(SMALLEST_CAPACITANCE) if name == "cm" else values


def step(
    parameters: Parameters, inputs: Any, state: Any, timespans: Any, config: Config, variant: Variant
) -> tuple[Any, Any]:
    """Compute the reference step, under a variant of the specification."""
    return wired_ltc_step(parameters, inputs, state, *given(timespans), **options(config, inputs.shape[-1]))


def options(config: Config, input_dim: int) -> dict[str, Any]:
    """Return the reference's arguments for the config."""
    wiring = graph(config, input_dim)
    return {
        "adjacency": wiring.adjacency,
        "sensory_adjacency": wiring.sensory_adjacency,
        "output_dim": output_size(config),
        **{name: config[name] for name in DEFAULTS},
    }


def adjoint(
    parameters: Parameters,
    inputs: Any,
    state: Any,
    timespans: Any,
    cotangents: tuple[Any, Any],
    config: Config,
    variant: Variant,
) -> Gradients:
    """Compute the gradients of the reference step, under a variant of the specification."""
    named = options(config, inputs.shape[-1])
    return wired_ltc_adjoint(parameters, inputs, state, timespans, *cotangents, **named)


def synapses(config: Config, input_dim: int) -> dict[str, Any]:
    """Return the mask of each matrix of synapses, True where the wiring has one."""
    wiring = graph(config, input_dim)
    masks = {"": wiring.adjacency != 0, "sensory_": wiring.sensory_adjacency != 0}
    names = ("w", "mu", "sigma", "erev")
    return {f"{kind}{name}": mask for kind, mask in masks.items() for name in names}


WIRED_LTC = Family(
    name="wired_ltc",
    defaults=DEFAULTS,
    forms=({"solver": "semi_implicit"}, {"solver": "explicit"}, {"solver": "rk4"}),
    unsteady=({"solver": "explicit"}, {"solver": "rk4"}),
    pace=lambda config: 0.125 if config["solver"] == "rk4" else 1.0,
    variants=(),
    bad_arguments=(
        {"solver": "euler"},
        {"ode_unfolds": 0},
        {"ode_unfolds": 2.5},
        {"epsilon": -1.0},
        {"input_mapping": "quadratic"},
        {"output_mapping": "quadratic"},
    ),
    reference=step,
    adjoint=adjoint,
    shapes=shapes,
    initial=initial,
    intermediates=lambda config: {"wired_ltc_step.x": "inputs", "wired_ltc_step.for.v": "v_{i}"},
    choices={
        "ode_unfolds": (1, 2),
        "epsilon": (1e-3, 1e-8),
        "input_mapping": ("linear", None, "affine"),
        "output_mapping": ("linear", None, "affine"),
        "implicit_param_constraints": (True, False),
    },
    arranged=arranged(ode_unfolds=2),  # compiled sooner than the default, which has a clause of its own
    shown={"output_mapping": None},
    admissible=admissible,
    synapses=synapses,
    **WIRED,
)
