"""The sequence layers: the step folded, Keras's options, arguments, serialisation, training."""

import json

import keras
import numpy as np
import pytest

import ncps
from ncps import LTC, CfC, CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell, WiredLTCCell
from ncps.wirings import AutoNCP, FullyConnected
from tests.ncps.helpers import array
from tests.ncps.sequences import BATCH, CELLS, FEATURES, TIME, T, X, assert_same, by_hand, in_layer


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("options", [{}, {"unroll": True, "go_backwards": True}])
def test_a_sequence_is_the_step_folded(kind, options):
    layer = in_layer(kind, return_sequences=True, return_state=True, **options)
    outputs, *states = layer(X, timespans=T)
    want, last = by_hand(layer.cell, X, T, backwards=layer.go_backwards)
    assert_same(outputs, want)
    for got, state in zip(states, last, strict=True):
        assert_same(got, state)


@pytest.mark.parametrize("kind", CELLS)
def test_without_timespans_each_is_one(kind):
    layer = in_layer(kind)
    want, _ = by_hand(layer.cell, X) if layer(X) is not None else None
    assert_same(layer(X), want[:, -1])
    assert_same(layer(X, timespans=np.ones_like(T)), want[:, -1])


def test_a_given_state_is_the_first():
    layer = CfC(CELLS["two"](), return_sequences=True)
    states = [np.full((BATCH, 3), 0.5, "float32"), np.full((BATCH, 2), -1.0, "float32")]
    got = layer(X, initial_state=states, timespans=T)
    assert_same(got, by_hand(layer.cell, X, T, states=states)[0])
    with pytest.raises(ValueError, match=r"initial_state must be .* \(4, 3\), \(4, 2\); got \(4, 3\)\W"):
        layer(X, initial_state=states[:1])


@pytest.mark.parametrize("kind", ["cfc", "two"])
def test_chunks_of_a_stateful_layer_are_the_whole(kind):
    layer = CfC(CELLS[kind](), return_sequences=True, stateful=True)
    chunks = [array(layer(X[:, part], timespans=T[:, part])) for part in (slice(2), slice(2, None))]
    assert_same(np.concatenate(chunks, axis=1), by_hand(layer.cell, X, T)[0])
    layer.reset_state()
    np.testing.assert_array_equal(array(layer(X[:, :2], timespans=T[:, :2])), chunks[0])
    with pytest.raises(ValueError, match="a batch must have 4 samples, as when built, got 2"):
        layer(X[:2])
    states = [np.zeros((2, size), "float32") for size in layer.cell.state_sizes]
    with pytest.raises(ValueError, match="a batch must have 4 samples, as when built, got 2"):
        layer(X[:2], initial_state=states)


