"""Arguments, their refusal, the configuration, and what exists once a cell is built."""

import json

import keras
import numpy as np
import pytest

import ncps
from ncps import BaseCell, CfCCell, LTCCell, lecun_tanh
from tests.ncps.helpers import weights


def test_a_cell_is_created_and_built():
    cell = CfCCell(32)
    assert (cell.state_size, cell.output_size, cell.units) == (32, 32, 32)
    cell.build((None, 10))
    assert cell.built
    assert cell.get_initial_state(batch_size=4)[0].shape == (4, 32)


@pytest.mark.parametrize(
    ("cell", "shapes"),
    [
        (
            CfCCell(2, backbone_units=5, backbone_layers=2),
            {
                "backbone_0/kernel": (5, 5), "backbone_0/bias": (5,),
                "backbone_1/kernel": (5, 5), "backbone_1/bias": (5,),
                "ff1_kernel": (5, 2), "ff1_bias": (2,), "ff2_kernel": (5, 2), "ff2_bias": (2,),
                "time_a/kernel": (5, 2), "time_a/bias": (2,), "time_b/kernel": (5, 2), "time_b/bias": (2,),
            },
        ),
        (
            CfCCell(2, mode="pure", backbone_layers=0),
            {"ff1_kernel": (5, 2), "ff1_bias": (2,), "w_tau": (1, 2), "A": (1, 2)},
        ),
        (
            LTCCell(2),
            {"kernel": (5, 2), "bias": (2,), "tau_kernel/kernel": (5, 2), "tau_kernel/bias": (2,)},
        ),
        (
            LTCCell(2, backbone_units=4, backbone_layers=1),
            {
                "backbone_0/kernel": (5, 4), "backbone_0/bias": (4,), "kernel": (4, 2), "bias": (2,),
                "tau_kernel/kernel": (4, 2), "tau_kernel/bias": (2,),
            },
        ),
    ],
    ids=["cfc", "cfc pure", "ltc", "ltc backbone"],
)  # fmt: skip
def test_weights_have_their_names_and_shapes(cell, shapes):
    cell.build((None, 3))
    assert {name: tuple(v.shape) for name, v in weights(cell).items()} == shapes


def test_pure_starts_with_rate_zero_and_amplitude_one():
    cell = CfCCell(2, mode="pure")
    cell.build((None, 3))
    assert np.array_equal(keras.ops.convert_to_numpy(cell.w_tau), [[0, 0]])
    assert np.array_equal(keras.ops.convert_to_numpy(cell.A), [[1, 1]])


@pytest.mark.parametrize("cell_class", [CfCCell, LTCCell])
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("units", 0, ValueError),
        ("units", -3, ValueError),
        ("units", 2.5, TypeError),
        ("units", "3", TypeError),
        ("units", True, TypeError),
        ("units", None, TypeError),
        ("activation", "tahn", ValueError),
        ("activation", 3, TypeError),
        ("backbone_units", 0, ValueError),
        ("backbone_units", None, ValueError),
        ("backbone_units", 2.0, TypeError),
        ("backbone_units", True, TypeError),
        ("backbone_layers", -1, ValueError),
        ("backbone_layers", 1.0, TypeError),
        ("backbone_layers", False, TypeError),
        ("backbone_layers", None, TypeError),
        ("backbone_dropout", -0.1, ValueError),
        ("backbone_dropout", 1.0, ValueError),
        ("backbone_dropout", float("nan"), ValueError),
        ("backbone_dropout", "0.1", TypeError),
        ("backbone_dropout", True, TypeError),
        ("seed", 1.5, TypeError),
        ("seed", -1, ValueError),
        ("seed", "a", TypeError),
    ],
)
def test_a_bad_argument_is_refused_by_name(cell_class, name, value, error):
    arguments = {"units": 4, "backbone_units": 8, "backbone_layers": 1} | {name: value}
    with pytest.raises(error, match=rf"^{cell_class.__name__}\({name}=.*\): {name} must be "):
        cell_class(**arguments)


@pytest.mark.parametrize(
    ("cell_class", "name", "value", "error"),
    [
        (CfCCell, "mode", None, TypeError),
        (CfCCell, "mode", "Default", ValueError),
        (CfCCell, "head_activation", "tahn", ValueError),
        (LTCCell, "solver", "rk4", ValueError),
        (LTCCell, "solver", 1, TypeError),
        (LTCCell, "backbone_activation", "tahn", ValueError),
    ],
)
def test_an_argument_of_one_cell_is_refused_by_name(cell_class, name, value, error):
    with pytest.raises(error, match=rf"^{cell_class.__name__}\({name}=.*\): {name} must be "):
        cell_class(4, **{name: value})


