"""An exception is reported with the frames of the target's own code, and with no others."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.driver.implementation import Frame, ImplementationRaised, start
from conformance.harness.__main__ import load_package
from conformance.options import importable_backends

frames = load_package("frames")
BACKENDS = [backend for backend in importable_backends() if backend != "openvino"]


def written(folder: Path, name: str, text: str) -> Path:
    """Write a module and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    return file


# Whose code it is: the target is `mine:Cell`


def loaded(folder: Path, name: str, text: str) -> dict[str, Any]:
    """Return the names of a module."""
    file = written(folder, name, text)
    names: dict[str, Any] = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    return names


def own(function: Callable[[], Any]) -> list[str]:
    """Return the own frames of the exception that a call raises, without those of this file."""
    with pytest.raises(BaseException) as raised:
        function()
    found = [Frame(**frame) for frame in frames.own_frames(raised.value, "mine:Cell")]
    return [str(frame) for frame in found if frame.file != __file__]


RUN = """
    def run(inner):
        return inner()
"""
FAIL = """
    def fail():
        raise ValueError("no")
"""


@pytest.mark.parametrize(
    ("place", "is_own"),
    [
        ("cells", True),
        ("site-packages/mine", True),
        ("site-packages/mine/deep", True),
        ("site-packages/other", False),
        ("site-packages/mine_too", False),
        ("site-packages/other/site-packages/mine", True),
        ("dist-packages/other", False),
    ],
)
def test_of_installed_code_only_the_targets_package_is_its_own(
    tmp_path: Path, place: str, is_own: bool
) -> None:
    fail = loaded(tmp_path / place, "failing.py", FAIL)["fail"]
    assert own(fail) == (["failing.py:3 in fail"] if is_own else [])


def test_a_module_that_is_installed_without_a_folder_is_its_own(tmp_path: Path) -> None:
    assert own(loaded(tmp_path / "site-packages", "mine.py", FAIL)["fail"]) == ["mine.py:3 in fail"]
    assert own(loaded(tmp_path / "site-packages", "other.py", FAIL)["fail"]) == []


def test_a_class_that_is_offered_from_another_package_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = loaded(tmp_path / "site-packages" / "other", "failing.py", FAIL)["fail"]
    cell = type("Cell", (), {"__module__": "other.cells"})
    monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(Cell=cell))
    assert own(fail) == ["failing.py:3 in fail"]
    cell.__module__ = "mine"
    assert own(fail) == []
    monkeypatch.setattr(cell, "implements", type("Cell", (), {"__module__": "other"}), raising=False)
    assert own(fail) == ["failing.py:3 in fail"]


def test_the_standard_library_the_suite_and_frameworks_are_never_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own(lambda: os.fspath(3)) == []  # type: ignore[call-overload]
    assert own(lambda: json.loads("{")) == []
    assert own(lambda: load_package("adapter").Model.parse(3)) == []
    assert own(lambda: start("ncps", regime="x16")) == []
    assert own(lambda: exec("raise ValueError")) == []
    folder = tmp_path / "checkout" / "torch"
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__file__=str(folder / "__init__.py")))
    assert own(loaded(folder, "failing.py", FAIL)["fail"]) == []


# Which exception it is


def test_frames_of_the_exception_that_a_framework_replaced_come_after_its_own(tmp_path: Path) -> None:
    wrap = """
        def call(inner):
            try:
                return inner()
            except Exception as error:
                raise RuntimeError("wrapped") from error
    """
    run, fail = (loaded(tmp_path, name, text) for name, text in (("run.py", RUN), ("failing.py", FAIL)))
    framework = loaded(tmp_path / "site-packages" / "other", "wrap.py", wrap)["call"]
    assert own(lambda: run["run"](lambda: framework(fail["fail"]))) == [
        "run.py:3 in run",
        "failing.py:3 in fail",
    ]


def test_an_exception_that_the_target_made_of_another_is_placed_where_it_made_it(tmp_path: Path) -> None:
    text = """
        def call():
            try:
                deeper()
            except KeyError as error:
                raise ValueError("no such mode") from error

        def deeper():
            return {}["mode"]
    """
    assert own(loaded(tmp_path, "failing.py", text)["call"]) == ["failing.py:6 in call"]


