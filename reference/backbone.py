"""The backbone: dense layers between the concatenated input and state and the heads of a cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference import activations
from reference.activations import Array


def backbone(
    parameters: Mapping[str, Array], inputs: Array, state: Array, *, layers: int, backbone_activation: str
) -> Array:
    """Return the features that reach the heads, (batch, C).

    z = concat(x, h), then z = activation(z Kb_i + bb_i) for i = 0 .. layers - 1
    (Hasani et al., Nature MI 2022, "Methods"; without dropout, as at inference).

    Args:
        parameters: `backbone_{i}/kernel` (in, backbone_units) and `backbone_{i}/bias` (backbone_units).
        inputs: x, (batch, features).
        state: h, (batch, units).
        layers: number of layers; with 0 the concatenation itself is returned, C = features + units.
        backbone_activation: a name out of `reference.activations.ACTIVATIONS`.
    """
    z = np.concatenate([inputs, state], axis=-1)
    for i in range(layers):
        a = z @ parameters[f"backbone_{i}/kernel"] + parameters[f"backbone_{i}/bias"]
        z = activations.get(backbone_activation)(a)
    return z
