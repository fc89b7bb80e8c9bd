"""A step folded over time, by the loop that each backend runs best."""

from itertools import repeat

import keras
from keras import ops


def fold(advance, carry, inputs, *, reverse=False, unroll=False, collect=True):
    """`carry = advance(inputs of one step, carry)` for each step.

    Args:
        advance: Function of one step's inputs and the carry, without side effects.
        carry: List of tensors. `advance` returns one of the same shapes and dtypes.
        inputs: Tensor `(time, batch, ...)`, None, or a tuple of these, nested at will. A step is given the
            same, without the time axis.
        reverse: Whether to begin at the end of time.
        unroll: Whether to lay all steps out in the program, instead of a loop; time must be known.
        collect: Whether to keep the first tensor of every step's carry.

    Returns:
        The last carry, and the first tensors of all, `(time, batch, ...)` in the order in which they were
        computed; None unless `collect`.
    """
    loop = _plain if unroll else LOOPS.get(keras.backend.backend(), _plain)
    return loop(advance, carry, inputs, reverse, collect)


def swapped(x):
    """`x` with batch and time in each other's place; None as it is."""
    return None if x is None else ops.swapaxes(x, 0, 1)


def each(function, inputs):
    """`function` of each tensor of a nest of tuples, whose Nones are kept."""
    if isinstance(inputs, tuple):
        return tuple(each(function, x) for x in inputs)
    return None if inputs is None else function(inputs)


def _plain(advance, carry, inputs, reverse, collect):
    outputs = []
    for step in _steps(inputs, reverse):
        carry = advance(step, carry)
        if collect:
            outputs.append(carry[0])
    return carry, ops.stack(outputs, axis=0) if collect else None


def _steps(inputs, reverse):
    """An iterator of the inputs of each step, in running order."""
    if inputs is None:
        return repeat(None)
    if isinstance(inputs, tuple):
        return zip(*(_steps(x, reverse) for x in inputs), strict=False)  # a None has no end
    steps = ops.unstack(inputs, axis=0)
    return reversed(steps) if reverse else iter(steps)


def _jax(advance, carry, inputs, reverse, collect):
    import jax

    def body(carry, step):
        carry = advance(step, carry)
        return carry, carry[0] if collect else None

    carry, outputs = jax.lax.scan(body, carry, inputs, reverse=reverse)
    return carry, outputs[::-1] if reverse and collect else outputs


def _tensorflow(advance, carry, inputs, reverse, collect):
    import tensorflow as tf

    def array(x):
        return tf.TensorArray(x.dtype, size=tf.shape(x)[0]).unstack(x[::-1] if reverse else x)

    arrays = each(array, inputs)
    steps = _first(arrays).size()
    outputs = tf.TensorArray(carry[0].dtype, size=steps if collect else 0, element_shape=carry[0].shape)

    def body(k, outputs, carry):
        carry = advance(each(lambda a: a.read(k), arrays), carry)
        return k + 1, outputs.write(k, carry[0]) if collect else outputs, carry

    _, outputs, carry = tf.while_loop(
        lambda k, *_: k < steps, body, (0, outputs, carry), maximum_iterations=steps
    )
    if not collect:
        return carry, None
    return carry, _known_time(outputs.stack(), _first(inputs).shape[0])


def _first(inputs):
    """The first tensor of a nest of tuples."""
    return _first(inputs[0]) if isinstance(inputs, tuple) else inputs


def _known_time(outputs, time):
    """`outputs` with what is known of their time axis: a stack of a TensorArray has forgotten it."""
    outputs.set_shape([time, *outputs.shape[1:]])
    return outputs


LOOPS = {"jax": _jax, "tensorflow": _tensorflow}
