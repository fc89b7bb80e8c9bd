"""Arguments that Keras users know: of weights, as attributes of a layer, and in its signature."""

import inspect

import keras
import numpy as np
import pytest

from ncps import LTC, CfC, CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell, WiredLTCCell
from ncps.wirings import AutoNCP
from tests.ncps.helpers import array, weights
from tests.ncps.sequences import FEATURES, X

ROLES = ("initializer", "regularizer", "constraint")
DENSE = {
    "cfc": lambda **k: CfCCell(4, backbone_units=5, backbone_layers=2, **k),
    "pure": lambda **k: CfCCell(4, mode="pure", backbone_units=5, **k),
    "ltc": lambda **k: LTCCell(4, backbone_units=5, backbone_layers=2, **k),
}
OPTIONS = {
    "kernel_initializer": keras.initializers.RandomUniform(1.0, 2.0, seed=3),
    "bias_initializer": keras.initializers.RandomUniform(3.0, 4.0, seed=3),
    "kernel_regularizer": keras.regularizers.L2(0.5),
    "bias_regularizer": "l1",
    "kernel_constraint": "max_norm",
    "bias_constraint": keras.constraints.NonNeg(),
}


def built(cell):
    cell.build((None, FEATURES))
    return weights(cell)


def of_kind(parameters, kind):
    return {path: v for path, v in parameters.items() if path.endswith(kind)}


@pytest.mark.parametrize("kind", DENSE)
def test_options_reach_every_kernel_and_every_bias(kind, tmp_path):
    cell = DENSE[kind](**OPTIONS)
    parameters = built(cell)
    kernels, biases = of_kind(parameters, "kernel"), of_kind(parameters, "bias")
    assert len(kernels) == len(biases) > 1
    for low, variables in ((1.0, kernels), (3.0, biases)):
        for variable in variables.values():
            assert np.all((array(variable) >= low) & (array(variable) <= low + 1.0))
    for variable in kernels.values():
        assert isinstance(variable.regularizer, keras.regularizers.L2)
        assert isinstance(variable.constraint, keras.constraints.MaxNorm)
    for variable in biases.values():
        assert isinstance(variable.regularizer, keras.regularizers.L1)
        assert isinstance(variable.constraint, keras.constraints.NonNeg)
    for name in {"w_tau", "A"} & set(parameters):
        assert parameters[name].regularizer is None and parameters[name].constraint is None
    assert len(cell.losses) == len(kernels) + len(biases)


@pytest.mark.parametrize("seed", [None, 5])
def test_no_two_weights_begin_alike(seed):
    """Keras draws the same values from one initializer however often it is called."""
    cell = CfCCell(4, backbone_layers=0, kernel_initializer=keras.initializers.GlorotUniform(seed=seed))
    kernels = [array(v) for v in of_kind(built(cell), "kernel").values()]
    assert len(kernels) == 4
    for i, kernel in enumerate(kernels):
        assert all(not np.array_equal(kernel, other) for other in kernels[:i])


def test_an_initializer_that_goes_on_by_itself_or_draws_nothing_is_used_as_it_is():
    generator = keras.random.SeedGenerator(1)
    initializer = keras.initializers.GlorotUniform(seed=generator)
    kernels = built(CfCCell(4, backbone_layers=0, kernel_initializer=initializer))
    assert not np.array_equal(array(kernels["ff1_kernel"]), array(kernels["ff2_kernel"]))

    class Full(keras.initializers.Initializer):
        def __init__(self, value=0.0):
            self.value = value

        def __call__(self, shape, dtype=None):
            return keras.ops.full(shape, self.value, dtype=dtype)

    assert np.all(array(built(CfCCell(4, kernel_initializer=Full(2.0)))["ff1_kernel"]) == 2.0)


def test_a_seed_gives_the_same_weights_again():
    make = lambda: CfCCell(4, kernel_initializer=keras.initializers.GlorotUniform(seed=5))  # noqa: E731
    first, second = built(make()), built(make())
    for path, variable in of_kind(first, "kernel").items():
        np.testing.assert_array_equal(array(variable), array(second[path]))