def test_exceptions_that_are_causes_of_each_other_end(tmp_path: Path) -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert frames.own_frames(one, "mine:Cell") == []


def test_the_innermost_twenty_frames_are_kept(tmp_path: Path) -> None:
    text = """
        def down(n):
            if n == 0:
                raise ValueError
            return down(n - 1)
    """
    names = loaded(tmp_path, "failing.py", text)
    expected = [*["failing.py:5 in down"] * 19, "failing.py:4 in down"]
    assert own(lambda: names["down"](50)) == expected


def test_a_frame_whose_source_is_not_there_has_no_code(tmp_path: Path) -> None:
    names = loaded(tmp_path, "failing.py", FAIL)
    (tmp_path / "failing.py").unlink()
    with pytest.raises(ValueError, match="no") as raised:
        names["fail"]()
    assert "code" not in frames.own_frames(raised.value, "mine:Cell")[-1]


# Over the wire


def raised_by(file: Path, name: str, backend: str, method: str, **params: Any) -> ImplementationRaised:
    """Return the exception of a request to a class in a file."""
    with (
        start(f"{file.stem}:{name}", backend, path=file.parent, family="cfc", threads=1) as implementation,
        pytest.raises(ImplementationRaised) as raised,
    ):
        implementation.request(method, **params)
    lines = file.read_text(encoding="utf-8").splitlines()
    for frame in raised.value.frames:
        assert frame.file == str(file) and frame.code == lines[frame.line - 1].strip()
    return raised.value


def shown(raised: ImplementationRaised) -> list[str]:
    """Return function and source line of each frame."""
    return [f"{frame.function}: {frame.code}" for frame in raised.frames]


def model(name: str, **config: Any) -> dict[str, Any]:
    return {"cell": name, "config": {"units": 2, **config}, "input_dim": 2}


STEP: dict[str, Any] = {
    "parameters": {"ff1_kernel": np.ones((2, 2), "float32")},
    "inputs": np.ones((1, 2), "float32"),
    "state": [np.ones((1, 2), "float32")],
}
KERAS = """
    import keras

    class Good(keras.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], self.units), name="ff1_kernel")

        def call(self, inputs, states):
            h = self.compute(inputs)
            return h, [h]

        def compute(self, inputs):
            return keras.ops.matmul(inputs, self.kernel)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    class InCall(Good):
        def compute(self, inputs):
            raise ValueError("no call")

    class InKeras(Good):
        def compute(self, inputs):
            return keras.layers.Dense(self.units)(keras.ops.reshape(inputs, (7, 7)))

    class InInnerLayer(Good):
        def compute(self, inputs):
            return InCall(self.units)(inputs, [inputs])

    class InBuild(Good):
        def build(self, shape):
            raise ValueError("no build")

    class InConfig(Good):
        def get_config(self):
            raise ValueError("no config")
"""
CALL = "call: h = self.compute(inputs)"


@pytest.fixture(params=[True, False], ids=["filtered", "unfiltered"])
def keras_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A module of Keras cells, with and without Keras's own filter of tracebacks."""
    last = "" if request.param else "    keras.config.disable_traceback_filtering()\n"
    return written(tmp_path, "my_cells.py", KERAS + last)


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("name", "method", "expected"),
    [
        ("InCall", "step", [CALL, 'compute: raise ValueError("no call")']),
        (
            "InKeras",
            "step",
            [
                CALL,
                "compute: return keras.layers.Dense(self.units)(keras.ops.reshape(inputs, (7, 7)))",
            ],
        ),
        (
            "InInnerLayer",
            "step",
            [
                CALL,
                "compute: return InCall(self.units)(inputs, [inputs])",
                CALL,
                'compute: raise ValueError("no call")',
            ],
        ),
        ("InBuild", "build", ['build: raise ValueError("no build")']),
        ("InConfig", "roundtrip", ['get_config: raise ValueError("no config")']),
    ],
)
def test_a_keras_cell(keras_file: Path, name: str, method: str, expected: list[str]) -> None:
    params: dict[str, dict[str, Any]] = {
        "step": STEP,
        "build": {},
        "roundtrip": {"parameters": STEP["parameters"], "inputs": STEP["inputs"], "kind": "get_config"},
    }
    raised = raised_by(keras_file, name, BACKENDS[0], method, model=model(name), **params[method])
    assert shown(raised) == expected
    assert raised.place is not None and raised.place.code == expected[-1].partition(": ")[2]


