"""Runs a built layer once: compiled where the backend compiles, without effects of earlier runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

from ..adapter import NotSupported
from .layers import Built
from .programs import Programs

Function = Callable[..., Any]
"""A function called as function(layer, **tensors); returns a nest of tensors."""

COMPILING = ("jax", "tensorflow")


class Runner:
    """Runs functions of a layer, on Keras's backend."""

    def __init__(self, keras: Any) -> None:
        self.keras = keras
        self.backend = keras.backend.backend()
        self.programs = Programs(self.backend)

    def run(
        self,
        built: Built,
        given: list[Any],
        function: Function,
        key: Any,
        tensors: dict[str, Any],
        eager: bool = False,
    ) -> Any:
        """Return function(built.layer, **tensors) at the given parameters, the outputs as tensors.

        `key` names the function: its compiled form is used again. `eager`: without compilation.
        """
        if self.backend in COMPILING and not eager:
            return self._run_compiled(built, given, function, key, tensors)
        built.reset(given)
        tensors = self.keras.tree.map_structure(self.tensor, tensors)
        with self.without_gradients():
            return function(built.layer, **tensors)

    def tensor(self, value: Any) -> Any:
        """Return a tensor of the array's own dtype; None stays None."""
        return None if value is None else self.keras.ops.convert_to_tensor(value, dtype=value.dtype.name)

    def tensor_of_any(self, value: Any) -> Any:
        """Return a tensor of an array or of a tensor."""
        return None if value is None else self.keras.ops.convert_to_tensor(value)

    def not_supported(self, what: str) -> NotSupported:
        """Return the error that this backend does not offer `what`."""
        return NotSupported(f"{what} on the {self.backend} backend")

    def arrays(self, nest: Any) -> Any:
        """Return the same nest with NumPy arrays."""
        return self.keras.tree.map_structure(
            lambda t: None if t is None else self.keras.ops.convert_to_numpy(t), nest
        )

    def dtypes(self, nest: Any) -> Any:
        """Return the same nest with the names of the tensors' dtypes."""
        return self.keras.tree.map_structure(lambda t: self.keras.backend.standardize_dtype(t.dtype), nest)

    def without_gradients(self) -> AbstractContextManager[Any]:
        """Return torch's no_grad; on other backends a context without effect."""
        if self.backend != "torch":
            return nullcontext()
        context: AbstractContextManager[Any] = import_module("torch").no_grad()
        return context

    def pure(self, built: Built, function: Function) -> Callable[[list[Any], dict[str, Any]], Any]:
        """Return `function` without side effects: the variables' values are its first argument.

        `Layer.stateless_call` would call `layer.call`, without Keras's casts and masks; this uses `__call__`,
        as users do.
        """
        variables = [variable for variable, _ in built.values(built.initial)]

        def call(values: list[Any], tensors: dict[str, Any]) -> Any:
            with self.keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return function(built.layer, **tensors)

        return call

    def _run_compiled(
        self, built: Built, given: list[Any], function: Function, key: Any, tensors: dict[str, Any]
    ) -> Any:
        if key not in built.compiled:
            built.compiled[key] = self.compiled(self.pure(built, function))
        return built.compiled[key]([value for _, value in built.values(given)], tensors)

    def compiled(self, function: Function) -> Function:
        """Compile by jax's jit or tensorflow's function; return the function itself on other backends."""
        if self.backend == "jax":
            jitted: Function = import_module("jax").jit(function)
            return jitted
        if self.backend == "tensorflow":
            traced = self.programs.traced(function)
            whole: Function = import_module("tensorflow").function(traced, autograph=False)
            return whole
        return function