@pytest.mark.usefixtures("trainable_backend")
def test_a_stateful_layer_keeps_its_state_while_training():
    layer = CfC(CELLS["cfc"](), stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(BATCH, TIME, FEATURES)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(X, X[:, 0, :1], epochs=2, shuffle=False, batch_size=BATCH, verbose=0)
    _, first = by_hand(layer.cell, X)
    _, (second,) = by_hand(layer.cell, X, states=first)
    assert_same(layer.states[0].value, second)
    assert len(layer.weights) == len(layer.cell.weights)


def test_the_first_argument_is_units_a_cell_or_a_wiring():
    assert isinstance(CfC(8).cell, CfCCell)
    assert isinstance(LTC(np.int64(8), solver="explicit").cell, LTCCell)
    assert CfC(8, mode="pure", backbone_units=3, seed=1).cell.get_config()["backbone_units"] == 3
    cell = LTCCell(3, dtype="float64")
    assert LTC(cell).cell is cell
    assert LTC(cell).compute_dtype == "float64"
    assert CfC(8, dtype="mixed_float16").cell.dtype_policy.name == "mixed_float16"
    assert isinstance(CfC(AutoNCP(8, 2), sparse_time_heads=False).cell, WiredCfCCell)
    wired = LTC(AutoNCP(8, 2), ode_unfolds=3, mixed_memory=True)
    assert isinstance(wired.cell, MixedMemoryCell)
    assert isinstance(wired.cell.cell, WiredLTCCell)
    assert wired.cell.cell.ode_unfolds == 3
    assert LTC.from_config(wired.get_config()).get_config() == wired.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: CfC(CfCCell(3), mode="pure"),
            "mode must be given to the CfCCell itself",
        ),
        (
            lambda: CfC(CfCCell(3), dtype="float64"),
            "dtype must be left out, or that of the cell",
        ),
        (lambda: CfC(3, mode="prue"), r'CfCCell\(mode="prue"\)'),
        (lambda: CfC(0), r"CfCCell\(units=0\)"),
        (lambda: CfC([CfCCell]), "cells must be a list of cells of this package, not built yet"),
        (lambda: CfC(keras.layers.LSTMCell(3)), "units must be an integer, a wiring or a cell of ncps"),
        (lambda: CfC(3, masked_time="hold"), r"masked_time must be one of 'drop', 'carry'"),
        (lambda: LTC(3, time_feature=1), "time_feature"),
        (lambda: LTC(3, mixed_memory="yes"), "mixed_memory"),
        (
            lambda: CfC(CELLS["ltc"]()),
            r"CfC\(units=<LTCCell .*\): units must be .*; a LTCCell goes into ncps\.LTC",
        ),
        (lambda: LTC(CELLS["wired_cfc"]()), r"a WiredCfCCell goes into ncps\.CfC"),
        (lambda: CfC(CELLS["mixed"]()), r"CfC\(units=<MixedMemoryCell .* a LTCCell goes into ncps\.LTC"),
        (lambda: LTC(CELLS["cfc"](), mixed_memory=True), r"a CfCCell goes into ncps\.CfC"),
        (lambda: LTC(3, epsilon=1), "epsilon must be left out with a number of units: a LTCCell has none"),
        (lambda: CfC(AutoNCP(8, 2), backbone_units=3), "left out with a wiring: a WiredCfCCell has none"),
    ],
)
def test_a_bad_argument_is_refused_by_name(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


class MyLTCCell(LTCCell):
    """A user's own, of a family."""


def test_a_cell_of_the_family_or_of_none_is_taken():
    for layer, kind in (
        (LTC, MyLTCCell),
        (CfC, lambda units: CELLS["two"]()),
        (LTC, lambda units: CELLS["two"]()),
    ):
        for cell in (kind(3), kind(3)):
            assert layer(cell).cell is cell
    cell = MixedMemoryCell(MyLTCCell(3))
    assert LTC(cell).cell is cell


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: CfC(32, backbone_unit=64),
            "CfC(backbone_unit=64): there is no argument 'backbone_unit'; did you mean 'backbone_units'?",
        ),
        (
            lambda: LTC(AutoNCP(8, 2), epsilom=1),
            "LTC(epsilom=1): there is no argument 'epsilom'; did you mean 'epsilon'?",
        ),
        (
            lambda: LTC(3, return_sequence=True),
            "LTC(return_sequence=True): there is no argument 'return_sequence'; "
            "did you mean 'return_sequences'?",
        ),
        (
            lambda: ncps.layers.Bidirectional(CfC(3), merge_mod="sum"),
            "Bidirectional(merge_mod=\"sum\"): there is no argument 'merge_mod'; did you mean 'merge_mode'?",
        ),
        (
            lambda: CfCCell(3, head_activaton=None),
            "CfCCell(head_activaton=None): there is no argument 'head_activaton'; "
            "did you mean 'head_activation'?",
        ),
        (
            lambda: WiredLTCCell(AutoNCP(8, 2), ode_unfold=3),
            "WiredLTCCell(ode_unfold=3): there is no argument 'ode_unfold'; did you mean 'ode_unfolds'?",
        ),
        (
            lambda: MixedMemoryCell(CfCCell(3), dtyp="float16"),
            "MixedMemoryCell(dtyp=\"float16\"): there is no argument 'dtyp'; did you mean 'dtype'?",
        ),
        (
            lambda: MixedMemoryCell(CfCCell(3), size=3),
            "MixedMemoryCell(size=3): there is no argument 'size'; there are activity_regularizer, autocast, "
            "bias_constraint, bias_initializer, bias_regularizer, cell, dtype, kernel_constraint, "
            "kernel_initializer, kernel_regularizer, name, recurrent_constraint, recurrent_initializer, "
            "recurrent_regularizer, trainable",
        ),
    ],
)
def test_a_slip_of_the_pen_in_a_name_is_told(make, message):
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message


def test_what_keras_refuses_for_another_reason_is_told_as_it_is():
    with pytest.raises(ValueError, match="float31") as caught:
        CfCCell(3, dtype="float31", unit=3)
    assert "there is no argument" not in str(caught.value)
    with (
        pytest.warns(UserWarning, match="input_shape"),  # which Keras takes
        pytest.raises(ValueError, match=r"there is no argument 'unit'; did you mean 'units'\?"),
    ):
        CfCCell(3, input_shape=(2,), unit=3)


class Stretched(CfC):
    """A user's own, which takes an argument of its own out of the others."""

    def __init__(self, units, **kwargs):
        self.stretch = kwargs.pop("stretch", 1.0)
        super().__init__(units, **kwargs)


