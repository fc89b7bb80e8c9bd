"""Exceptions of one cause are known by what their messages have in common."""

from __future__ import annotations

import pytest

from conformance.causes.exceptions import without_numbers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shapes (2,1) (8,) (2,4)", "shapes (3, 1) (3, 4) (12,)"),
        ("[array([[-0.5, 1e-9]], dtype=float32)]", "[array([[nan, nan],\n [inf, 2.]])]"),
        ("bad input array([[1.0, 2.0],\n [3.0, …", "bad input array([[1.0 ... -Infinity] [3E-5 NaN] …"),
        ("units must be 4; got 5", "units must be 12; got -1.5"),
    ],
)
def test_messages_that_differ_by_numbers_are_one(one: str, other: str) -> None:
    assert without_numbers(one) == without_numbers(other) != one


def test_names_are_no_numbers() -> None:
    message = "nano: call() has info of (a, b), and []"
    assert without_numbers(message) == message
