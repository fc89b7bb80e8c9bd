"""What users of PyPI's `ncps` write, and this package takes otherwise, is refused with what to write here."""

import copy
import importlib
import importlib.util
import subprocess
import sys

import keras
import numpy as np
import pytest

import ncps
from ncps import LTC, CfC, CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell, WiredLTCCell
from ncps.layers import Bidirectional
from ncps.wirings import AutoNCP, Wiring

MODULES = ("torch", "keras", "tf", "mini_keras", "paddle", "datasets")
X = np.ones((2, 3, 4), dtype="float32")
T = np.ones((2, 3), dtype="float32")
H = np.zeros((2, 4), dtype="float32")


def wiring():
    return AutoNCP(8, 2)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_of_theirs_is_no_part_of_this_package(name):
    assert not hasattr(ncps, name)
    assert name not in dir(ncps)
    with pytest.raises(
        AttributeError, match=f"^module 'ncps' has no attribute '{name}': this ncps is ncps-keras"
    ):
        getattr(ncps, name)


@pytest.mark.parametrize("statement", ["import ncps.{}", "from ncps.{} import CfC", "from ncps import {}"])
@pytest.mark.parametrize("name", MODULES)
def test_an_import_of_theirs_says_each_time_where_it_is_here(name, statement):
    for _ in range(2):
        with pytest.raises(
            ModuleNotFoundError, match=f"No module named 'ncps.{name}': this ncps is ncps-keras"
        ):
            exec(statement.format(name), {})
    assert f"ncps.{name}" not in sys.modules


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("from ncps.torch import CfC", "KERAS_BACKEND=torch"),
        ("import ncps.tf.cfc_cell", "KERAS_BACKEND=tensorflow"),
        ("from ncps.keras.cfc_cell import lecun_tanh", "in ncps itself"),
        ("from ncps import datasets", "holds no data"),
        ("import ncps.datasets.icra2020_lidar_collision_avoidance", "holds no data"),
        ("from ncps import MixedMemoryRNN", "MixedMemoryCell"),
        ("from ncps.wirings import wirings", "in ncps.wirings itself"),
        ("from ncps.paddle import LTCCell", "WiredLTCCell"),
    ],
)
def test_an_import_names_the_place(statement, place):
    with pytest.raises(ImportError, match=place):
        exec(statement, {})


def test_other_names_are_missing_as_in_any_module():
    with pytest.raises(AttributeError, match=r"^module 'ncps' has no attribute 'nonsense'$"):
        ncps.nonsense  # noqa: B018
    with pytest.raises(ImportError, match=r"^cannot import name 'nonsense'"):
        from ncps import nonsense  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'ncps.nonsense'$"):
        importlib.import_module("ncps.nonsense")
    assert importlib.util.find_spec("ncps.nonsense") is None


