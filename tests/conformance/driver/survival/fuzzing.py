"""Documents with something wrong in them, and what nobody may see of it."""

from __future__ import annotations

import copy
import json
from typing import Any

from click.testing import CliRunner, Result
from hypothesis import strategies as st

from conformance.cli import main as cli

STRANGE = (
    *("", "NaN", "-Infinity", "\ud800", "\x00\x1b[31m", "a\nb", "../../etc/passwd", "{0}", "[red]", "'; --"),
    *(0, -1, 1, 2**63, 10**30, 10**400, -0.0, 1e308, float("nan"), float("inf"), True, None),
    *([], {}, [[]], {"": None}, {"$array": 1}, {"dtype": "float64", "shape": [9], "base64": "AAAA"}),
)
anything = st.one_of(
    st.sampled_from(STRANGE).map(copy.deepcopy),
    st.integers(40, 450).map(lambda depth: nest(depth)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
)


def nest(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every place inside nested lists and objects but the whole."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, item in items for p in ((*path, key), *places(item, (*path, key)))]


@st.composite
def spoiled(draw: st.DrawFn, document: Any, depth: int = 100) -> Any:
    """Draw `document` with one to three values replaced, removed or added; or something else entirely."""
    if draw(st.integers(0, 30)) == 0:
        return draw(anything)
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        found = [place for place in places(made) if len(place) <= depth]
        if not found:
            break
        *way, last = draw(st.sampled_from(found))
        inner = made
        for key in way:
            inner = inner[key]
        act = draw(st.sampled_from(("replace", "replace", "remove", "add")))
        if act == "remove":
            del inner[last]
        elif act == "add" and isinstance(inner, dict):
            inner[draw(st.text(max_size=4))] = draw(anything)
        else:
            inner[last] = draw(anything)
    return made


def written(document: Any) -> str:
    """Write JSON as Python does, also NaN and half a surrogate pair, which are no JSON."""
    return json.dumps(document)


@st.composite
def torn(draw: st.DrawFn, text: str) -> bytes:
    """Draw `text` with bytes missing, doubled or foreign."""
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 20)))
        middle = draw(
            st.binary(max_size=8)
            | st.sampled_from((b"1e999", b"9" * 5000, b"[" * 3000, b"\xef\xbb\xbf", b"\x00"))
        )
        data = data[:start] + middle + data[end:]
    return data


STATUSES = {0, 1, 2, 3}
"""Those that the commands document."""


def invoke(*words: Any) -> Result:
    """Run a command; assert a documented exit status, no traceback, and a line of ours on status 2."""
    done = CliRunner().invoke(cli.main, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise AssertionError(f"{words}: {done.exception!r}") from done.exception
    assert done.exit_code in STATUSES, done.output
    assert "Traceback" not in done.output
    if done.exit_code == 2:
        assert done.output.startswith("conformance: "), done.output
    return done
