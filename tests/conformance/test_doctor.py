"""`conformance doctor` on the command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance import cli
from conformance.options import importable_backends
from tests.conformance.test_own_cells import PLAIN

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.skipif(not KERAS, reason="no Keras")
def test_a_departing_formula_is_shown_beside_the_reference():
    said = doctor("mutant:TimeIgnored", "--backend", KERAS[-1])
    assert said.exit_code == 1
    assert "the step departs, and no documented variant fits: output" in said.output


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
