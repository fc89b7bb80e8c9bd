"""What several test files need: cells with chosen weights, and arrays."""

import doctest

import keras
import numpy as np
from keras import ops

LN2, LN3 = float(np.log(2.0)), float(np.log(3.0))


def array(tensor):
    """Return `tensor` as a NumPy array of float64."""
    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")), dtype="float64")


def weights(cell):
    """Return the trainable variables of a built cell, by their path inside it."""
    return {v.path.split("/", 1)[1]: v for v in cell.trainable_variables}


def built(cell, features, **values):
    """Build `cell` for `features`, every weight zero but those in `values` (`/` written `__`)."""
    cell.build((None, features))
    named = weights(cell)
    for variable in named.values():
        variable.assign(np.zeros(variable.shape))
    for name, value in values.items():
        variable = named[name.replace("__", "/")]
        variable.assign(np.broadcast_to(np.asarray(value, dtype="float32"), variable.shape))
    return cell


def step(cell, x, h, t=None, **kwargs):
    """Return the output of one step, checked to be the new state, as a NumPy array."""
    x, h = np.asarray(x, dtype="float32"), np.asarray(h, dtype="float32")
    output, (state,) = cell(x if t is None else (x, t), [h], **kwargs)
    np.testing.assert_array_equal(array(output), array(state))
    return array(output)


def trained(cell, features, learning_rate=0.1, steps=4):
    """Return the values of a built cell's weights, by path, before and after gradient descent on noise."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(8, steps, features)).astype("float32")
    model = keras.Sequential([keras.Input((steps, features)), keras.layers.RNN(cell)])
    before = {name: array(v) for name, v in weights(cell).items()}
    model.compile(keras.optimizers.SGD(learning_rate), "mse")
    model.fit(x, rng.normal(size=(8, cell.output_size)).astype("float32"), epochs=2, verbose=0)
    return before, {name: array(v) for name, v in weights(cell).items()}


def check_examples(thing):
    """Run the examples in the docstring of `thing`."""
    examples = doctest.DocTestParser().get_examples(thing.__doc__)
    assert examples
    exec("".join(example.source for example in examples), {})


def check_reloaded(cell, features, path):
    """Assert that a model with the cell, forwards and backwards, loads with the outputs it was saved with."""
    model = keras.Sequential(
        [keras.Input((None, features)), keras.layers.Bidirectional(keras.layers.RNN(cell), name="both")]
    )
    model.save(path)
    again = keras.models.load_model(path)
    x = np.random.default_rng(4).normal(size=(3, 5, features)).astype("float32")
    np.testing.assert_array_equal(array(again(x)), array(model(x)))
    assert again.get_layer("both").forward_layer.cell.get_config() == cell.get_config() | {
        "name": again.get_layer("both").forward_layer.cell.name
    }