def test_a_refusal_says_what_was_given_and_what_is_allowed():
    with pytest.raises(ValueError) as caught:
        CfCCell(4, mode="prue")
    assert str(caught.value) == "CfCCell(mode=\"prue\"): mode must be one of 'default', 'pure', 'no_gate'"


def test_ltc_refuses_a_backbone_size_without_layers():
    with pytest.raises(ValueError, match="backbone_layers"):
        LTCCell(4, backbone_units=8)


def test_cfc_keeps_a_backbone_size_without_layers():
    cell = CfCCell(4, backbone_units=77, backbone_layers=0)
    assert cell.get_config()["backbone_units"] == 77


def test_numpy_numbers_become_plain_ones():
    config = CfCCell(np.int64(4), backbone_dropout=np.float32(0.5)).get_config()
    assert type(config["units"]) is int
    assert type(config["backbone_dropout"]) is float


CONFIGS = [
    CfCCell(
        3, mode="no_gate", activation="lecun_tanh", backbone_units=6, backbone_layers=2,
        backbone_dropout=0.25, head_activation="linear", seed=5, name="mine",
    ),
    CfCCell(3, mode="pure", activation=lecun_tanh, backbone_units=None, backbone_layers=0),
    LTCCell(
        3, activation="lecun_tanh", backbone_units=6, backbone_layers=2,
        backbone_dropout=0.25, solver="explicit", backbone_activation="relu", seed=5, dtype="mixed_bfloat16",
    ),
    LTCCell(3, activation=None),
]  # fmt: skip


@pytest.mark.parametrize("cell", CONFIGS, ids=lambda cell: cell.name)
def test_the_configuration_is_json_and_gives_the_same_cell_back(cell):
    config = json.loads(json.dumps(cell.get_config()))
    again = type(cell).from_config(config)
    assert again.get_config() == cell.get_config()
    assert again.name == cell.name
    assert again.dtype_policy.name == cell.dtype_policy.name


def test_the_configuration_holds_every_argument():
    assert CONFIGS[0].get_config().items() >= {
        "units": 3, "mode": "no_gate", "activation": "lecun_tanh", "backbone_units": 6, "backbone_layers": 2,
        "backbone_dropout": 0.25, "head_activation": "linear", "seed": 5, "name": "mine",
    }.items()  # fmt: skip
    assert CONFIGS[2].get_config().items() >= {
        "units": 3, "activation": "lecun_tanh", "backbone_units": 6, "backbone_layers": 2,
        "backbone_dropout": 0.25, "solver": "explicit", "backbone_activation": "relu", "seed": 5,
    }.items()  # fmt: skip


def test_cells_and_lecun_tanh_are_registered():
    for thing in (BaseCell, CfCCell, LTCCell, lecun_tanh):
        name = f"ncps>{thing.__name__}"
        assert keras.saving.get_registered_name(thing) == name
        assert keras.saving.get_registered_object(name) is thing


def test_lecun_tanh_has_the_published_constants():
    y = keras.ops.convert_to_numpy(lecun_tanh(np.float32([0.0, 100.0, -100.0, 1e-3])))
    np.testing.assert_allclose(y, [0.0, 1.7159, -1.7159, 1.7159 * 0.666e-3], rtol=1e-6)


def test_a_shape_may_be_a_list_when_built_after_a_reload():
    for shape in ([6, 3], [None, 3], ([None, 3], [None]), [[None, 3], [None, 1]]):
        cell = LTCCell(2)
        cell.build(shape)
        assert cell.kernel.shape == (5, 2)


def test_build_refuses_a_shape_that_is_no_step():
    with pytest.raises(ValueError, match=r"\(batch, features\)"):
        CfCCell(2).build((None, 7, 3))
    with pytest.raises(ValueError, match="must be known"):
        CfCCell(2).build((None, None))


def test_base_cell_says_what_a_subclass_must_define():
    with pytest.raises(NotImplementedError, match="build_heads"):
        BaseCell(2).build((None, 3))


def test_the_package_names_what_it_offers():
    cells = {"BaseCell", "CfCCell", "LTCCell", "MixedMemoryCell", "StackedCells"}
    cells |= {"WiredCfCCell", "WiredLTCCell"}
    assert set(ncps.__all__) == {*cells, "CfC", "LTC", "lecun_tanh"}
