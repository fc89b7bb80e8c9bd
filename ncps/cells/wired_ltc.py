"""The wired liquid time-constant cell: neurons, synapses, and the solver of their differential equation."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from ncps import _arguments, _pypi
from ncps._array import activate, cast
from ncps.cells.constraints import AtLeast
from ncps.cells.solvers import SOLVERS, STABLE_STEPS
from ncps.cells.synapses import currents
from ncps.cells.wired import WiredCell
from ncps.wirings import Wiring

MAPPINGS = ("affine", "linear", None)

# Of each parameter, the range in which it begins; erev begins with the polarities of the wiring.
RANGES = {
    "gleak": (0.001, 1.0),
    "vleak": (-0.2, 0.2),
    "cm": (0.4, 0.6),
    "w": (0.001, 1.0),
    "sigma": (3.0, 8.0),
    "mu": (0.3, 0.8),
    "sensory_w": (0.001, 1.0),
    "sensory_sigma": (3.0, 8.0),
    "sensory_mu": (0.3, 0.8),
}
LOWEST = {"gleak": 0.0, "cm": 1e-3, "w": 0.0, "sensory_w": 0.0}
NEURON = ("gleak", "vleak", "cm")
SYNAPSE = ("w", "mu", "sigma", "erev")


@keras.saving.register_keras_serializable(package="ncps")
class WiredLTCCell(WiredCell):
    """Liquid time-constant cell (LTC) on a wiring, for `keras.layers.RNN`, `ncps.layers` or by hand.

    This is the model of the paper. Each neuron j has a membrane with the capacitance cm and the potential v,
    a leak, and synapses from other neurons k and from inputs i. The conductance of a synapse depends on its
    presynaptic potential. With `x~ = x input_w + input_b`:

        g_kj = w_kj sigmoid(sigma_kj (v_k - mu_kj))            the same from x~_i, with the sensory parameters
        N_j  = gleak_j vleak_j + sum_k g_kj erev_kj + sum_i g_ij erev_ij
        D_j  = gleak_j + sum_k g_kj + sum_i g_ij
        cm dv/dt = N - D v

    is solved over the elapsed time t in `ode_unfolds` steps of dt = t / ode_unfolds, with constant inputs:

        "semi_implicit":  v = (cm v + dt N) / (cm + dt (D + epsilon))   stable for every dt, of first order
        "explicit":       v = v + dt (N - D v) / cm                     Euler's step, of first order
        "rk4":            the classical Runge-Kutta step                of fourth order, four times the work

    "explicit" and "rk4" are stable for short steps only: with 32 fully connected neurons and 6 unfolds, "rk4"
    is not finite at t = 1. `stable_timespan()` returns the longest stable time; more `ode_unfolds` make it
    longer.

    The state is v. The output is `v[:, :output_dim] output_w + output_b`, of the motor neurons. A pair of
    neurons without a synapse has no influence and no gradient. float16 and bfloat16 are solved in float32.

    Args:
        wiring: `ncps.wirings.Wiring`, the neurons and their synapses; built for the cell's inputs.
        solver: `"semi_implicit"`, `"explicit"` or `"rk4"`. Default `"semi_implicit"`.
        ode_unfolds: Integer of at least 1, number of the solver's steps. Default 6.
        epsilon: Number of at least 0 that keeps the semi-implicit denominator above 0. Default 1e-8.
        input_mapping: `"affine"`, `"linear"` (no input_b) or None (neither). Default `"affine"`.
        output_mapping: The same for the output. Default `"affine"`.
        implicit_param_constraints: Whether gleak, cm, w and sensory_w are the softplus of their variables.
            Default False: Keras constraints keep them at 0 (cm at 0.001) or above while training.
        initialization_ranges: Dict of `(low, high)` by parameter: the uniform range of its initial values.
            Parameters not named keep their default: gleak, w and sensory_w (0.001, 1), vleak (-0.2, 0.2),
            cm (0.4, 0.6), sigma and sensory_sigma (3, 8), mu and sensory_mu (0.3, 0.8).
        seed: Integer of at least 0, or None: seed of the initial parameters. Default None.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor `(batch, features)`, or a pair `(x, t)` of it and the time elapsed since the previous
            sample, in whatever unit the model is trained with. Without t it is 1.
        states: List of one tensor `(batch, wiring.units)`, the potentials; `get_initial_state` gives the
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
        - [Hasani et al., "Liquid time-constant networks", AAAI 2021](https://arxiv.org/abs/2006.04439),
          equations 1 to 3 and algorithm 1.
        - Lechner et al., "Neural circuit policies enabling auditable autonomy", Nature Machine Intelligence,
          2020.

    Example:

    >>> import keras
    >>> from ncps import WiredLTCCell
    >>> from ncps.wirings import AutoNCP
    >>> sequence = keras.random.normal((4, 10, 3))
    >>> layer = keras.layers.RNN(WiredLTCCell(AutoNCP(16, 2)), return_sequences=True)
    >>> layer(sequence).shape                          # (4, 10, 2)
    >>> cell = WiredLTCCell(AutoNCP(16, 2), solver="rk4", ode_unfolds=2)
    >>> output, state = cell((sequence[:, 0], 0.5), cell.get_initial_state(batch_size=4))
    """

    @_pypi.leading("wiring")
    def __init__(
        self,
        wiring: Wiring,
        solver: str = "semi_implicit",
        ode_unfolds: int = 6,
        epsilon: float = 1e-8,
        input_mapping: str | None = "affine",
        output_mapping: str | None = "affine",
        implicit_param_constraints: bool = False,
        initialization_ranges: dict[str, tuple[float, float]] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(wiring, **kwargs)
        owner = type(self).__name__
        self.solver = _arguments.choice(owner, "solver", solver, tuple(SOLVERS))
        self.ode_unfolds = _arguments.integer(owner, "ode_unfolds", ode_unfolds, minimum=1)
        self.epsilon = _arguments.non_negative(owner, "epsilon", epsilon)
        self.input_mapping = _arguments.choice(owner, "input_mapping", input_mapping, MAPPINGS)
        self.output_mapping = _arguments.choice(owner, "output_mapping", output_mapping, MAPPINGS)
        self.implicit_param_constraints = _arguments.boolean(
            owner, "implicit_param_constraints", implicit_param_constraints
        )
        self.initialization_ranges = self._checked_ranges(initialization_ranges)
        self.seed = _arguments.optional_integer(owner, "seed", seed, minimum=0)

    def _checked_ranges(self, ranges):
        owner, name = type(self).__name__, "initialization_ranges"
        if ranges is None:
            return None
        if not isinstance(ranges, dict) or not set(ranges) <= set(RANGES):
            allowed = "a dict of ranges (low, high) for some of " + ", ".join(RANGES)
            raise _arguments.refusal(ValueError, owner, name, ranges, allowed)
        lowest = {} if self.implicit_param_constraints else LOWEST
        return {
            key: _arguments.interval(owner, f"{name}[{key!r}]", value, minimum=lowest.get(key))
            for key, value in ranges.items()
        }

    def build_wired(self, features):
        units = self.wiring.units
        for name in NEURON:
            self._add(name, (units,))
        self._add_synapses("", self.wiring.adjacency_matrix)
        self._add_synapses("sensory_", self.wiring.sensory_adjacency_matrix)
        self._add_mapping("input", self.input_mapping, features)
        self._add_mapping("output", self.output_mapping, self.wiring.output_dim)

    def _add_synapses(self, kind, adjacency):
        for name in ("w", "mu", "sigma"):
            self._add(kind + name, adjacency.shape)
        erev = self.add_weight(shape=adjacency.shape, initializer=_constant(adjacency), name=f"{kind}erev")
        setattr(self, f"{kind}erev", erev)

    def _add(self, name, shape):
        low, high = {**RANGES, **(self.initialization_ranges or {})}[name]
        seed = None if self.seed is None else self.seed + list(RANGES).index(name)
        held = name in LOWEST and not self.implicit_param_constraints
        weight = self.add_weight(
            shape=shape,
            initializer=keras.initializers.RandomUniform(low, high, seed=seed),
            constraint=AtLeast(LOWEST[name]) if held else None,
            name=name,
        )
        setattr(self, name, weight)

    def _add_mapping(self, which, mapping, size):
        weight = bias = None
        if mapping is not None:
            weight = self.add_weight(shape=(size,), initializer="ones", name=f"{which}_w")
        if mapping == "affine":
            bias = self.add_weight(shape=(size,), initializer="zeros", name=f"{which}_b")
        setattr(self, f"{which}_w", weight)
        setattr(self, f"{which}_b", bias)

    def prepare(self, x, timed, training=False):
        """Return the leak and the sums over sensory synapses, for all samples, and the solver's step."""
        gleak, vleak, cm = (self._parameter(name) for name in NEURON)
        synapses = self._synapses("", self.wiring.adjacency_matrix)
        sensory_synapses = self._synapses("sensory_", self.wiring.sensory_adjacency_matrix)
        solve, unfolds, epsilon = SOLVERS[self.solver], self.ode_unfolds, self.epsilon
        n, d = sensory_synapses(self._mapping("input")(self._widened(x)))
        put_out, dtype = self._mapping("output"), self.compute_dtype

        def step(held, states, t):
            def all_currents(v):
                n, d = synapses(v)
                return held[0] + n, held[1] + d

            v = self._widened(states[0])
            dt = (1.0 if t is None else self._widened(t)) / unfolds
            for _ in range(unfolds):
                v = solve(all_currents, v, cm, dt, epsilon)
            return cast(put_out(v[:, : self.output_size]), dtype), [cast(v, dtype)]

        return (gleak * vleak + n, gleak + d), step

    def find_time_constant(self, x, t, states):
        gleak, cm = self._parameter("gleak"), self._parameter("cm")
        sensory = self._synapses("sensory_", self.wiring.sensory_adjacency_matrix)
        _, from_inputs = sensory(self._mapping("input")(self._widened(x)))
        _, from_neurons = self._synapses("", self.wiring.adjacency_matrix)(self._widened(states[0]))
        return cm / (gleak + from_neurons + from_inputs)

    def stable_timespan(self) -> float:
        """Return the largest elapsed time for which a step stays finite, whatever the inputs and the state.

        With z = dt D / cm, a step of "explicit" multiplies v by 1 - z, and stays bounded while z < 2; a step
        of "rk4" stays bounded while z <= 2.785. Each conductance is at most fully open, so

            D_j <= gleak_j + sum_k w_kj + sum_i sensory_w_ij
            t   <= ode_unfolds * limit * min_j cm_j / (that bound)

        and `ode_unfolds` must be at least t / (limit * min_j cm_j / bound_j) for times up to t. A step that
        is finite may still be inexact: more unfolds make it exact.

        Returns:
            Float, for the parameters as they are now; infinite with the solver "semi_implicit", which is
            stable for every elapsed time.

        Raises:
            ValueError: if the cell is not built.
        """
        if not self.built:
            raise ValueError(f"{type(self).__name__}: the cell must be built, or called once, first")
        if self.solver not in STABLE_STEPS:
            return math.inf
        gleak, cm, w, sensory_w = (
            ops.convert_to_numpy(self._parameter(name)) for name in ("gleak", "cm", "w", "sensory_w")
        )
        conductance = gleak + (w * (self.wiring.adjacency_matrix != 0)).sum(0)
        conductance = conductance + (sensory_w * (self.wiring.sensory_adjacency_matrix != 0)).sum(0)
        with np.errstate(divide="ignore"):
            return float(self.ode_unfolds * STABLE_STEPS[self.solver] * np.min(cm / conductance))

    def _synapses(self, kind, adjacency):
        return currents(adjacency, *(self._parameter(kind + name) for name in SYNAPSE))

    def _parameter(self, name):
        """Return a weight in the solver's dtype, made positive if the parameter must be positive."""
        value = self._widened(getattr(self, name).value)
        implicit = name in LOWEST and self.implicit_param_constraints
        return activate(keras.activations.softplus, value) if implicit else value

    def _mapping(self, which):
        """Return the input or output mapping as a function of a tensor."""
        weights = (getattr(self, f"{which}_w"), getattr(self, f"{which}_b"))
        weight, bias = (None if w is None else self._widened(w.value) for w in weights)

        def mapped(a):
            a = a if weight is None else a * weight
            return a if bias is None else a + bias

        return mapped

    def _widened(self, x):
        """Cast float16 and bfloat16 to float32: dt N leaves float16's range, and N - D v loses precision."""
        return cast(x, "float32") if self.compute_dtype in ("float16", "bfloat16") else x

    def get_config(self):
        return {
            **super().get_config(),
            "solver": self.solver,
            "ode_unfolds": self.ode_unfolds,
            "epsilon": self.epsilon,
            "input_mapping": self.input_mapping,
            "output_mapping": self.output_mapping,
            "implicit_param_constraints": self.implicit_param_constraints,
            "initialization_ranges": self.initialization_ranges,
            "seed": self.seed,
        }


def _constant(array):
    """Return an initializer with the values of `array`."""
    return lambda shape, dtype=None: ops.convert_to_tensor(array, dtype=dtype)