def test_a_package_that_has_such_a_module_keeps_it(tmp_path):
    """As where PyPI's files lie beside ours, or somebody adds a module of that name."""
    (tmp_path / "tf.py").write_text("THERE = True\n")
    code = f"import ncps; ncps.__path__.append({str(tmp_path)!r}); import ncps.tf; assert ncps.tf.THERE"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_package_imported_again_asks_no_second_signpost():
    importlib.reload(ncps)
    assert [finder.__name__ for finder in sys.meta_path if isinstance(finder, type)].count("Signpost") == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        # a wiring for a dense cell
        (
            lambda: CfCCell(wiring()),
            "units must be an integer; a wiring goes into WiredCfCCell(AutoNCP(...))",
        ),
        (
            lambda: LTCCell(wiring()),
            "units must be an integer; a wiring goes into WiredLTCCell(AutoNCP(...))",
        ),
        (lambda: LTCCell(wiring(), 3), "a wiring goes into WiredLTCCell(AutoNCP(...))"),
        (lambda: LTCCell(wiring=wiring(), in_features=3), "a wiring goes into WiredLTCCell(AutoNCP(...))"),
        # arguments of the cell that the first argument does not make
        (
            lambda: LTC(4, ode_unfolds=6),
            "ode_unfolds must be left out with a number of units: a LTCCell has none; a WiredLTCCell has it, "
            "LTC(ncps.wirings.FullyConnected(4), ode_unfolds=6)",
        ),
        (
            lambda: CfC(wiring(), activation="lecun_tanh"),
            "activation must be left out with a wiring: a WiredCfCCell has none; a CfCCell has it, "
            'CfC(8, activation="lecun_tanh")',
        ),
        # the number of inputs
        (
            lambda: CfC(3, 4),
            "CfC(3, 4): the number of inputs must be left out, and units is the first argument: CfC(4)",
        ),
        (lambda: LTC(3, wiring()), "LTC(3, AutoNCP(...)): the number of inputs must be left out"),
        (lambda: CfCCell(3, 4), "units is the first argument: CfCCell(4)"),
        (lambda: WiredCfCCell(3, wiring()), "wiring is the first argument: WiredCfCCell(AutoNCP(...))"),
        (lambda: WiredLTCCell(wiring(), 3), "wiring is the first argument: WiredLTCCell(AutoNCP(...))"),
        (lambda: CfC(4, input_size=3), "input_size must be left out: the first call, or build, gives"),
        (lambda: CfC(input_size=3, units=4), "CfC(input_size=3): input_size must be left out"),
        (lambda: WiredLTCCell(wiring(), in_features=3), "in_features must be left out"),
        # the first argument under another name
        (lambda: CfC(wiring=wiring()), "CfC(wiring=AutoNCP(...)): wiring must be given as units"),
        (
            lambda: CfCCell(hidden_size=4, input_size=3),
            "hidden_size must be given as units, the first argument",
        ),
        (lambda: MixedMemoryCell(rnn_cell=CfCCell(3)), "rnn_cell must be given as cell, the first argument"),
        # arguments without a name
        (lambda: CfC(4, True), "CfC(4, True): all arguments after units must be given by name"),
        (
            lambda: LTC(wiring(), True),
            "LTC(AutoNCP(...), True): all arguments after units must be given by name",
        ),
        (lambda: CfC(4, "pure"), 'CfC(4, "pure"): all arguments after units must be given by name'),
        # arguments that are called otherwise, or not needed
        (
            lambda: CfC(4, proj_size=1),
            "CfC(proj_size=1): proj_size must be left out: a keras.layers.Dense behind",
        ),
        (
            lambda: CfC(4, batch_first=True),
            "batch_first must be left out: sequences are (batch, time, features)",
        ),
        (
            lambda: LTC(4, time_major=True),
            "time_major must be left out: sequences are (batch, time, features)",
        ),
        (lambda: CfC(4, no_gate=True), 'no_gate must be given as mode="no_gate"'),
        (lambda: CfCCell(4, minimal=True), 'minimal must be given as mode="pure"'),
        (lambda: CfCCell(4, backbone_activation="relu"), "backbone_activation must be given as activation"),
        (lambda: CfCCell(4, sparsity_mask=None), "sparsity_mask must be left out: a wiring says"),
        (
            lambda: WiredCfCCell(wiring(), activation="relu"),
            "activation must be left out: a wired cell has no",
        ),
        (
            lambda: MixedMemoryCell(CfCCell(3), forget_gate_bias=1.0),
            "forget_gate_bias must be left out: it is 1",
        ),
        (
            lambda: Wiring.from_config({"units": 1, "adjacency_matrix": [[0]], "input_dim": None}),
            'adjacency_matrix must be under "graph": from_config({"units": units, "graph": ',
        ),
    ],
)
def test_a_constructor_says_what_to_write_here(make, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert message in str(caught.value)


def test_a_first_argument_that_is_only_missing_is_missed_as_ever():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'units'"):
        CfCCell(activation="relu")


@pytest.mark.parametrize("pair", [(X, T), [X, T]], ids=["tuple", "list"])
@pytest.mark.parametrize(
    "make", [CfC, LTC, lambda units: Bidirectional(CfC(units))], ids=["CfC", "LTC", "both"]
)
def test_a_pair_of_sequences_and_times_is_refused_with_the_name_of_the_second(make, pair):
    with pytest.raises(
        TypeError, match=r"^\w+: sequences must be one tensor .* got a (tuple|list) of 2; .* timespans=t"
    ):
        make(4)(pair)


def test_a_pair_of_symbolic_tensors_is_refused_too():
    with pytest.raises(TypeError, match="timespans=t"):
        CfC(4)([keras.Input((None, 4)), keras.Input((None,))])


@pytest.mark.parametrize("make", [CfC, lambda units: Bidirectional(CfC(units))], ids=["CfC", "both"])
def test_times_in_the_place_of_the_mask_are_no_mask(make):
    with pytest.raises(
        TypeError, match=r"mask, the third argument, must hold booleans, .* by name, timespans="
    ):
        make(4)(X, None, T)
    with pytest.raises(TypeError, match="hx must be given as initial_state"):
        make(4)(X, hx=H)


def test_a_mask_in_the_third_place_is_one():
    layer, mask = CfC(4, seed=1), np.array([[True, False, True]] * 2)
    by_place, by_name = layer(X, None, mask), layer(X, mask=mask)
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(y) for y in (by_place, by_name)))


@pytest.mark.parametrize("name", ["elapsed_time", "time", "timespans", "ts"])
def test_a_cell_names_the_place_of_elapsed_time(name):
    where = r"^CfCCell: elapsed time t must be given beside the inputs, cell\(\(x, t\), states\)"
    with pytest.raises(TypeError, match=where):
        CfCCell(4)(X[:, 0], [H], **{name: T[:, 0]})
    with pytest.raises(TypeError, match=where):
        CfCCell(4)(X[:, 0], H, T[:, 0])


def test_a_cell_of_ones_own_takes_first_what_it_likes():
    class Own(CfCCell):
        def __init__(self, inputs, units, **kwargs):
            super().__init__(units, **kwargs)
            self.inputs = inputs

    class Same(CfCCell):
        pass

    assert (Own(3, 4).inputs, Own(3, 4).units) == (3, 4)
    with pytest.raises(TypeError, match=r"^Same\(3, 4\): the number of inputs must be left out"):
        Same(3, 4)


@pytest.mark.parametrize("make", [lambda: CfC(4), lambda: WiredLTCCell(wiring())])
def test_what_is_copied_is_made_without_arguments(make):
    made = make()
    assert copy.deepcopy(made).get_config() == made.get_config()
