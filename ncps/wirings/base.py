"""The base of all wirings, which is also the wiring that is built by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import keras
import numpy as np
import numpy.typing as npt

from ncps import _arguments, _keywords
from ncps.wirings.drawing import draw_wiring
from ncps.wirings.graph import draw_wiring_graph, wiring_graph

if TYPE_CHECKING:
    import networkx
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

Matrix = npt.NDArray[np.int32]
"""Polarities of synapses: 1, -1 or 0."""


@keras.saving.register_keras_serializable(package="ncps")
class Wiring:
    """Wiring: a directed graph of neurons and synapses, where each synapse excites or inhibits its target.

    This class has no synapses of its own: add them by hand, or use `FullyConnected`, `Random`, `NCP` or
    `AutoNCP`. A subclass adds its synapses in `__init__`, or in `build` after `super().build(input_dim)`,
    which runs once. If its constructor takes other arguments than `units`, it defines `get_config` as a Keras
    layer does.

    The first `output_dim` neurons are the motor neurons, whose state is the output. Synapses from inputs
    exist once the wiring is built, that is, once the number of inputs is known. A wiring is built for one
    number of inputs. For another number of inputs, make a second wiring with the same arguments, or copy this
    one with `copy.deepcopy` before it is built.

    Args:
        units: Integer of at least 1, number of neurons.

    Attributes:
        units: Number of neurons.
        output_dim: Number of motor neurons; all neurons, unless `set_output_dim` changes it.
        input_dim: Number of inputs, None until built.
        adjacency_matrix: int32 array `(units, units)`, indexed `[source, target]`: 1 for an excitatory
            synapse, -1 for an inhibitory one, 0 for none.
        sensory_adjacency_matrix: int32 array `(input_dim, units)`, indexed `[input, target]`; None until
            built.

    Raises:
        TypeError, ValueError: for an argument that is not allowed, here and in every method.

    Reference:
        - Lechner et al., "Neural circuit policies enabling auditable autonomy", Nature Machine Intelligence,
          2020.

    Example:

    >>> from ncps.wirings import Wiring
    >>> wiring = Wiring(3)
    >>> wiring.set_output_dim(1)
    >>> wiring.add_synapse(2, 0, 1)            # neuron 2 excites the motor neuron
    >>> wiring.build(2)
    >>> wiring.add_sensory_synapse(1, 2, -1)   # input 1 inhibits neuron 2
    >>> wiring.synapse_count, wiring.sensory_synapse_count
    (1, 1)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = _once(cls.build)  # type: ignore[method-assign, assignment]
        if "__init__" in vars(cls):
            cls.__init__ = _keywords.named(cls.__init__)  # type: ignore[method-assign]

    @_keywords.named
    def __init__(self, units: int) -> None:
        self.units = _arguments.integer(type(self).__name__, "units", units, minimum=1)
        self.output_dim: int = self.units
        self.input_dim: int | None = None
        self.adjacency_matrix: Matrix = np.zeros((self.units, self.units), dtype="int32")
        self.sensory_adjacency_matrix: Matrix | None = None
        self._complete = False

    def set_output_dim(self, output_dim: int) -> None:
        """Make the first `output_dim` neurons, at least 1, the motor neurons."""
        self.output_dim = _arguments.integer(
            type(self).__name__, "output_dim", output_dim, minimum=1, maximum=self.units, limit="the units"
        )

    def set_input_dim(self, input_dim: int) -> None:
        """Build the wiring, as `build` does; afterwards sensory synapses can be added."""
        owner = type(self).__name__
        input_dim = _arguments.integer(f"{owner}.build", "input_dim", input_dim, minimum=1)
        if self.input_dim is None:
            self.input_dim = input_dim
            self.sensory_adjacency_matrix = np.zeros((input_dim, self.units), dtype="int32")
        elif self.input_dim != input_dim:
            raise ValueError(
                f"{owner}.build(input_dim={input_dim}): input_dim must be {self.input_dim}, for which this "
                "wiring is built; another number of inputs needs a wiring of its own, of the same arguments "
                "or by copy.deepcopy before it is built"
            )

    def build(self, input_dim: int) -> None:
        """Set the number of inputs, an integer of at least 1; a second call changes nothing.

        Raises:
            ValueError: if the wiring is already built for another number of inputs.
        """
        self.set_input_dim(input_dim)

    def is_built(self) -> bool:
        """Return whether the number of inputs is known."""
        return self.input_dim is not None

    def add_synapse(self, src: int, dest: int, polarity: int) -> None:
        """Add a synapse from neuron `src` to neuron `dest`: polarity 1 excites, -1 inhibits."""
        owner = f"{type(self).__name__}.add_synapse"
        self.adjacency_matrix[self._neuron(owner, "src", src), self._neuron(owner, "dest", dest)] = _polarity(
            owner, polarity
        )

    def add_sensory_synapse(self, src: int, dest: int, polarity: int) -> None:
        """Add a synapse from input `src` to neuron `dest`, like `add_synapse`. The wiring must be built."""
        owner = f"{type(self).__name__}.add_sensory_synapse"
        matrix = self._must_be_built("add_sensory_synapse")
        src = _arguments.integer(
            owner, "src", src, minimum=0, maximum=len(matrix) - 1, limit="the last of the inputs"
        )
        matrix[src, self._neuron(owner, "dest", dest)] = _polarity(owner, polarity)

    @property
    def synapse_count(self) -> int:
        """Return the number of synapses between neurons."""
        return int(np.count_nonzero(self.adjacency_matrix))

    @property
    def sensory_synapse_count(self) -> int:
        """Return the number of synapses from inputs to neurons. The wiring must be built."""
        return int(np.count_nonzero(self._must_be_built("sensory_synapse_count")))

    @property
    def num_layers(self) -> int:
        """Return the number of layers that compute one after the other within a step."""
        return 1

    def get_neurons_of_layer(self, layer_id: int) -> list[int]:
        """Return the ids of the neurons of a layer, a list; layer 0 computes first."""
        _arguments.integer(
            f"{type(self).__name__}.get_neurons_of_layer",
            "layer_id",
            layer_id,
            minimum=0,
            maximum=self.num_layers - 1,
            limit="the last layer",
        )
        return list(range(self.units))

    def get_type_of_neuron(self, neuron_id: int) -> str:
        """Return the kind of a neuron: `"motor"` or `"inter"`, and `"command"` in an `NCP`."""
        neuron_id = self._neuron(f"{type(self).__name__}.get_type_of_neuron", "neuron_id", neuron_id)
        return "motor" if neuron_id < self.output_dim else "inter"

    def erev_initializer(self, shape: Any = None, dtype: Any = None) -> Any:
        """Return the polarities of synapses between neurons, their initial reversal potentials.

        The method is an initializer for Keras.
        """
        return keras.ops.convert_to_tensor(self.adjacency_matrix, dtype=dtype)

    def sensory_erev_initializer(self, shape: Any = None, dtype: Any = None) -> Any:
        """Return the polarities of sensory synapses, their initial reversal potentials.

        The method is an initializer for Keras.
        """
        return keras.ops.convert_to_tensor(self._must_be_built("sensory_erev_initializer"), dtype=dtype)

    def get_graph(self, include_sensory_neurons: bool = True) -> networkx.DiGraph:
        """Return the wiring as a `networkx.DiGraph`. The wiring must be built.

        Nodes are named `neuron_{id}` and `sensory_{input}`, with the attribute `neuron_type`; edges have the
        attribute `polarity`, `"excitatory"` or `"inhibitory"`. This needs the extra `draw`: `pip install
        "ncps-keras[draw]"`.
        """
        self._must_be_built("get_graph")
        return wiring_graph(self, include_sensory_neurons)

    def draw(self, ax: Axes | None = None, labels: bool = True) -> Axes:
        """Draw the wiring with matplotlib, one column for each kind of neuron. The wiring must be built.

        Excitatory synapses are solid and end in an arrow; inhibitory ones are dashed and end in a bar. This
        needs the extra `draw`: `pip install "ncps-keras[draw]"`.

        Args:
            ax: The matplotlib Axes to draw on. Default: those of a new figure of suitable size.
            labels: Whether to write the ids of neurons and inputs, if there is room. Default True.

        Returns:
            The Axes.
        """
        self._must_be_built("draw")
        return draw_wiring(self, ax, labels)

    def draw_graph(
        self,
        layout: str = "shell",
        neuron_colors: dict[str, Any] | None = None,
        synapse_colors: dict[str, Any] | str | None = None,
        draw_labels: bool = False,
    ) -> list[Patch]:
        """Draw the wiring with networkx, as PyPI's `ncps` does. The wiring must be built.

        It draws on the current Axes of matplotlib, in one of networkx's layouts; `draw` shows the kinds of
        neurons in columns. This needs the extra `draw`: `pip install "ncps-keras[draw]"`.

        Args:
            layout: `"shell"`, `"circular"`, `"kamada"`, `"random"`, `"spectral"`, `"spiral"` or `"spring"`.
                Default `"shell"`.
            neuron_colors: Dict of colours by kind of neuron. Kinds not named keep their default: inter
                tab:blue, motor tab:orange, sensory tab:olive, and any other kind tab:blue.
            synapse_colors: Dict of colours by polarity, or one colour for both. Default: excitatory
                tab:green, inhibitory tab:red.
            draw_labels: Whether to write the names of the nodes. Default False.

        Returns:
            Handles for a legend: a list with a `matplotlib.patches.Patch` for each kind that has a colour.

        Example:

        >>> import matplotlib.pyplot as plt
        >>> from ncps.wirings import AutoNCP
        >>> wiring = AutoNCP(28, 4)
        >>> wiring.build(8)
        >>> handles = wiring.draw_graph(neuron_colors={"command": "tab:cyan"})
        >>> legend = plt.legend(handles=handles, loc="upper right")
        """
        self._must_be_built("draw_graph")
        return draw_wiring_graph(self, layout, neuron_colors, synapse_colors, draw_labels)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments and, under `"graph"`, the synapses that were added."""
        return {"units": self.units, "graph": self._graph()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the wiring for a `config` from `get_config`."""
        arguments = dict(config)
        graph = arguments.pop("graph", None)
        wiring = cls(**arguments)
        if graph is not None:
            wiring._restore(graph)
        return wiring

    def _graph(self) -> dict[str, Any]:
        """Return the part of the wiring that does not follow from the arguments, in plain JSON form."""
        sensory = self.sensory_adjacency_matrix
        return {
            "output_dim": self.output_dim,
            "input_dim": self.input_dim,
            "adjacency_matrix": self.adjacency_matrix.tolist(),
            "sensory_adjacency_matrix": None if sensory is None else sensory.tolist(),
        }

    def _restore(self, graph: dict[str, Any]) -> None:
        owner = f"{type(self).__name__}.from_config"
        _arguments.entries(owner, "graph", graph, self._graph())
        self.set_output_dim(graph["output_dim"])
        if graph["input_dim"] is not None:
            Wiring.set_input_dim(self, graph["input_dim"])  # nothing to generate: the synapses are known
            self._complete = True
            self.sensory_adjacency_matrix = _synapses(
                owner, "sensory_adjacency_matrix", graph, (graph["input_dim"], self.units)
            )
        self.adjacency_matrix = _synapses(owner, "adjacency_matrix", graph, (self.units, self.units))

    def _neuron(self, owner: str, name: str, value: int) -> int:
        return _arguments.integer(
            owner, name, value, minimum=0, maximum=self.units - 1, limit="the last of the neurons"
        )

    def _must_be_built(self, what: str) -> Matrix:
        """Return the sensory adjacency matrix; raise an error if there is none yet."""
        if self.sensory_adjacency_matrix is None:
            raise ValueError(
                f"{type(self).__name__}.{what}: the wiring must be built first, since the number of inputs "
                "is not known yet; call build(input_dim)"
            )
        return self.sensory_adjacency_matrix


