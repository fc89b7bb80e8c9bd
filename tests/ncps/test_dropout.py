"""Backbone dropout: one mask a sequence and layer inside RNN, new ones by hand, none at inference."""

import keras
import numpy as np
import pytest

from ncps import CfCCell, LTCCell
from tests.ncps.helpers import array, built, step

RATE = 0.5
ONES = np.ones((16, 5, 3), "float32")
H = np.zeros((16, 8), "float32")


def mask_cell(layers=1, seed=3):
    """Return a cell whose output is the product of its masks, to three digits: d = z and tau is exp(-9)."""
    cell = LTCCell(
        8, activation="linear", backbone_units=8, backbone_layers=layers, backbone_dropout=RATE,
        backbone_activation="linear", seed=seed,
    )  # fmt: skip
    kernels = {f"backbone_{i}__kernel": np.eye(8) for i in range(1, layers)}
    return built(cell, 3, backbone_0__bias=1.0, kernel=np.eye(8), tau_kernel__bias=-9.0, **kernels)


def masks_of(outputs):
    """Return the outputs as whole numbers: 0 where dropped, 1 / (1 - rate) = 2 where kept."""
    rounded = np.round(outputs)
    np.testing.assert_allclose(outputs, rounded, atol=5e-3)
    return rounded


def sequence(cell, training=True):
    return array(keras.layers.RNN(cell, return_sequences=True)(ONES, training=training))


@pytest.mark.usefixtures("random_backend")
def test_rnn_holds_a_mask_over_the_steps_of_a_sequence_and_draws_the_next_anew():
    layer = keras.layers.RNN(mask_cell(), return_sequences=True)
    first = masks_of(array(layer(ONES, training=True)))
    second = masks_of(array(layer(ONES, training=True)))
    assert set(np.unique(first)) == {0.0, 2.0}
    assert (first == first[:, :1]).all()
    assert (second == second[:, :1]).all()
    assert (first != second).any()


def test_samples_of_a_batch_have_masks_of_their_own():
    masks = masks_of(sequence(mask_cell()))[:, 0]
    assert len({tuple(mask) for mask in masks}) > 8


@pytest.mark.usefixtures("random_backend")
def test_each_backbone_layer_has_a_mask_of_its_own():
    kept = (
        masks_of(sequence(mask_cell(layers=2)))[:, 0] > 0
    )  # one mask for both would keep a half, two a quarter
    assert 0.1 < kept.mean() < 0.4


@pytest.mark.usefixtures("random_backend")
def test_cells_of_a_stack_draw_their_masks():
    stack = keras.layers.RNN([LTCCell(3), mask_cell()], return_sequences=True)
    masks = masks_of(array(stack(ONES, training=True)))
    assert set(np.unique(masks)) == {0.0, 2.0}
    assert (masks == masks[:, :1]).all()


@pytest.mark.usefixtures("random_backend")
def test_a_cell_called_by_hand_draws_afresh_for_any_batch_size():
    cell = mask_cell()
    first, second = (masks_of(step(cell, ONES[:, 0], H, training=True)) for _ in range(2))
    assert set(np.unique(first)) == {0.0, 2.0}
    assert (first != second).any()
    assert step(cell, ONES[:5, 0], H[:5], training=True).shape == (5, 8)


def test_a_sequence_that_failed_leaves_no_mask_behind():
    cell = mask_cell()
    with pytest.raises(ValueError, match="3 features"):
        cell.get_dropout_mask(np.ones((16, 4), "float32"))
    assert step(cell, ONES[:5, 0], H[:5], training=True).shape == (5, 8)


@pytest.mark.usefixtures("random_backend")
@pytest.mark.parametrize("kwargs", [{"initial_state": H[:, :3]}, {"mask": np.ones((7, 5), bool)}])
def test_a_sequence_that_failed_on_its_way_leaves_no_mask_behind(kwargs):
    cell = mask_cell()
    layer = keras.layers.RNN(cell)
    layer(ONES)
    with pytest.raises(Exception):  # noqa: B017 every backend has its own
        layer(ONES, training=True, **kwargs)
    first, second = (masks_of(step(cell, ONES[:, 0], H, training=True)) for _ in range(2))
    assert (first != second).any()
    assert step(cell, ONES[:5, 0], H[:5], training=True).shape == (5, 8)
    assert set(np.unique(masks_of(sequence(cell)))) == {0.0, 2.0}


@pytest.mark.usefixtures("trainable_backend")
def test_a_program_that_failed_to_be_traced_leaves_no_mask_behind():
    cell = mask_cell()
    layer = keras.layers.RNN(cell)
    model = keras.Sequential([keras.Input((5, 3)), layer])
    model.compile("sgd", "mse")
    model.train_on_batch(ONES, H)
    advance, cell.advance = cell.advance, lambda heads, h, t: 1 / 0
    with pytest.raises(ZeroDivisionError):
        model.train_on_batch(ONES[:7], H[:7])  # another size, another program
    cell.advance = advance
    assert step(cell, ONES[:, 0], H, training=True).shape == (16, 8)
    assert np.isfinite(model.train_on_batch(ONES[:7], H[:7]))


def test_inference_drops_nothing_and_changes_no_weight():
    cell = mask_cell()
    before = [array(v) for v in cell.trainable_variables]
    np.testing.assert_array_equal(masks_of(sequence(cell, training=False)), np.ones((16, 5, 8)))
    np.testing.assert_array_equal(masks_of(step(cell, ONES[:, 0], H)), np.ones((16, 8)))
    for old, variable in zip(before, cell.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, array(variable))


def test_the_seed_reproduces_the_masks():
    np.testing.assert_array_equal(sequence(mask_cell(seed=11)), sequence(mask_cell(seed=11)))
    assert (masks_of(sequence(mask_cell(seed=11))) != masks_of(sequence(mask_cell(seed=12)))).any()


@pytest.mark.parametrize(
    "cell", [CfCCell(4, backbone_dropout=0.0), CfCCell(4, backbone_layers=0), LTCCell(4)]
)
def test_a_cell_without_dropout_has_no_generator_and_trains_as_it_predicts(cell):
    cell.build((None, 3))
    assert len(cell.variables) == len(cell.trainable_variables)
    x, h = ONES[:2, 0], np.zeros((2, 4), "float32")
    np.testing.assert_array_equal(step(cell, x, h, training=True), step(cell, x, h))
