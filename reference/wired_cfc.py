"""One step of a wired CfC: one CfC for each layer of a wiring.

Hasani et al., Nature Machine Intelligence 4, 2022; the layers are those of Lechner et al., Nature Machine
Intelligence 2, 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from reference.activations import Array
from reference.cfc import cfc_step

Parameters = Mapping[str, Array]
Layers = Sequence[Sequence[int]]
"""The neuron ids of each layer, in the order in which the layers run."""

HEADS = ("ff1_kernel", "ff2_kernel")
TIME_HEADS = ("time_a/kernel", "time_b/kernel")


def wired_cfc_step(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    timespans: Array = 1.0,
    *,
    layers: Layers,
    adjacency: Array,
    sensory_adjacency: Array,
    output_dim: int,
    mode: str = "default",
    head_activation: str = "tanh",
    fully_recurrent: bool = True,
    sparse_time_heads: bool = True,
) -> tuple[Array, Array]:
    """Return the output (batch, output_dim) and the new state (batch, units), its layers in running order.

    Layer i is a CfC without backbone that reads the new state of layer i - 1, the first one x, then its own
    state. An entry of a kernel counts only where the wiring has a synapse.

    Args:
        parameters: arrays by their canonical path, `layer_{i}/` before those of a CfC without backbone.
        inputs: x, (batch, features).
        state: h, (batch, units), in the same order as the new state.
        timespans: t, elapsed time since the previous sample, (batch, 1) or a number; each layer's.
        layers: neuron ids by layer; the motor neurons, ids 0 to output_dim - 1, come first in the last one.
        adjacency: (units, units) by source and target; there is a synapse where it is not 0.
        sensory_adjacency: (features, units), likewise.
        output_dim: number of motor neurons.
        mode: "default", "pure" or "no_gate".
        head_activation: activation of ff1 and ff2; "pure" has none.
        fully_recurrent: every neuron reads the whole state of its layer; otherwise as the wiring connects.
        sparse_time_heads: the wiring holds for the time heads too.
    """
    new: list[Array] = []
    masks = layer_masks(layers, adjacency, sensory_adjacency, fully_recurrent)
    masked = HEADS + TIME_HEADS if sparse_time_heads else HEADS
    start, read = 0, inputs
    for i, mask in enumerate(masks):
        own = state[:, start : start + len(layers[i])]
        p = layer_parameters(parameters, i, masked, mask)
        read = cfc_step(
            p, read, own, timespans, mode=mode, backbone_layers=0, head_activation=head_activation
        )
        new.append(read)
        start += len(layers[i])
    return read[:, :output_dim], np.concatenate(new, axis=-1)


def layer_parameters(parameters: Parameters, i: int, masked: Sequence[str], mask: Array) -> dict[str, Array]:
    """Return layer i's parameters under a CfC's own names, 0 where a kernel in `masked` has no synapse."""
    prefix = f"layer_{i}/"
    own = {name.removeprefix(prefix): a for name, a in parameters.items() if name.startswith(prefix)}
    return {name: np.where(mask, a, 0.0) if name in masked else a for name, a in own.items()}


def layer_masks(
    layers: Layers, adjacency: Array, sensory_adjacency: Array, fully_recurrent: bool
) -> Iterator[Array]:
    """Yield per layer True where its kernel has a synapse, (sources + own neurons, own neurons)."""
    synapse = np.not_equal(adjacency, 0)
    from_source = np.not_equal(sensory_adjacency, 0)
    for neurons in layers:
        own = synapse[np.ix_(neurons, neurons)]
        yield np.concatenate([from_source[:, neurons], own | fully_recurrent])
        from_source = synapse[list(neurons)]