def test_a_subclass_may_take_arguments_of_its_own():
    assert Stretched(3, stretch=2.0).stretch == 2.0
    with pytest.raises(ValueError, match=r"^Stretched\(backbone_layer=2\): .* 'backbone_layers'"):
        Stretched(3, stretch=2.0, backbone_layer=2)


def test_what_keras_refuses_by_itself_keeps_its_words():
    with pytest.raises(ValueError, match="`name`"):
        CfCCell(3, name="a/b")


def test_times_in_the_place_of_the_state_are_told_from_it():
    for call in (CfC(8), ncps.layers.Bidirectional(CfC(8))):
        with pytest.raises(ValueError, match=r"initial_state must be .* shape \(?.*4, 5\); .*timespans="):
            call(X, T)
        with pytest.raises(ValueError, match=r"initial_state must be .*timespans="):
            call(keras.Input((TIME, FEATURES)), keras.Input((TIME,)))


@pytest.mark.parametrize(
    ("times", "what"),
    [
        (T.T.tolist(), r"a list of shape \(5, 4\); numpy.asarray makes an array of it"),
        ([[1.0], [1.0, 2.0]], "a list of 2 parts that make no array"),
    ],
)
def test_times_in_a_list_are_told_by_their_shape(times, what):
    with pytest.raises(TypeError, match=rf"^CfC: timespans must be a tensor .*, got {what}\Z"):
        CfC(8)(X, timespans=times)
    cell = CfCCell(8)
    with pytest.raises(TypeError, match=rf"^CfCCell: t must be .*, got {what}\Z"):
        cell((X[:, 0], times), cell.get_initial_state(4))


@pytest.mark.parametrize(
    ("shape", "message"),
    [((4, 3), "sequences must have shape"), ((4, 0, 3), "at least one step"), ((4, 5, None), "features")],
)
def test_a_bad_shape_is_refused_by_name(shape, message):
    with pytest.raises(ValueError, match=message):
        CfC(3).build(shape)


def test_an_empty_sequence_is_refused():
    with pytest.raises(ValueError, match="at least one step"):
        CfC(3)(X[:, :0])


OPTIONS = {
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "stateful": True,
    "unroll": True,
    "zero_output_for_mask": True,
    "time_feature": True,
    "masked_time": "carry",
    "dtype": "float64",
    "name": "liquid",
    "trainable": False,
}


def test_the_config_holds_every_argument():
    layer = LTC(7, solver="explicit", **OPTIONS)
    config = json.loads(json.dumps(layer.get_config()))
    again = LTC.from_config(config)
    assert again.get_config() == layer.get_config()
    assert again.cell.solver == "explicit"
    for name, value in OPTIONS.items():
        got = again.dtype_policy.name if name == "dtype" else getattr(again, name)
        assert got == value, name


def test_a_saved_model_keeps_everything(tmp_path):
    x, t = keras.Input((None, FEATURES)), keras.Input((None, 1))
    y = CfC(4, backbone_units=6, return_sequences=True, masked_time="carry")(
        keras.layers.Masking()(x), timespans=t
    )
    y = ncps.layers.Bidirectional(LTC(CELLS["wired_ltc"](), return_sequences=True))(y, timespans=t)
    y = LTC(4, mixed_memory=True)(y, timespans=t)
    model = keras.Model([x, t], y)
    arrays = [np.where(np.arange(TIME)[:, None] == 2, 0, X).astype("float32"), T[:, :, None]]
    want = model.predict(arrays, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(arrays, verbose=0), want)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(arrays, verbose=0), want)


@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"return_state": True}])
def test_symbolic_and_computed_shapes_are_the_real_ones(options):
    layer = CfC(CELLS["two"](), **options)
    real = layer(X, timespans=T)
    symbolic = layer(keras.Input(batch_shape=X.shape), timespans=keras.Input(batch_shape=T.shape))
    computed = layer.compute_output_shape(X.shape, timespans_shape=T.shape)
    if "return_state" not in options:
        real, symbolic, computed = [real], [symbolic], [computed]
    assert [tuple(a.shape) for a in symbolic] == [tuple(a.shape) for a in real] == list(computed)


def test_a_model_of_unknown_batch_and_time_runs_at_any_size():
    x, t = keras.Input((None, FEATURES)), keras.Input((None,))
    layer = CfC(CELLS["cfc"]())
    model = keras.Model([x, t], layer(x, timespans=t))
    for batch, time in ((4, 5), (1, 1)):
        got = model.predict([X[:batch, :time], T[:batch, :time]], verbose=0)
        assert_same(got, by_hand(layer.cell, X[:batch, :time], T[:batch, :time])[0][:, -1])


