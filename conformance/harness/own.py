"""Your own cell in twenty lines: fill in `Cell`, and name the class as the target.

    from conformance_harness.own import Cell

    class Mine(Cell):
        family = "cfc"
        backend = "jax"
        arguments = {"units": None, "mode": ("default",), "backbone_layers": (0,)}

        def parameters(self, config, features):
            ...                                   # {canonical name: initial value}

        def step(self, config, parameters, x, state, t=1.0):
            ...                                   # (output, state), by your own functions

    conformance run my_module:Mine --path FOLDER

`examples/own_adapter` has one for torch and one for plain JAX. The module `conformance_harness` is there in a
harness process, and nowhere else: keep the class in a file of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from .adapter import BadParams, ContractBroken, Model, NotSupported, RequestAdapter, theirs
from .frameworks import framework
from .hints import REQUIRED
from .mapping import check, dtype_of, not_mapped, one_or_all, output_and_state
from .packages import origin, regime
from .requests import (
    Array,
    Build,
    Gradients,
    InitialParameters,
    Intermediates,
    Sequence,
    SequenceGradients,
    Step,
)

LOOP = "the loop takes a sequence, a state and elapsed times, and nothing else"
"""The reason why a sequence of another kind is rejected."""


class Cell:
    """A cell to fill in: its facts, its parameters, and one step.

    Arrays are those of `backend`; a jax, tensorflow or torch cell is differentiated by its framework, a NumPy
    one is not. What is not filled in is reported as not applicable, never as passed.

    Attributes:
        family: "cfc", "ltc", "wired_cfc", "wired_ltc" or "mixed_memory".
        backend: "numpy", "torch", "jax" or "tensorflow": whose arrays the step is given.
        arguments: the arguments of the specification that the cell has, each with the values that it may
            have, or None for all of them. What is left out is judged by the specification's default.
        differentiable: whether the step computes with the very arrays that it is given, as a framework needs
            to differentiate it; False where it reads variables of its own, those of `build`.
        name: what reports call the cell; by default the name of the class.
        variant: a documented convention of your own, {"head_activation": "linear"} or {"time_sign": 1}, and
            `variant_source`, the words or the file that say so. It is reported and checked, and excuses
            nothing.
        dtypes: the dtypes that the step computes in, "float64" and "float32"; the cell is judged in these.
        implements: the class or function of your package that is judged, whose file and version reports give.
    """

    family: ClassVar[str]
    backend: ClassVar[str] = "numpy"
    arguments: ClassVar[Mapping[str, tuple[Any, ...] | None]] = {"units": None}
    differentiable: ClassVar[bool] = True
    name: ClassVar[str] = ""
    variant: ClassVar[Mapping[str, Any]] = {}
    variant_source: ClassVar[str] = ""
    dtypes: ClassVar[tuple[str, ...]] = ("float64", "float32")
    implements: ClassVar[Any] = None

    def parameters(self, config: dict[str, Any], features: int) -> dict[str, Any]:
        """Return initial values by canonical name, `{"ff1_kernel": (features + units, units), ...}`.

        SPEC.md has the table; kernels are `(in, out)`. They may be NumPy's or the framework's arrays.
        """
        raise NotImplementedError

    def build(self, config: dict[str, Any], features: int, dtype: str) -> dict[str, Any]:
        """Return the variables of a cell made by your own constructor, unchanged, by canonical name.

        dtype is "float32" or "float64". A variable that the specification does not know has a name of its
        own. A variable's shape, dtype, and `trainable` or `requires_grad` are read from it. If the cell reads
        variables of its own, return the very ones that `step` reads, because they are read again after it:
        keep the cell that you made. Without this method variables and constructor are not judged.
        """
        raise NotSupported("no cell is built")

    def step(
        self, config: dict[str, Any], parameters: dict[str, Any], x: Any, state: Any, t: Any = 1.0
    ) -> tuple[Any, Any]:
        """Return (output, state) of one step.

        Shapes: x `(batch, features)`; state `(batch, size)`, or a list if the family has several; t, if it is
        given, a number or of shape `(batch,)` or `(batch, 1)`.
        """
        raise NotImplementedError

    def intermediates(
        self, config: dict[str, Any], parameters: dict[str, Any], x: Any, state: Any, t: Any = 1.0
    ) -> dict[str, Any]:
        """Return the inner values of a step, as far as you know them, by the names of SPEC.md's table.

        `{"backbone_0": ..., "ff1": ..., "gate": ...}`, each `(batch, size)`. Requested if a step is wrong, to
        find the first wrong value.
        """
        raise NotSupported("no intermediates")

    def sequence(
        self, config: dict[str, Any], parameters: dict[str, Any], x: Any, state: Any, t: Any = None
    ) -> tuple[Any, Any]:
        """Run your own loop, if you have one: return outputs `(batch, time, size)` and the last state.

        Shapes: x `(batch, time, features)`; state as for `step`, None for yours; t, if given, `(batch, time)`
        or `(batch, time, 1)`. A loop made of `step` here would judge nothing.
        """
        raise NotSupported("no loop over a sequence")


class OwnCell(RequestAdapter):
    """Serves one `Cell`."""

    def __init__(self, target: str, cell: Cell) -> None:
        super().__init__(target)
        self.cell, self.name = cell, cell.name or type(cell).__name__
        if wrong := _misfit(cell):
            raise NotSupported(f"{self.name}.arguments {wrong}")
        self.framework = framework(cell.backend)

    @property
    def host(self) -> str:  # type: ignore[override]
        return self.cell.backend

    def cells(self) -> list[dict[str, Any]]:
        given = self.cell.arguments
        facts = {
            "name": self.name,
            "family": self.cell.family,
            "layer": self.name if self._has("sequence") else None,
            "arguments": list(given),
            "defaults": {},
            "values": {name: list(values) for name, values in given.items() if values is not None},
            "draws": False,
        }
        said = {"values": dict(self.cell.variant), "source": self.cell.variant_source}
        return [{**facts, "variant": said if self.cell.variant else None}]

    def facts(self) -> dict[str, Any]:
        return {
            **origin(self.cell.implements or type(self.cell)),
            "adapter": origin(type(self.cell))["file"],
            "backend": self.host,
            "regime": regime(),
            "dtypes": list(self.cell.dtypes),
            "versions": self.framework.versions(),
        }

    def capabilities(self) -> list[str]:
        offered = [*(["build"] if self._has("build") else []), "parameters", "step"]
        differentiated = self.framework.differentiates and self.cell.differentiable
        offered += ["gradients"] if differentiated else []
        offered += ["intermediates"] if self._has("intermediates") else []
        if not self._has("sequence"):
            return offered
        return [*offered, "sequence", *(["sequence_gradients"] if differentiated else [])]

    def build(self, request: Build) -> Any:
        return {"variables": [_told(*one) for one in self.variables(self._model(request.model))]}

    def variables(self, model: Model) -> list[tuple[str, str | None, Any]]:
        """Return path, name and object of the cell's own variables. Raises NotSupported."""
        variables = theirs(self.cell.build, dict(model.config), model.input_dim, model.dtype)
        if not isinstance(variables, dict):
            raise ContractBroken(f"build returns a dict by name, not {type(variables).__name__}")
        return [(name, name, variable) for name, variable in variables.items()]

    def parameters(self, request: InitialParameters) -> Any:
        return {"parameters": self._initial(self._model(request.model))}

    def step(self, request: Step) -> Any:
        if request.training:
            raise NotSupported("no step of training")
        run, (values, x, h, t) = self._prepared(request, request.state)
        answers = [run(values, x, h, t) for _ in range(request.repeat)]
        output, new = answers[-1]
        dtypes = {"output": dtype_of(output), "state": [dtype_of(tensor) for tensor in new]}
        answer: dict[str, Any] = self.framework.numpy_all({"output": output, "state": new})
        answer["dtypes"] = dtypes
        if request.repeat > 1:
            answer["outputs"] = [self.framework.numpy(output) for output, _ in answers]
        if request.echo:
            left = {"inputs": x, "state": h, "parameters": self._left(self._model(request.model), values)}
            answer["after"] = self.framework.numpy_all(left)
        return answer

    def intermediates(self, request: Intermediates) -> Any:
        _, (values, x, h, t) = self._prepared(request, request.state)
        config, times = dict(self._model(request.model).config), [] if t is None else [t]
        intermediates = theirs(self.cell.intermediates, config, values, x, one_or_all(h), *times)
        if not isinstance(intermediates, dict):
            raise ContractBroken(f"intermediates returns a dict by name, not {type(intermediates).__name__}")
        return {"intermediates": self.framework.numpy_all(intermediates)}

    def gradients(self, request: Gradients) -> Any:
        if not self.cell.differentiable:
            raise NotSupported("the step is not differentiable by what it is given")
        run, given = self._prepared(request, request.state)
        values, x, h, t = self._slopes(run, given, request)
        return {"inputs": x, "state": h, "timespans": t, "parameters": values}

    def sequence_gradients(self, request: SequenceGradients) -> Any:
        if not self._has("sequence"):
            raise NotSupported("no loop over a sequence")
        if request.mask is not None or request.options:
            raise NotSupported(LOOP)
        if not self.cell.differentiable:
            raise NotSupported("the loop is not differentiable by what it is given")
        run, given = self._prepared(request, request.initial_state, self.cell.sequence)
        values, x, h, t = self._slopes(run, given, request)
        return {"inputs": x, "initial_state": h, "timespans": t, "parameters": values}

    def sequence(self, request: Sequence) -> Any:
        wanted = {name for name, value in (request.options or {}).items() if value}
        if not self._has("sequence"):
            raise NotSupported("no loop over a sequence")
        arrays = request.mask is not None or request.earlier is not None
        more = arrays, request.models, request.training, request.symbolic, request.before, request.chunks
        own_layer = request.wrapper in (None, "layer")
        if any(more) or not own_layer or wanted - {"return_sequences", "return_state"}:
            raise NotSupported(LOOP)
        _, (values, x, h, t) = self._prepared(request, request.initial_state)
        config = self._model(request.model).config
        state = None if h is None else one_or_all(h)
        answer = theirs(self.cell.sequence, config, values, x, state, *([] if t is None else [t]))
        outputs, last = self.framework.numpy_all(output_and_state(answer, "sequence"))
        if outputs.ndim < 2:
            raise ContractBroken(f"sequence returns outputs (batch, time, size), not {outputs.shape}")
        last_only = "return_sequences" not in wanted and outputs.shape[1] > 0
        output = outputs[:, -1] if last_only else outputs
        return {"output": output, **({"state": last} if "return_state" in wanted else {})}

    def _initial(self, model: Model) -> dict[str, Any]:
        """Return initial values by canonical name, in the dtype of the model."""
        parameters = theirs(self.cell.parameters, dict(model.config), model.input_dim)
        if not isinstance(parameters, dict):
            raise ContractBroken(f"parameters returns a dict by name, not {type(parameters).__name__}")
        return {name: self.framework.numpy(value).astype(model.dtype) for name, value in parameters.items()}

    def _slopes(self, run: Any, given: Any, request: Gradients | SequenceGradients) -> Any:
        """Return the gradients by each of `given`, as arrays."""
        slopes = self.framework.gradients(run, given, (request.cotangent, request.state_cotangent))
        return self.framework.numpy_all(slopes)

    def _left(self, model: Model, given: dict[str, Any]) -> dict[str, Any] | None:
        """Return the parameters after a step: the given ones or, if it reads its own, these.

        None if they are unknown.
        """
        if self.cell.differentiable:
            return given
        if not self._has("build"):
            return None
        own = {name: variable for _, name, variable in self.variables(model) if name in given}
        if given.keys() != own.keys():
            raise NotSupported(not_mapped(set(own), set(given)))
        return own

    def _has(self, method: str) -> bool:
        return getattr(type(self.cell), method) is not getattr(Cell, method)

    def _model(self, value: Any) -> Model:
        model = Model.parse(value)
        if model.cell != self.name:
            raise BadParams(f"model.cell: there is {self.name}, and no {model.cell!r}")
        if model.dtype not in ("float32", "float64"):
            raise NotSupported(f"no dtype policy {model.dtype!r}")
        if model.dtype == "float64" and not self.framework.holds_float64():
            raise NotSupported("float64 is not available: start jax with JAX_ENABLE_X64=1")
        for name, value in model.config.items():
            known = self.cell.arguments.get(name)
            if name not in self.cell.arguments or (known is not None and value not in known):
                raise NotSupported(f"{self.name} has no {name}={value!r}")
        return model

    def _prepared(
        self,
        request: Step | Intermediates | Gradients | Sequence | SequenceGradients,
        state: list[Array] | None,
        method: Callable[..., Any] | None = None,
    ) -> Any:
        """Return a step, or another method of the cell, as a function of tensors, and the tensors."""
        model = self._model(request.model)
        check({name: value.shape for name, value in self._initial(model).items()}, request.parameters)

        def run(values: Any, x: Any, h: Any, t: Any) -> tuple[Any, list[Any]]:
            times = [] if t is None else [t]
            state = one_or_all(h)
            asked = method or self.cell.step
            answer = theirs(asked, dict(model.config), values, x, state, *times)
            return output_and_state(answer, "sequence" if method else "step")

        given = request.parameters, request.inputs, state, request.timespans
        return run, self.framework.tensors(given)


def _misfit(cell: Cell) -> str:
    """Return the error in the arguments that a cell declares; "" if there is none."""
    given, needed = cell.arguments, REQUIRED.get(cell.family, "")
    if not isinstance(given, Mapping):
        return f"is a dict of values by name, as {{'units': None}}, not {type(given).__name__}"
    for name, values in given.items():
        if isinstance(values, str) or not (values is None or isinstance(values, Iterable)):
            return f"has {name!r}: {values!r}; values are a tuple, as ({values!r},), or None for all"
    if needed and needed not in given:
        return f"lacks {needed!r}, which every {cell.family} has: add {needed!r}: None"
    return ""


def _told(path: str, name: str | None, variable: Any) -> dict[str, Any]:
    """Return the facts of a variable; `trainable` is None if it has no such attribute."""
    if not hasattr(variable, "dtype"):
        raise ContractBroken(f"build returns arrays or variables, but {path} is {type(variable).__name__}")
    trainable = getattr(variable, "trainable", getattr(variable, "requires_grad", None))
    shape = [int(size) for size in variable.shape]
    return {"path": path, "name": name, "shape": shape, "dtype": dtype_of(variable), "trainable": trainable}
