"""The wired closed-form continuous-time cell."""

import itertools
from typing import Any

import keras
import numpy as np
from keras import ops

from ncps import _arguments, _pypi, activations
from ncps._array import affine, cast, concatenate, split
from ncps.cells.base import Activation
from ncps.cells.cfc import MODES, CfCCell
from ncps.cells.wired import WiredCell
from ncps.wirings import Wiring


@keras.saving.register_keras_serializable(package="ncps")
class WiredCfCCell(WiredCell):
    """Closed-form continuous-time cell (CfC) on a wiring, for `keras.layers.RNN`, `ncps.layers` or by hand.

    Each layer of the wiring (in an `NCP` the inter, command and motor neurons) is a CfC without backbone. The
    layers run one after the other within a step, all with the same elapsed time t. A layer reads its own
    state and the new state of the layer before it; the first layer reads x instead,

        h'_i = cfc_i(concat(h'_{i-1}, h_i), t),   h'_{-1} = x

    with `cfc_i` as in `CfCCell`. An entry of a kernel counts only where the wiring has a synapse; the other
    entries have no influence and no gradient. The state is the states of all layers, concatenated in running
    order. The output is the state of the motor neurons, which are the last layer.

    Args:
        wiring: `ncps.wirings.Wiring`, the neurons and their synapses; built for the cell's inputs.
        mode: `"default"`, `"pure"` or `"no_gate"`. Default `"default"`.
        head_activation: Activation of f1 and f2, not used by `"pure"`. Default `"tanh"`.
        fully_recurrent: Whether each neuron reads the whole state of its own layer; if False, only along the
            synapses of the wiring. Default True.
        sparse_time_heads: Whether the wiring applies to the time heads too. Default True; in published code
            they are dense.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor `(batch, features)`, or a pair `(x, t)` of it and the time elapsed since the previous
            sample, in whatever unit the model is trained with. Without t it is 1.
        states: List of one tensor `(batch, wiring.units)`, the previous state; `get_initial_state` gives the
            first.
        training: Without effect.

    Input shape:
        `(batch, features)`; t is a number, `(batch,)` or `(batch, 1)`, finite and not negative.

    Output shape:
        A pair: output `(batch, wiring.output_dim)` and a list of the new state `(batch, wiring.units)`.

    Raises:
        TypeError, ValueError: at construction for an argument that is not allowed, and at a call for shapes
            that do not fit or a time that is known to be negative, infinite or NaN.

    References:
        - [Hasani et al., "Closed-form continuous-time neural networks", Nature Machine Intelligence,
          2022](https://www.nature.com/articles/s42256-022-00556-7), equations 2 and 5.
        - Lechner et al., "Neural circuit policies enabling auditable autonomy", Nature Machine Intelligence,
          2020.

    Example:

    >>> import keras
    >>> from ncps import WiredCfCCell
    >>> from ncps.wirings import AutoNCP
    >>> sequence = keras.random.normal((4, 10, 3))
    >>> layer = keras.layers.RNN(WiredCfCCell(AutoNCP(16, 2)), return_sequences=True)
    >>> layer(sequence).shape                          # (4, 10, 2)
    >>> cell = WiredCfCCell(AutoNCP(16, 2), mode="no_gate")
    >>> output, state = cell((sequence[:, 0], 0.5), cell.get_initial_state(batch_size=4))
    """

    @_pypi.leading("wiring")
    def __init__(
        self,
        wiring: Wiring,
        mode: str = "default",
        head_activation: Activation = "tanh",
        fully_recurrent: bool = True,
        sparse_time_heads: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(wiring, **kwargs)
        owner = type(self).__name__
        self.mode = _arguments.choice(owner, "mode", mode, MODES)
        self.head_activation = _arguments.activation(owner, "head_activation", head_activation)
        self.fully_recurrent = _arguments.boolean(owner, "fully_recurrent", fully_recurrent)
        self.sparse_time_heads = _arguments.boolean(owner, "sparse_time_heads", sparse_time_heads)

    def build_wired(self, features):
        neurons = self._neurons()
        self.synapses = list(self._synapses(neurons))
        self.layers = []
        for i, ids in enumerate(neurons):
            layer = CfCCell(
                len(ids),
                mode=self.mode,
                backbone_layers=0,
                head_activation=self.head_activation,
                dtype=self.dtype_policy,
                name=f"layer_{i}",
            )
            layer.build((None, features))
            self.layers.append(layer)
            features = len(ids)

    def _neurons(self):
        """Return the ids of each layer's neurons."""
        wiring = self.wiring
        neurons = [list(wiring.get_neurons_of_layer(i)) for i in range(wiring.num_layers)]
        once = sorted(itertools.chain(*neurons)) == list(range(wiring.units))
        if not once or neurons[-1][: wiring.output_dim] != list(range(wiring.output_dim)):
            raise ValueError(
                f"{type(self).__name__}: the layers of the wiring must hold each of its {wiring.units} "
                f"neurons once, and the last one the {wiring.output_dim} motor neurons first; got {neurons}"
            )
        return neurons

    def _synapses(self, neurons):
        """Return for each layer the signs of its kernels' synapses, `(sources + own neurons, own neurons)`.

        0 stands for no synapse. With `fully_recurrent` the entries of the layer's own state are 1.
        """
        between = self.wiring.adjacency_matrix
        inward = self.wiring.sensory_adjacency_matrix
        for ids in neurons:
            own = (
                np.ones([len(ids)] * 2, between.dtype) if self.fully_recurrent else between[np.ix_(ids, ids)]
            )
            yield np.concatenate([inward[:, ids], own])
            inward = between[ids]

    def prepare(self, x, timed, training=False):
        """Return the inputs' part of the first layer for all samples at once, and the layers as the step."""
        layers = [
            (layer, *self._split(layer, signs != 0, timed))
            for layer, signs in zip(self.layers, self.synapses, strict=True)
        ]

        sizes = [layer.units for layer in self.layers]
        output_size, dtype = self.output_size, self.compute_dtype

        def step(read, states, t):
            new = []
            for (layer, inward, recurrent, bias), own in zip(layers, split(states[0], sizes), strict=True):
                heads = affine(own, recurrent, affine(new[-1], inward, bias) if new else read)
                new.append(cast(layer.advance(heads, own, t), dtype))
            return new[-1][:, :output_size], [concatenate(new)]

        _, inward, _, bias = layers[0]
        return x @ inward + bias, step

    def find_time_constant(self, x, t, states):
        own = split(states[0], [layer.units for layer in self.layers])
        constants = []
        for layer, signs, h in zip(self.layers, self.synapses, own, strict=True):
            inward, recurrent, bias = self._split(layer, signs != 0, timed=True)
            heads = affine(h, recurrent, affine(x, inward, bias))
            constants.append(layer.time_constant_of(heads))
            x = cast(layer.advance(heads, h, 1.0 if t is None else t), self.compute_dtype)
        return concatenate(constants)

    def _split(self, layer, mask, timed):
        """Return the kernels for a layer's sources and its own state, and the bias, of all heads together."""
        kernels, biases = zip(*layer.heads(timed), strict=True)
        dense = np.ones_like(mask)
        masks = [mask if i < 2 or self.sparse_time_heads else dense for i in range(len(kernels))]
        kernel = ops.concatenate(kernels, axis=-1)
        kernel = kernel * ops.convert_to_tensor(np.concatenate(masks, axis=-1), dtype=kernel.dtype)
        return kernel[: layer.input_dim], kernel[layer.input_dim :], ops.concatenate(biases, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "mode": self.mode,
            "head_activation": activations.serialize(self.head_activation),
            "fully_recurrent": self.fully_recurrent,
            "sparse_time_heads": self.sparse_time_heads,
        }
