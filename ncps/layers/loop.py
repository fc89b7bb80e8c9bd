"""The loop over time: a step folded by the loop that is fastest on each backend."""

from itertools import repeat

import keras
from keras import ops


def fold(advance, carry, inputs, *, reverse=False, unroll=False, collect=1):
    """Compute `carry = advance(inputs of one step, carry)` for each step.

    Args:
        advance: Function of one step's inputs and the carry, without side effects.
        carry: List of tensors. `advance` returns one of the same shapes and dtypes.
        inputs: Tensor `(time, batch, ...)`, None, or a tuple of these, nested to any depth. A step gets the
            same structure, without the time axis.
        reverse: Whether to run from the last step to the first.
        unroll: Whether to unroll the loop; the number of steps must be known.
        collect: Number of tensors of each step's carry to keep, from the first on.

    Returns:
        The last carry, and a list of as many tensors as `collect`: those of all steps, `(time, batch, ...)`
        in the order in which they were computed.
    """
    loop = _plain if unroll else LOOPS.get(keras.backend.backend(), _plain)
    return loop(advance, carry, inputs, reverse, collect)


def swapped(x):
    """Swap the batch and time axes of `x`; return None for None."""
    return None if x is None else ops.swapaxes(x, 0, 1)


def each(function, inputs):
    """Apply `function` to each tensor of nested tuples; keep None."""
    if isinstance(inputs, tuple):
        return tuple(each(function, x) for x in inputs)
    return None if inputs is None else function(inputs)


def _plain(advance, carry, inputs, reverse, collect):
    kept = []
    for step in _steps(inputs, reverse):
        carry = advance(step, carry)
        kept.append(carry[:collect])
    return carry, [ops.stack(steps, axis=0) for steps in zip(*kept, strict=True)]


def _steps(inputs, reverse):
    """Return an iterator over the inputs of each step, in running order."""
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
        return carry, carry[:collect]

    carry, outputs = jax.lax.scan(body, carry, inputs, reverse=reverse)
    return carry, [steps[::-1] for steps in outputs] if reverse else outputs


def _tensorflow(advance, carry, inputs, reverse, collect):
    import tensorflow as tf

    def array(x):
        return tf.TensorArray(x.dtype, size=tf.shape(x)[0]).unstack(x[::-1] if reverse else x)

    arrays = each(array, inputs)
    steps = _first(arrays).size()
    # One for each tensor to keep, none of size 0: XLA cannot differentiate a loop that carries such a one.
    outputs = [tf.TensorArray(x.dtype, size=steps, element_shape=x.shape) for x in carry[:collect]]

    def body(k, outputs, carry):
        carry = advance(each(lambda a: a.read(k), arrays), carry)
        return k + 1, [out.write(k, x) for out, x in zip(outputs, carry, strict=False)], carry

    _, outputs, carry = tf.while_loop(
        lambda k, *_: k < steps, body, (0, outputs, carry), maximum_iterations=steps
    )
    return carry, [_known_time(out.stack(), _first(inputs).shape[0]) for out in outputs]


def _first(inputs):
    """Return the first tensor of nested tuples."""
    return _first(inputs[0]) if isinstance(inputs, tuple) else inputs


def _known_time(outputs, time):
    """Set the known size of the time axis of `outputs`, which the stack of a TensorArray loses."""
    outputs.set_shape([time, *outputs.shape[1:]])
    return outputs


LOOPS = {"jax": _jax, "tensorflow": _tensorflow}
