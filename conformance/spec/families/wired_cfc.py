"""Closed-form continuous-time cells along the layers of a wiring."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.spec.families.base import Config, Family, Parameters, Variant, given
from conformance.spec.families.cfc import HEADS, VARIANTS, head_shapes, signed
from conformance.spec.families.initial import ONES, Initial, usual
from conformance.spec.families.wired import WIRED, arranged, graph, output_size
from reference import wired_cfc_step
from reference.adjoints import Gradients, wired_cfc_adjoint
from reference.wired_cfc import TIME_HEADS, layer_masks

DEFAULTS: Config = {
    "mode": "default",
    "head_activation": "tanh",
    "fully_recurrent": True,
    "sparse_time_heads": True,
}


def shapes(config: Config, input_dim: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the table "Parameters" of SPEC.md."""
    table: dict[str, tuple[int, ...]] = {}
    read = input_dim
    for i, neurons in enumerate(graph(config, input_dim).layers):
        own = len(neurons)
        heads = head_shapes(config["mode"], read + own, own)
        table |= {f"layer_{i}/{path}": shape for path, shape in heads.items()}
        read = own
    return table


def initial(config: Config, input_dim: int) -> dict[str, Initial]:
    """Return the initial values of the table "Parameters" of SPEC.md."""
    return usual(shapes(config, input_dim), {"A": ONES})


def step(
    parameters: Parameters, inputs: Any, state: Any, timespans: Any, config: Config, variant: Variant
) -> tuple[Any, Any]:
    """Compute the reference step, under a variant of the specification."""
    features = inputs.shape[-1]
    given_signs = polarised(signed(parameters, variant), config, features, variant)
    return wired_cfc_step(given_signs, inputs, state, *given(timespans), **options(config, features, variant))


def options(config: Config, input_dim: int, variant: Variant) -> dict[str, Any]:
    """Return the reference's arguments for the config."""
    wiring = graph(config, input_dim)
    return {
        "layers": wiring.layers,
        "adjacency": wiring.adjacency,
        "sensory_adjacency": wiring.sensory_adjacency,
        "output_dim": output_size(config),
        "mode": config["mode"],
        "head_activation": variant.get("head_activation", config["head_activation"]),
        "fully_recurrent": config["fully_recurrent"],
        "sparse_time_heads": variant.get("sparse_time_heads", config["sparse_time_heads"]),
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
    features = inputs.shape[-1]
    given_signs = polarised(signed(parameters, variant), config, features, variant)
    named = options(config, features, variant)
    gradients = wired_cfc_adjoint(given_signs, inputs, state, timespans, *cotangents, **named)
    back = polarised(signed(gradients.parameters, variant), config, features, variant)
    return gradients._replace(parameters=dict(back))


def polarised(parameters: Parameters, config: Config, input_dim: int, variant: Variant) -> Parameters:
    """Return the parameters, with ff1 and ff2 times the signs of the synapses if the variant has them."""
    if not variant.get("signed_synapses"):
        return parameters
    wiring = graph(config, input_dim)
    signs = layer_signs(wiring.layers, wiring.adjacency, wiring.sensory_adjacency)
    kernels = {f"layer_{i}/{ff}_kernel": sign for i, sign in enumerate(signs) for ff in ("ff1", "ff2")}
    return {path: value * kernels.get(path, 1.0) for path, value in parameters.items()}


def layer_signs(layers: Any, adjacency: Any, sensory_adjacency: Any) -> list[Any]:
    """Return, by layer, the sign of each weight's synapse, 1 where there is none."""
    signs, read = [], sensory_adjacency
    for i, neurons in enumerate(layers):
        incoming = read[:, neurons] if i == 0 else adjacency[np.ix_(layers[i - 1], neurons)]
        own = np.ones((len(neurons), len(neurons)))
        signs.append(np.concatenate([np.where(incoming < 0, -1.0, 1.0), own]))
    return signs


def synapses(config: Config, input_dim: int) -> dict[str, Any]:
    """Return the mask of each kernel that the wiring restricts, True where an entry counts."""
    wiring = graph(config, input_dim)
    masks = layer_masks(wiring.layers, wiring.adjacency, wiring.sensory_adjacency, config["fully_recurrent"])
    kernels = ["ff1_kernel"]
    if config["mode"] != "pure":
        kernels += ["ff2_kernel", *(TIME_HEADS if config["sparse_time_heads"] else ())]
    return {f"layer_{i}/{kernel}": mask for i, mask in enumerate(masks) for kernel in kernels}


DENSE_TIME_HEADS: Variant = {"sparse_time_heads": False}
SIGNED: Variant = {**DENSE_TIME_HEADS, "signed_synapses": True}
WIRED_VARIANTS: tuple[Variant, ...] = (
    DENSE_TIME_HEADS,
    *VARIANTS,
    *({**variant, **DENSE_TIME_HEADS} for variant in VARIANTS),
    *({**variant, **SIGNED} for variant in ({}, *VARIANTS)),
)

LAYERS = {place: f"layer_{{i}}/{name}" for place, name in {"backbone.z": "concat", **HEADS}.items()}
"""Intermediates, by their place in the reference, which is visited once a layer."""

WIRED_CFC = Family(
    name="wired_cfc",
    defaults=DEFAULTS,
    forms=({"mode": "default"}, {"mode": "no_gate"}, {"mode": "pure"}),
    variants=WIRED_VARIANTS,
    bad_arguments=({"mode": "prue"}, {"head_activation": "no_such_activation"}),
    reference=step,
    adjoint=adjoint,
    shapes=shapes,
    initial=initial,
    intermediates=lambda config: LAYERS,
    choices={
        "head_activation": ("linear", "lecun_tanh", "tanh"),
        "fully_recurrent": (False, True),
        "sparse_time_heads": (False, True),
    },
    arranged=arranged(),
    shown={},
    synapses=synapses,
    **WIRED,
)