@pytest.mark.usefixtures("random_backend")
def test_a_dropout_mask_holds_for_a_sequence():
    """With a cell that forgets its state, equal samples give equal outputs if and only if the mask is one."""
    layer = CfC(8, backbone_units=32, backbone_dropout=0.5, return_sequences=True, seed=1)
    x = np.repeat(X[:1, :1], TIME, axis=1)
    layer.build(x.shape)
    kernel = layer.cell.backbone[0].kernel
    kernel.assign(np.concatenate([array(kernel)[:FEATURES], np.zeros((8, 32))]).astype("float32"))
    one, two = array(layer(x, training=True)), array(layer(x, training=True))
    np.testing.assert_allclose(one, np.repeat(one[:, :1], TIME, axis=1), rtol=1e-5)
    assert np.abs(one - two).max() > 1e-3
    assert np.abs(one - array(layer(x))).max() > 1e-3


@pytest.mark.usefixtures("trainable_backend")
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_model_trains_and_every_weight_moves(policy):
    x, t = keras.Input((TIME, FEATURES)), keras.Input((TIME,))
    y = CfC(4, backbone_units=6, backbone_dropout=0.2, return_sequences=True, dtype=policy)(x, timespans=t)
    y = LTC(4, dtype=policy)(y, timespans=t)
    model = keras.Model([x, t], keras.layers.Dense(1)(y))
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    before = [array(v) for v in model.trainable_variables]
    model.fit([X, T], X[:, 0, :1], epochs=3, batch_size=BATCH, verbose=0)
    for old, variable in zip(before, model.trainable_variables, strict=True):
        now = array(variable)
        assert np.isfinite(now).all() and (old != now).any(), variable.path


@pytest.mark.parametrize("features", [1, 2, 5])
def test_another_number_of_features_than_when_built_is_refused(features):
    layer = LTC(FullyConnected(3))
    layer(np.ones((1, 2, 3), "float32"))
    with pytest.raises(ValueError, match="sequences must have 3 features, as when built"):
        layer(np.ones((1, 2, features), "float32"))


def test_a_long_time_as_a_feature_is_held_in_half_precision():
    layer = LTC(4, time_feature=True, dtype="mixed_float16")
    x = np.ones((1, 2, 3), "float32")
    x[..., -1] = 7e4
    assert np.isfinite(keras.ops.convert_to_numpy(layer(x))).all()


@keras.saving.register_keras_serializable(package="ncps_tests")
class Scaled(CfC):
    """A layer with an argument and a call of its own."""

    def __init__(self, units, scale=1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.scale = scale

    def call(
        self,
        sequences,
        initial_state=None,
        mask=None,
        training=False,
        *,
        timespans=None,
        sequences_mask=None,
    ):
        others = {"timespans": timespans, "sequences_mask": sequences_mask}
        return self.scale * super().call(sequences, initial_state, mask, training, **others)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def test_a_subclass_with_a_call_of_its_own_is_saved(tmp_path):
    x, t = keras.Input((TIME, FEATURES)), keras.Input((TIME,))
    layer = Scaled(4, scale=3.0)
    model = keras.Model([x, t], layer(x, timespans=t))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert_same(again([X, T]), array(model([X, T])))
    plain = CfC(layer.cell)
    assert_same(again([X, T]), 3.0 * array(plain(X, timespans=T)))


@pytest.mark.usefixtures("trainable_backend")
def test_batches_of_named_inputs_train_by_the_weights_of_their_steps():
    """Batches as a data loader gives them; what the targets are where the weight is 0 must not matter."""

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            inputs = {"samples": X, "elapsed": T}
            targets = np.zeros((BATCH, TIME, 4), "float32")
            targets[:, -1] = self.last
            weights = np.ones((BATCH, TIME), "float32")
            weights[:, -1] = 0.0
            return inputs, targets, weights

    trained = []
    for last in (0.0, 100.0):
        keras.utils.set_random_seed(1)
        x, t = keras.Input((TIME, FEATURES), name="samples"), keras.Input((TIME,), name="elapsed")
        model = keras.Model([x, t], CfC(4, return_sequences=True)(x, timespans=t))
        before = [array(w) for w in model.weights]
        model.compile(keras.optimizers.SGD(0.1), "mse")
        batches = Batches()
        batches.last = last
        model.fit(batches, verbose=0)
        trained.append([array(w) for w in model.weights])
    assert all((a != b).any() for a, b in zip(before, trained[0], strict=True))
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)
