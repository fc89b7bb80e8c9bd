"""Which examples of a clause are compiled, and which run eagerly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

COMPILED, EAGER = 4, 5
"""On tensorflow one example in `COMPILED` is compiled, and the others run eagerly. On jax one step in `EAGER`
runs eagerly, if its sizes are `EAGER_SIZES`, and none in a quick look: each operation is compiled for each
shape there."""

NUMBERS = COMPILED * EAGER
"""Two examples whose numbers differ by a multiple of this run in the same mode on every backend."""

EAGER_SIZES = (2, 3)
"""The batch and the features of a step that may run eagerly on jax."""


def runs_eagerly(
    backend: str, number: int, method: str, params: Mapping[str, Any], *, quick: bool = False
) -> bool:
    """Tell whether to add `eager` to a request of the example of that number; not if the request has it."""
    if method not in ("step", "sequence") or "eager" in params:
        return False
    if backend == "tensorflow":
        return number % COMPILED != 0
    its_turn = backend == "jax" and method == "step" and number % EAGER == EAGER - 1
    return its_turn and not quick and np.shape(params["inputs"]) == EAGER_SIZES
