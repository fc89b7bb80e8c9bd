"""Checks of the shapes of a cell's call arguments. Sizes are ints, or None if not known yet."""


def is_nested(shape):
    """Return whether `shape` is a list of shapes; after a reload one shape may be a list too, as `[6, 3]`."""
    return len(shape) > 0 and isinstance(shape[0], (list, tuple))


def of(tensors):
    """Return the shape of a tensor, or the list of shapes of a list of tensors."""
    if isinstance(tensors, (list, tuple)):
        return [tuple(tensor.shape) for tensor in tensors]
    return tuple(tensors.shape)


def split(shape):
    """Return the shapes of x and t from a shape or a pair of shapes; the second is None without t.

    Raises:
        ValueError: for another number of tensors.
    """
    if not is_nested(shape):
        return tuple(shape), None
    if len(shape) != 2:
        given = "one tensor in a list" if len(shape) == 1 else f"{len(shape)} tensors"
        raise ValueError(
            f"a cell's inputs must be x, or x and the elapsed time t as (x, t), got {given}; "
            "keras.layers.RNN passes no elapsed times: use ncps.CfC(cell)(x, timespans=t)"
        )
    x_shape, t_shape = shape
    return tuple(x_shape), tuple(t_shape)


def check_input(owner, shape, features=None):
    """Reject inputs that are not `(batch, features)`; with `features` None any known number is allowed.

    Raises:
        ValueError: with the shape and what is allowed.
    """
    if len(shape) != 2:
        raise ValueError(f"{owner}: inputs must have shape (batch, features), got {tuple(shape)}")
    if features is None and shape[1] is None:
        raise ValueError(f"{owner}: the number of input features must be known, got {tuple(shape)}")
    if features is not None and shape[1] not in (features, None):
        raise ValueError(
            f"{owner}: inputs must have {features} features, as when built; got shape {tuple(shape)}"
        )


def check_states(owner, shapes, batch, sizes, *, name="states", hint=""):
    """Reject states other than one of `(batch, size)` for each of `sizes`.

    Raises:
        ValueError: with the shapes and what is allowed, the `name` of the argument and a `hint`.
    """
    wanted = ", ".join(f"({batch}, {size})" for size in sizes)
    agree = [
        len(shape) == 2 and (None in (shape[0], batch) or shape[0] == batch) and shape[1] in (size, None)
        for shape, size in zip(shapes, sizes, strict=False)
    ]
    if len(shapes) != len(sizes) or not all(agree):
        got = ", ".join(str(tuple(shape)) for shape in shapes)
        raise ValueError(f"{owner}: {name} must be a list of tensors of shape {wanted}; got {got}{hint}")
