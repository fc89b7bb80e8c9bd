"""Any cell behind an LSTM."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.spec.families.base import Config, Family, Parameters, Sizes, Variant
from conformance.spec.families.cfc import CFC
from conformance.spec.families.initial import Initial, Orthogonal, usual
from conformance.spec.families.ltc import LTC
from conformance.spec.families.wired_cfc import WIRED_CFC, WIRED_VARIANTS
from conformance.spec.families.wired_ltc import WIRED_LTC
from reference import mixed_memory_step
from reference.adjoints import Gradients, mixed_memory_adjoint

CELLS = {"CfCCell": CFC, "LTCCell": LTC, "WiredCfCCell": WIRED_CFC, "WiredLTCCell": WIRED_LTC}
"""The cells that may stand behind it, by the name that the config gives."""

PREFIX = "cell/"


def behind(config: Config) -> tuple[Family, Config]:
    """Return the family of the cell behind the LSTM, and its config."""
    named = config["cell"]
    family = CELLS[named["class_name"]]
    return family, family.full(named["config"])


def arranged(sizes: Sizes, layers: int | None, arguments: Config) -> Config:
    """Return a config; "cell" may be the name of a class, of which a cell of these sizes is made."""
    cell = arguments.get("cell", "CfCCell")
    if isinstance(cell, str):
        family = CELLS[cell]
        cell = {"class_name": cell, "config": family.config(sizes, layers=layers, **family.shown)}
    return {**arguments, "cell": cell}


def units(config: Config) -> int:
    """Return the size of the state of the cell behind, and of the memory."""
    family, own = behind(config)
    return family.state_size(own)


def shapes(config: Config, input_dim: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the table "Parameters" of SPEC.md."""
    family, own = behind(config)
    size = units(config)
    gates = {"input_kernel": (input_dim, 4 * size), "recurrent_kernel": (size, 4 * size), "bias": (4 * size,)}
    return gates | {PREFIX + path: shape for path, shape in family.shapes(own, input_dim).items()}


def initial(config: Config, input_dim: int) -> dict[str, Initial]:
    """Return the initial values of the table "Parameters" of SPEC.md."""
    family, own = behind(config)
    gates = usual(shapes(config, input_dim), {"recurrent_kernel": Orthogonal()})
    return gates | {PREFIX + path: value for path, value in family.initial(own, input_dim).items()}


def step(
    parameters: Parameters, inputs: Any, state: Any, timespans: Any, config: Config, variant: Variant
) -> tuple[Any, Any]:
    """Compute the reference step, under a variant of the specification."""
    family, own = behind(config)
    size = units(config)
    inner = behind_parameters(parameters)

    def cell(x: Any, m: Any, t: Any) -> tuple[Any, Any]:
        return family.reference(inner, x, m, t, own, variant)

    state, memory = state[..., :size], state[..., size:]
    output, new, memory = mixed_memory_step(parameters, inputs, state, memory, timespans, step=cell)
    return output, np.concatenate([new, memory], axis=-1)


def behind_parameters(parameters: Parameters) -> Parameters:
    """Return the parameters of the cell behind the LSTM, by its own paths."""
    return {p.removeprefix(PREFIX): value for p, value in parameters.items() if p.startswith(PREFIX)}


def intermediates(config: Config) -> dict[str, str]:
    """Return the intermediates: the memory, and those of the cell behind the LSTM."""
    family, own = behind(config)
    inner = {place: PREFIX + name for place, name in family.intermediates(own).items()}
    return {"mixed_memory_step.memory": "memory", **inner}


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
    family, own = behind(config)
    size = units(config)
    inner = behind_parameters(parameters)

    def cell(x: Any, m: Any, t: Any, of_output: Any, of_state: Any) -> Gradients:
        return family.adjoint(inner, x, m, t, (of_output, of_state), own, variant)

    of_output, of_state = cotangents
    gradients, of_cell = mixed_memory_adjoint(
        parameters,
        inputs,
        state[:, :size],
        state[:, size:],
        timespans,
        of_output,
        of_state[:, :size],
        of_state[:, size:],
        adjoint=cell,
    )
    named = {PREFIX + path: slope for path, slope in of_cell.items()}
    return gradients._replace(parameters=gradients.parameters | named)


MIXED_MEMORY = Family(
    name="mixed_memory",
    defaults={},
    forms=({"cell": "CfCCell"}, {"cell": "LTCCell"}, {"cell": "WiredCfCCell"}, {"cell": "WiredLTCCell"}),
    variants=WIRED_VARIANTS,
    bad_arguments=({"cell": 3},),
    reference=step,
    adjoint=adjoint,
    shapes=shapes,
    initial=initial,
    arranged=arranged,
    output_size=lambda config: behind(config)[0].output_size(behind(config)[1]),
    state_sizes=lambda config: [units(config)] * 2,
    intermediates=intermediates,
    choices={},
    shown={},
    admissible=WIRED_LTC.admissible,
)