@pytest.mark.frameworks
@pytest.mark.skipif("tensorflow" not in BACKENDS, reason="tensorflow is not installed")
def test_code_that_autograph_generated_is_mapped_back(tmp_path: Path) -> None:
    graph = """
    import tensorflow as tf

    @tf.function
    def graph(x):
        if tf.reduce_sum(x) > 0:
            x = x + 1
        return deeper(x)

    def deeper(x):
        for _ in tf.range(3):
            x = x + 1
        raise ValueError("no graph")

    class InGraph(Good):
        def compute(self, inputs):
            return graph(inputs)
"""
    file = written(tmp_path, "my_cells.py", KERAS + graph)
    raised = raised_by(file, "InGraph", "tensorflow", "step", model=model("InGraph"), **STEP)
    assert shown(raised) == [
        CALL,
        "compute: return graph(inputs)",
        "graph: return deeper(x)",
        'deeper: raise ValueError("no graph")',
    ]


TORCH = """
    import torch

    class TinyCfC(torch.nn.Module):
        def __init__(self, input_size, hidden_size):
            super().__init__()
            self.hidden_size = hidden_size
            self.ff1 = torch.nn.Linear(input_size + hidden_size, hidden_size)

        def forward(self, x, h=None, ts=None):
            return self.ff1(x), h
"""


@pytest.mark.frameworks
@pytest.mark.skipif("torch" not in BACKENDS, reason="torch is not installed")
def test_a_torch_module(tmp_path: Path) -> None:
    file = written(tmp_path, "my_modules.py", TORCH)
    given = {**STEP, "parameters": {"ff1_kernel": np.ones((4, 2)), "ff1_bias": np.ones(2)}}
    raised = raised_by(file, "TinyCfC", "torch", "step", model=model("TinyCfC"), **given)
    assert shown(raised) == ["forward: return self.ff1(x), h"]


OWN = """
    import numpy as np
    from conformance_harness.own import Cell

    class Mine(Cell):
        family = "ltc"

        def parameters(self, config, features):
            return {"kernel": np.ones((features, config["units"]))}

        def step(self, config, parameters, x, state, t=1.0):
            return compute(x, parameters["kernel"])

    def compute(x, kernel):
        return np.linalg.solve(kernel, x.T)

    class Unbuilt(Mine):
        def step(self, config, parameters):
            return None
"""
SINGULAR = ['step: return compute(x, parameters["kernel"])', "compute: return np.linalg.solve(kernel, x.T)"]


def own_step(name: str) -> dict[str, Any]:
    return {**STEP, "model": model(name), "parameters": {"kernel": np.ones((2, 2), "float32")}}


def test_an_own_cell(tmp_path: Path) -> None:
    file = written(tmp_path, "my_own.py", OWN)
    raised = raised_by(file, "Mine", "numpy", "step", **own_step("Mine"))
    assert raised.type == "LinAlgError" and shown(raised) == SINGULAR


def test_a_call_that_does_not_reach_the_targets_code_has_no_place(tmp_path: Path) -> None:
    file = written(tmp_path, "my_own.py", OWN)
    raised = raised_by(file, "Unbuilt", "numpy", "step", **own_step("Unbuilt"))
    assert raised.type == "TypeError" and raised.frames == () and raised.place is None


def test_in_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    written(tmp_path, "my_own_here.py", OWN)
    with (
        start("my_own_here:Mine", path=tmp_path, in_process=True) as implementation,
        pytest.raises(ImplementationRaised) as raised,
    ):
        implementation.request("step", **own_step("Mine"))
    assert shown(raised.value) == SINGULAR


def test_a_failing_import_is_placed_in_the_module(tmp_path: Path) -> None:
    file = written(tmp_path, "broken.py", "import os\nraise RuntimeError('not today')\n")
    assert str(raised_by(file, "Cell", "numpy", "describe").place) == "broken.py:2 in <module>"
