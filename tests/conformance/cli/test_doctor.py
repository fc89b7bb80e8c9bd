"""`conformance doctor` on the command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import main as cli
from conformance.options import importable_backends
from tests.conformance.harness.test_own_cells import PLAIN
from tests.planted import PLANTED

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).resolve().parents[3]
KERAS = [name for name in importable_backends() if name in ("numpy", "torch")]
PATH = ["--path", str(ROOT / "examples" / "own_adapter")]


def doctor(*arguments):
    return CliRunner().invoke(cli.main, ["doctor", *arguments])


@pytest.mark.skipif("torch" not in KERAS, reason="no torch")
def test_an_adapter_of_ones_own_is_examined():
    said = doctor("torch_cfc:Mine", *PATH)
    assert said.exit_code == 0, said.output
    for part in (
        "torch_cfc.py",
        "Mine (cfc)",
        "mode (default)",
        "time_a/kernel",
        "✓\u00a0gradients",
        "err/bound",
    ):
        assert part in said.output
    assert said.output.rstrip().endswith("adapter and step are sound: judge it with `conformance run`")


def test_names_of_ones_own_are_taken():
    harness = ROOT / "tests" / "conformance" / "harness"
    named = ["--family", "cfc", "--names", str(harness / "sound" / "names.toml")]
    said = doctor("sound.cfc:Unfamiliar", "--path", str(harness), "--backend", "numpy", *named)
    assert said.exit_code == 0, said.output


def test_a_convention_that_is_declared_and_not_followed_is_told(tmp_path):
    (tmp_path / "plain.py").write_text(PLAIN)
    said = doctor("plain:Decay", "--path", str(tmp_path))
    assert said.exit_code == 0, said.output
    assert "solver='explicit', but computes as the default says (a comment)" in " ".join(said.output.split())


UNSOUND = f"""
import os
import time
{PLAIN}

class Ends(Decay):
    def step(self, *given):
        os._exit(3)

class EndsUnbuilt(Decay):
    def parameters(self, *given):
        os._exit(3)

class Hangs(Decay):
    def step(self, *given):
        time.sleep(60)

class Misnamed(Decay):
    arguments = {{"units": None, "sovler": ("semi_implicit",), "backbone_layers": (0,)}}

class Mischosen(Decay):
    arguments = {{"units": None, "solver": ("semi_implicit", "euler"), "backbone_layers": (0,)}}
"""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Ends", "no step was taken: the harness died with status 3"),
        ("EndsUnbuilt", "the cell cannot be built: the harness died with status 3"),
        ("Hangs", "no step was taken: the harness did not answer step within"),
        ("Misnamed", "sovler: no argument of a ltc (did you mean 'solver'?)"),
        ("Mischosen", "solver='euler': the specification has semi_implicit, explicit"),
    ],
)
def test_an_adapter_that_is_not_sound_is_told_in_a_line(tmp_path, hurry, name, why):
    (tmp_path / "unsound.py").write_text(UNSOUND)
    if name == "Hangs":
        hurry("step")
    said = doctor(f"unsound:{name}", "--path", str(tmp_path))
    assert said.exit_code == 3, said.output
    assert why in " ".join(said.output.split())


SLIPS = """
import sys

import numpy as np
from conformance_harness.own import Cell

def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))

class Heads(Cell):
    family = "cfc"
    arguments = {"units": None, "mode": ("default",), "backbone_layers": (0,), "head_activation": ("tanh",)}
    order = ("ff1_", "ff2_", "time_a/", "time_b/")

    def parameters(self, config, features):
        units = config["units"]
        kernels = {part + "kernel": np.ones((features + units, units)) for part in Heads.order}
        return {**kernels, **{part + "bias": np.ones(units) for part in Heads.order}}

    def step(self, config, parameters, x, state, t=1.0):
        print("a step", file=sys.stderr)
        both, t = np.concatenate([x, state], axis=-1), np.reshape(t, (-1, 1))
        f1, f2, a, b = (both @ parameters[p + "kernel"] + parameters[p + "bias"] for p in self.order)
        gate = sigmoid(-a * t + b)
        output = np.tanh(f1) * (1.0 - gate) + np.tanh(f2) * gate
        return output, output

