"""Messages with anything in them, in both directions: a fault of its own kind, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.driver.implementation import (
    HarnessFault,
    Implementation,
    ImplementationRaised,
    NotSupported,
    RequestRefused,
)
from conformance.harness.__main__ import load_package
from conformance.judging.registry import every
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from tests.conformance.driver.survival.fuzzing import nest, places, spoiled, torn, written
from tests.fuzzed import fuzzed

pytestmark = pytest.mark.slow

wire = load_package("wire")
TOLD = (HarnessFault, ImplementationRaised, NotSupported, RequestRefused)


class Canned:
    """A connection that answers as it is told."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer = answer

    def exchange(self, line: bytes, method: str, seconds: float) -> bytes:
        return self.answer(line)

    def unasked(self) -> bytes:
        return b""

    def stderr(self) -> str:
        return ""

    def close(self) -> None:
        pass


def driver(target: str, answer: Callable[[bytes], bytes]) -> Implementation:
    return Implementation(target, "toy", {}, 5.0, lambda: Canned(answer))


# From the harness to the driver

CELL = {"name": "Cell", "family": "ltc", "arguments": ["units"], "defaults": {"units": 1}}
DESCRIBED = {"protocol": "1", "host": "toy", "cells": [CELL], "capabilities": ["describe"], "versions": {}}
STEP = {
    "output": np.zeros((1, 2)),
    "state": [np.zeros((1, 2))],
    "dtypes": {"output": "float64", "state": ["float64"]},
}
FRAMES = [{"file": "cells.py", "line": 41, "function": "call", "code": "raise ValueError(units)"}]
RAISED = {"type": "ValueError", "message": "units", "traceback": "", "frames": FRAMES}
ERROR = {"code": -32001, "message": "m", "data": RAISED}
ANSWERS = [
    json.loads(wire.dumps({"jsonrpc": "2.0", "id": 1, **body}))
    for body in ({"result": DESCRIBED}, {"result": STEP}, {"error": ERROR})
]
METHODS = ("describe", "step", "step")


@pytest.mark.parametrize("target", ["exec:toy", "mine:Cell"])
@given(data=st.data())
@fuzzed(250)
def test_an_answer_is_a_result_or_a_fault(target: str, data: st.DataObject) -> None:
    i = data.draw(st.integers(0, 2))
    plain = json.dumps(ANSWERS[i])
    line = data.draw(spoiled(ANSWERS[i]).map(lambda answer: written(answer).encode()) | torn(plain))
    with driver(target, lambda _: line.replace(b"\n", b"") + b"\n") as implementation:
        try:
            found = implementation.describe() if i == 0 else implementation.request(METHODS[i])
        except TOLD as fault:
            assert str(fault)
            return
    wire.dumps(found)  # what comes through can be kept


@given(described=spoiled(DESCRIBED).filter(lambda described: isinstance(described, dict)))
@fuzzed(40)
def test_whatever_a_program_says_of_itself_a_verdict_comes_of_it(described: Any) -> None:
    cells = ReferenceCells()

    def answer(line: bytes) -> bytes:
        request = wire.loads(line)
        body = described if request["method"] == "describe" else reference(cells, request)
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": wire.encode(body)}).encode()

    implementation = driver("exec:toy", answer)
    try:
        cell = implementation.describe()["cells"][0]
    except HarnessFault:
        return
    for clause in ("time.zero", "shape.variables"):
        verdict = judge_clause(every()[clause], Subject(implementation, cell, "float64"), Plan(2, 0))
        assert verdict.outcome in ("pass", "fail", "not applicable", "error", "not reproducible")


def reference(cells: ReferenceCells, request: dict[str, Any]) -> Any:
    """Return the answer of the reference, whose cells have names of their own."""
    model = {**request["params"]["model"], "cell": "LTCCell"}
    return cells.request(request["method"], **{**request["params"], "model": model})


@given(data=st.data())
@fuzzed(60)
def test_whatever_is_wrong_in_an_answer_the_clause_gets_a_verdict(data: st.DataObject) -> None:
    """A verdict on the harness: it is not taken for a fault of the suite."""
    cells, place = ReferenceCells(), data.draw(st.integers(0, 20))
    value = data.draw(
        st.sampled_from((None, 3, "x", [], {}, True, nest(100), np.zeros(3), np.zeros((2, 2), bool)))
    )

    def answer(line: bytes) -> bytes:
        request = wire.loads(line)
        if request["method"] == "describe":
            body: Any = {**DESCRIBED, "cells": [CELL]}
        else:
            body = wire.encode(reference(cells, request))
            found = places(body)
            *way, last = found[place % len(found)]
            inner = body
            for key in way:
                inner = inner[key]
            inner[last] = wire.encode(value)
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": body}).encode()

    subject = Subject(driver("exec:toy", answer), CELL, "float64")
    verdict = judge_clause(every()["ltc.step.semi_implicit"], subject, Plan(2, 0))
    assert verdict.outcome in ("pass", "fail"), verdict.reason


# From the driver to the harness

OWN = """
import numpy as np
from conformance_harness.adapter import Adapter

class Mine(Adapter):
    def cells(self):
        return [{"name": "Mine", "family": "ltc", "arguments": ["units"], "defaults": {}}]

    def step(self, model, parameters, inputs, state, timespans=None, **rest):
        return {"output": np.asarray(inputs) * 2, "state": state}
"""
REQUEST = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "step",
    "params": json.loads(wire.dumps({"model": {}, "parameters": {}, "inputs": np.zeros(2), "state": []})),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_fuzzed.py").write_text(OWN)
    module: ModuleType = load_package("server")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield module.Server("own_fuzzed:Mine")


@given(line=spoiled(REQUEST).map(lambda request: written(request).encode()) | torn(json.dumps(REQUEST)))
@fuzzed(250)
def test_a_request_is_answered_whatever_it_is(server: Any, line: bytes) -> None:
    answer = server.answer(line)
    if answer is None:  # a notification
        return
    assert answer.endswith(b"\n") and answer.count(b"\n") == 1
    reply = json.loads(answer)
    assert reply["jsonrpc"] == "2.0" and ("result" in reply) != ("error" in reply)
    if "error" in reply:
        assert reply["error"]["code"] in (-32700, -32600, -32601, -32602, -32603, -32001, -32002)
