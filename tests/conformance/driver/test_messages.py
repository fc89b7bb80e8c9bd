"""Messages of exceptions, shortened to a line."""

from __future__ import annotations

import pytest

from conformance.driver.messages import one_line

OF_KERAS = """Exception encountered when calling CfCCell.call().

\x1b[1mtwo
tensors\x1b[0m

Arguments received by CfCCell.call():
  • inputs=…"""


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("two\n  tensors", "two tensors"),
        (OF_KERAS, "two tensors"),
        (f"ValueError: {OF_KERAS}", "ValueError: two tensors"),
        ("in a model.\n\nException encountered: too short", "too short"),
        ("x" * 400, "…"),
    ],
)
def test_the_original_error_is_what_is_shown(message: str, line: str) -> None:
    assert one_line(message) == line