class HeadsSwapped(Heads):
    order = ("ff2_", "ff1_", "time_a/", "time_b/")

class TimesSwapped(Heads):
    order = ("ff1_", "ff2_", "time_b/", "time_a/")

class OneBiasSwapped(Heads):
    def step(self, config, parameters, x, state, t=1.0):
        wrong = {"ff1_bias": parameters["time_a/bias"], "time_a/bias": parameters["ff1_bias"]}
        return super().step(config, {**parameters, **wrong}, x, state, t)

class Unnamed(Heads):
    def parameters(self, config, features):
        named = super().parameters(config, features)
        return {**{name: v for name, v in named.items() if "ff1" not in name}, "first": named["ff1_kernel"]}

class Hair(Heads):
    def step(self, config, parameters, x, state, t=1.0):
        output, _ = super().step(config, parameters, x, state, t)
        return output * (1.0 + 1e-11), output * (1.0 + 1e-11)
"""
"""A CfC by plain NumPy, and what its author may get wrong."""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Heads", "adapter and step are sound"),
        ("HeadsSwapped", "with ff1 and ff2 swapped: look at the adapter or the formula"),
        ("TimesSwapped", "with time_a and time_b swapped: look at the adapter or the formula"),
        ("OneBiasSwapped", "with ff1_bias and time_a/bias swapped: look at the adapter or the formula"),
        ("Unnamed", "map the cell's own names in the adapter's `parameters`"),
    ],
)
def test_the_commonest_slips_are_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "slips.py").write_text(SLIPS)
    shown = " ".join(doctor(f"slips:{name}", "--path", str(tmp_path)).output.split())
    assert said in shown
    assert ("the harness printed a step" in shown) == (name != "Unnamed"), "no step was asked for"


def test_values_are_shown_with_the_digits_that_tell_them_apart(tmp_path: Path) -> None:
    (tmp_path / "slips.py").write_text(SLIPS)
    shown = doctor("slips:Hair", "--path", str(tmp_path)).output
    rows = [line.split() for line in shown.splitlines() if line.startswith("  [0, ")]
    assert rows and all(got != wanted for _, _, got, wanted, *_ in rows), shown


WIRED = """
import keras
from ncps import WiredLTCCell

class NoEpsilonLTCCell(WiredLTCCell):
    def __init__(self, wiring, **kwargs):
        super().__init__(wiring, **kwargs)
        self.epsilon = 0.0

class TransposedLTCCell(WiredLTCCell):
    def _parameter(self, name):
        value = super()._parameter(name)
        return keras.ops.transpose(value) if name == "mu" else value
"""


@pytest.mark.skipif(not KERAS, reason="no Keras")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NoEpsilonLTCCell", "with epsilon left out: look at the formula"),
        ("TransposedLTCCell", "with mu transposed: look at the formula"),
    ],
)
def test_slips_of_a_wired_cell_are_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "wired_slips.py").write_text(WIRED)
    shown = doctor(f"wired_slips:{name}", "--path", str(tmp_path), "--backend", KERAS[-1]).output
    assert said in " ".join(shown.split()), shown


@pytest.mark.skipif(not KERAS, reason="no Keras")
def test_a_departing_formula_is_shown_beside_the_reference():
    said = doctor("faults:TimeIgnored", "--path", str(PLANTED), "--backend", KERAS[-1])
    assert said.exit_code == 1
    assert "the step departs from the specification, proven on " in " ".join(said.output.split())


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("torch_cfc:Missing", *PATH), 2, "has no Missing"),
        (("no_such_module:Cell",), 2, "unknown target"),
        (("ncps", "--backend", "jxa"), 2, "did you mean 'jax'?"),
    ],
)
def test_what_cannot_be_examined_is_said_in_a_line(arguments, status, said):
    result = doctor(*arguments)
    assert (result.exit_code, result.output.count("\n")) == (status, 1)
    assert said in result.output
