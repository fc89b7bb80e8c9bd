"""The adjoint of a step of a wired CfC."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from reference.activations import Array
from reference.adjoints.cfc import cfc_adjoint
from reference.adjoints.gradients import Gradients, per_sample
from reference.cfc import cfc_step
from reference.wired_cfc import HEADS, TIME_HEADS, Layers, layer_masks, layer_parameters

Parameters = Mapping[str, Array]


def wired_cfc_adjoint(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    timespans: Array,
    cotangent: Array,
    state_cotangent: Array,
    *,
    layers: Layers,
    adjacency: Array,
    sensory_adjacency: Array,
    output_dim: int,
    mode: str = "default",
    head_activation: str = "tanh",
    fully_recurrent: bool = True,
    sparse_time_heads: bool = True,
) -> Gradients:
    """Return the gradients of Σ cotangent · y + Σ state_cotangent · h'.

    Args:
        cotangent: of the output, (batch, output_dim).
        state_cotangent: of the new state, (batch, units).
        parameters, inputs, state, timespans and the options: as for `wired_cfc_step`.
    """
    masks = list(layer_masks(layers, adjacency, sensory_adjacency, fully_recurrent))
    masked = HEADS + TIME_HEADS if sparse_time_heads else HEADS
    options: dict[str, Any] = {"mode": mode, "backbone_layers": 0, "head_activation": head_activation}
    cuts = np.cumsum([0, *map(len, layers)])
    owns = [slice(start, stop) for start, stop in pairwise(cuts)]
    own = [layer_parameters(parameters, i, masked, mask) for i, mask in enumerate(masks)]
    read = [inputs]
    for i, part in enumerate(owns):
        read.append(cfc_step(own[i], read[i], state[:, part], timespans, **options))

    unseen = 0.0 * read[-1][:, output_dim:]
    above = np.concatenate([cotangent, unseen], axis=-1)
    by_path: dict[str, Array] = {}
    of_state: list[Array] = []
    of_time: list[Array] = []
    for i in reversed(range(len(owns))):
        dh = state_cotangent[:, owns[i]] + above
        pulled = cfc_adjoint(own[i], read[i], state[:, owns[i]], timespans, dh, **options)
        for name, slope in pulled.parameters.items():
            by_path[f"layer_{i}/{name}"] = np.where(masks[i], slope, 0.0) if name in masked else slope
        above = pulled.inputs
        of_state.insert(0, pulled.state)
        of_time.append(pulled.timespans)
    return Gradients(by_path, above, np.concatenate(of_state, axis=-1), per_sample(*of_time))