def _synapses(owner: str, name: str, graph: dict[str, Any], shape: tuple[int, int]) -> Matrix:
    """Return a matrix of polarities from a config."""
    allowed = f"{owner}: the graph's {name} must hold {shape[0]} rows of {shape[1]} numbers, each 1, -1 or 0"
    try:
        matrix = np.array(graph[name])
    except ValueError:
        raise ValueError(f"{allowed}; its rows differ in length") from None
    if matrix.shape != shape:
        raise ValueError(f"{allowed}; its shape is {matrix.shape}")
    if matrix.dtype.kind != "i" or not np.isin(matrix, (-1, 0, 1)).all():
        raise ValueError(f"{allowed}; it holds others")
    return matrix.astype("int32")


def _once(build: Callable[[Any, int], None]) -> Callable[[Any, int], None]:
    """Wrap a subclass's `build`, which may draw at random, so that a second call changes nothing."""

    @functools.wraps(build)
    def build_once(self: Any, input_dim: int) -> None:
        if self._complete:
            self.set_input_dim(input_dim)  # refuses another number of inputs
            return
        build(self, input_dim)
        self._complete = True

    return build_once


def _polarity(owner: str, value: int) -> int:
    allowed = "1 for an excitatory synapse or -1 for an inhibitory one"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise _arguments.refusal(TypeError, owner, "polarity", value, allowed)
    if value not in (-1, 1):
        raise _arguments.refusal(ValueError, owner, "polarity", value, allowed)
    return value
