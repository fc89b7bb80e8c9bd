"""The adjoint of the backbone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference import activations
from reference.activations import Array
from reference.adjoints.activations import SLOPES
from reference.adjoints.gradients import affine_adjoint, back_through, product


def backbone_adjoint(
    parameters: Mapping[str, Array],
    inputs: Array,
    state: Array,
    dz: Array,
    *,
    layers: int,
    backbone_activation: str,
) -> tuple[dict[str, Array], Array, Array]:
    """Return gradients by the backbone's parameters, inputs (batch, features) and state (batch, units).

    Args:
        parameters, inputs, state, layers, backbone_activation: as for `reference.backbone.backbone`.
        dz: the gradient by the features that the backbone returns, (batch, C).
    """
    z, read, sums = np.concatenate([inputs, state], axis=-1), [], []
    for i in range(layers):
        read.append(z)
        sums.append(z @ parameters[f"backbone_{i}/kernel"] + parameters[f"backbone_{i}/bias"])
        z = activations.get(backbone_activation)(sums[-1])
    by_path: dict[str, Array] = {}
    for i in reversed(range(layers)):
        da = product(dz, SLOPES[backbone_activation](sums[i]))
        by_path |= affine_adjoint(f"backbone_{i}/{{}}", read[i], da)
        dz = back_through([da], [parameters[f"backbone_{i}/kernel"]])
    features = inputs.shape[-1]
    return by_path, dz[:, :features], dz[:, features:]