@pytest.mark.parametrize("kind", [*DENSE, "mixed"])
def test_options_are_kept_in_the_config_and_loaded(kind, tmp_path):
    recurrent = {"recurrent_initializer": "zeros", "recurrent_regularizer": keras.regularizers.L2(0.25)}
    cell = MixedMemoryCell(LTCCell(4), **OPTIONS, **recurrent) if kind == "mixed" else DENSE[kind](**OPTIONS)
    again = type(cell).from_config(cell.get_config())
    assert again.get_config() == cell.get_config()
    model = keras.Sequential([keras.Input((None, FEATURES)), keras.layers.RNN(cell)])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[-1].cell
    assert loaded.get_config() == cell.get_config()
    assert len(loaded.losses) == len(cell.losses) > 0


def test_the_memory_has_options_of_its_own():
    layer = CfC(
        4,
        mixed_memory=True,
        kernel_initializer="zeros",
        recurrent_initializer="ones",
        recurrent_constraint="non_neg",
    )
    layer.build(X.shape)
    memory = layer.cell
    assert not array(memory.input_kernel).any() and not array(memory.cell.ff1_kernel).any()
    assert np.all(array(memory.recurrent_kernel) == 1.0)
    assert isinstance(memory.recurrent_kernel.constraint, keras.constraints.NonNeg)
    given = CfC(CfCCell(4), mixed_memory=True, recurrent_initializer="ones", kernel_initializer="zeros")
    given.build(X.shape)
    assert np.all(array(given.cell.recurrent_kernel) == 1.0) and array(given.cell.cell.ff1_kernel).any()
    wired = CfC(AutoNCP(8, 2), mixed_memory=True, kernel_initializer="zeros")  # which the wired cell has not
    wired.build(X.shape)
    assert not array(wired.cell.input_kernel).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: CfCCell(3, kernel_initializer="glorot"),
            r'kernel_initializer="glorot"\).*Keras initializer',
        ),
        (lambda: LTCCell(3, bias_regularizer=3), r"bias_regularizer=3\).*Keras regularizer"),
        (lambda: LTCCell(3, bias_initializer=None), "bias_initializer must be a Keras initializer"),
        (lambda: CfC(3, kernel_constraint="no"), "kernel_constraint must be a Keras constraint"),
        (lambda: CfC(3, recurrent_initializer="zeros"), "must be left out, or given with mixed_memory=True"),
        (lambda: CfC(AutoNCP(8, 2), kernel_initializer="zeros"), "kernel_initializer must be left out"),
        (lambda: CfC(CfCCell(3), mode="default"), "mode must be given to the CfCCell itself"),
    ],
)
def test_options_that_are_none_are_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_layer_tells_what_its_cell_is():
    layer = CfC(8, mode="pure", activation="relu", backbone_units=3, seed=4)
    assert (layer.units, layer.mode, layer.backbone_units, layer.seed) == (8, "pure", 3, 4)
    assert layer.activation is keras.activations.relu
    wired = LTC(AutoNCP(8, 2), solver="rk4", ode_unfolds=3)
    assert wired.wiring is wired.cell.wiring and (wired.solver, wired.ode_unfolds) == ("rk4", 3)
    assert LTC(4, mixed_memory=True, solver="explicit").solver == "explicit"
    assert not hasattr(CfC(8), "wiring") and not hasattr(wired, "units")
    assert CfC.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("layer", "dense", "wired"), [(CfC, CfCCell, WiredCfCCell), (LTC, LTCCell, WiredLTCCell)]
)
def test_the_signature_has_the_arguments_of_the_cells_and_of_keras(layer, dense, wired):
    shown = inspect.signature(layer).parameters
    for kind in (MixedMemoryCell, wired, dense, keras.layers.RNN):
        for name, parameter in list(inspect.signature(kind).parameters.items())[1:]:
            if parameter.kind is not parameter.VAR_KEYWORD:
                assert shown[name].default == parameter.default, name
                assert shown[name].kind is parameter.KEYWORD_ONLY
    assert "units" in shown


def test_keras_switches_stay_on_keras_terms():
    assert CfC(3, activity_regularizer="l2").activity_regularizer is not None
    with pytest.raises(TypeError, match="unroll"):
        CfC(3, unroll=4)
