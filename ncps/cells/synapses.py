"""The conductances of synapses, summed at their target neurons.

A synapse from k to j with the presynaptic potential v_k has the conductance g = w sigmoid(sigma (v_k - mu)),
and pulls neuron j towards erev. A solver needs, for each j, the sum of g erev and the sum of g.
"""

import numpy as np
from keras import ops

from ncps._array import concatenate, sigmoid, split, take, total

# A column for each synapse that exists, added up by a product with a (synapses, neurons) matrix, is faster
# for sparse wirings; a column for each pair for dense ones. They are even near this many synapses a neuron,
# on a CPU with jax, torch and tensorflow.
FEW = 16


def currents(adjacency, w, mu, sigma, erev):
    """Return a function from potentials `(..., sources)` to the sums of g erev and of g, `(..., targets)`.

    Args:
        adjacency: NumPy array `(sources, targets)`, not 0 where there is a synapse. Other pairs have no
            influence and no gradient.
        w, mu, sigma, erev: Tensors `(sources, targets)`.
    """
    few = np.count_nonzero(adjacency) <= FEW * adjacency.shape[1]
    return (_of_synapses if few else _of_pairs)(adjacency, w, mu, sigma, erev)


def _of_synapses(adjacency, *parameters):
    targets = adjacency.shape[1]
    # int32 and float32, for a converter of torch's programs, LiteRT's, mixes up the wider ones.
    source, target = (indices.astype("int32") for indices in np.nonzero(adjacency))
    w, mu, sigma, erev = (take(ops.reshape(p, (-1,)), source * targets + target) for p in parameters)
    ends = ops.convert_to_tensor(np.eye(targets, dtype="float32")[target], dtype=w.dtype)
    weights = concatenate([(w * erev)[:, None] * ends, w[:, None] * ends])

    def evaluate(v):
        return split(sigmoid(sigma * (take(v, source) - mu)) @ weights, [targets, targets])

    return evaluate


def _of_pairs(adjacency, w, mu, sigma, erev):
    w = w * ops.convert_to_tensor(adjacency != 0, dtype=w.dtype)
    w_erev = w * erev

    def evaluate(v):
        opened = sigmoid(sigma * (v[..., None] - mu))
        return total(opened * w_erev, -2), total(opened * w, -2)

    return evaluate
