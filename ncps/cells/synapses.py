"""The conductances of synapses, summed at the neurons they end in.

A synapse from k to j with the potential v_k before it has the conductance g = w sigmoid(sigma (v_k - mu)), and
pulls neuron j towards erev with it. What a solver needs is, for each j, the sum of g erev and the sum of g.
"""

import numpy as np
from keras import ops

from ncps._array import sigmoid, take

# Above this many synapses a neuron, adding them up as a product with a matrix of (synapses, neurons) costs more
# than computing those that do not exist. Measured on a CPU with jax, torch and tensorflow.
FEW = 16


def currents(adjacency, w, mu, sigma, erev):
    """A function of the potentials `(..., sources)`: the sums of g erev and of g, `(..., targets)` each.

    Args:
        adjacency: NumPy array `(sources, targets)`; there is a synapse where it is not 0. Of the parameters,
            nothing else is read or has a gradient.
        w, mu, sigma, erev: Tensors `(sources, targets)`.
    """
    few = np.count_nonzero(adjacency) <= FEW * adjacency.shape[1]
    return (_gathered if few else _dense)(adjacency, w, mu, sigma, erev)


def _gathered(adjacency, *parameters):
    """One column for each synapse that exists."""
    targets = adjacency.shape[1]
    source, target = np.nonzero(adjacency)
    w, mu, sigma, erev = (take(ops.reshape(p, (-1,)), source * targets + target) for p in parameters)
    ends = ops.convert_to_tensor(np.eye(targets)[target], dtype=w.dtype)
    weights = ops.concatenate([(w * erev)[:, None] * ends, w[:, None] * ends], axis=-1)

    def evaluate(v):
        sums = sigmoid(sigma * (take(v, source) - mu)) @ weights
        return sums[..., :targets], sums[..., targets:]

    return evaluate


def _dense(adjacency, w, mu, sigma, erev):
    """One column for each pair; w is 0 where there is no synapse."""
    w = w * ops.convert_to_tensor(adjacency != 0, dtype=w.dtype)
    w_erev = w * erev

    def evaluate(v):
        opened = sigmoid(sigma * (v[..., None] - mu))
        return ops.sum(opened * w_erev, axis=-2), ops.sum(opened * w, axis=-2)

    return evaluate
