"""Messages and arrays survive the wire, and nothing else gets through."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conformance.harness import wire

DTYPES = st.sampled_from(sorted(wire.DTYPES))
ARRAYS = DTYPES.flatmap(lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def encoded(dtype="float32", shape=(2,), data=b"\0" * 8):
    return {"dtype": dtype, "shape": list(shape), "base64": base64.b64encode(data).decode()}


@given(ARRAYS)
def test_an_array_comes_back_bit_for_bit(array):
    back = wire.loads(wire.dumps(array))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()


@given(ARRAYS)
def test_a_decoded_array_can_be_written_to(array):
    assert wire.loads(wire.dumps(array)).flags.writeable


@given(hnp.arrays("float32", (3, 4)), st.sampled_from([(1, 0), (0, 1)]))
def test_memory_order_does_not_matter(array, axes):
    strided = array.transpose(axes)[::-1]
    assert np.array_equal(wire.loads(wire.dumps(strided)), strided, equal_nan=True)


def test_big_endian_arrays_arrive_with_their_values():
    array = np.array([1.5, -2.0], ">f8")
    assert wire.loads(wire.dumps(array)).tolist() == [1.5, -2.0]


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_a_half_travels_as_float32_and_says_so(name):
    dtype = getattr(pytest.importorskip("ml_dtypes"), name) if name == "bfloat16" else np.float16
    array = np.array([1.0, 1 / 3, -7e4], np.float32).clip(-6e4, 6e4).astype(dtype)
    message = json.loads(wire.dumps(array))
    assert (message["dtype"], message["cast_from"]) == ("float32", array.dtype.name)
    assert wire.loads(wire.dumps(array)).tolist() == array.astype(np.float32).tolist()


@given(VALUES)
def test_json_values_come_back_equal(value):
    assert wire.loads(wire.dumps({"value": value})) == {"value": value}


@given(VALUES)
def test_a_message_is_one_line(value):
    line = wire.dumps({"value": value})
    assert line.endswith(b"\n") and line.count(b"\n") == 1


@given(st.binary(max_size=60))
def test_bytes_are_a_message_or_a_wire_error(line):
    try:
        wire.loads(line)
    except wire.WireError:
        return
    json.loads(line)


@pytest.mark.parametrize(
    "array",
    [
        encoded(data=b"\0" * 4),
        encoded(data=b"\0" * 9),
        encoded(shape=(3,)),
        encoded(shape=(-2,)),
        encoded(shape=(2.0,)),
        encoded(shape=(True, 2)),
        encoded(shape=(1,) * 40),
        encoded(dtype="object"),
        encoded(dtype="float128"),
        {**encoded(), "dtype": None},
        {**encoded(), "shape": 2},
        {**encoded(), "base64": "AAAAAAAAA!=="},
        {**encoded(), "base64": 12},
    ],
)
def test_an_array_that_contradicts_itself_is_refused(array):
    with pytest.raises(wire.WireError):
        wire.decode(array)


@pytest.mark.parametrize("missing", ["dtype", "shape", "base64"])
def test_an_array_with_a_part_missing_is_refused(missing):
    with pytest.raises(wire.WireError):
        wire.decode_array({name: value for name, value in encoded().items() if name != missing})


def test_a_shape_is_checked_before_anything_is_allocated():
    with pytest.raises(wire.WireError, match="which the base64 text is not"):
        wire.decode(encoded(shape=(2**28, 2**28, 2**28)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object(), np.array(["a"])])
def test_what_json_cannot_hold_is_not_sent(value):
    with pytest.raises(wire.WireError):
        wire.dumps({"value": value})


@pytest.mark.parametrize("line", [b"NaN", b"Infinity", b"{", b"", b"\xff\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused(line):
    with pytest.raises(wire.WireError):
        wire.loads(line)


def test_a_message_that_is_too_long_is_neither_sent_nor_read(monkeypatch):
    monkeypatch.setattr(wire, "MAX_BYTES", 100)
    with pytest.raises(wire.WireError, match="at most 99"):
        wire.dumps("x" * 200)
    with pytest.raises(wire.WireError, match="more than 100"):
        wire.loads(b"x" * 200)
