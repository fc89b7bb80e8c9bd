"""Programs that a host compiles are counted, over restarts, and a report has their number."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.driver import implementation
from conformance.driver.implementation import ImplementationRaised, start
from conformance.harness.keras.programs import COMPILED, Programs


def test_a_trace_is_counted_once() -> None:
    programs = Programs("tensorflow")
    traced = programs.traced(lambda x: x + 1)
    assert traced(1) == 2 and traced(2) == 3 and programs.count == 2


def test_of_the_events_of_jax_those_of_a_compilation_count() -> None:
    programs = Programs("numpy")
    programs._hear(COMPILED, 0.1, fun_name="call")
    programs._hear("/jax/core/compile/jaxpr_trace_duration", 0.1)
    assert programs.count == 1


@pytest.mark.parametrize("said", ["many", -1, None, 1.5])
def test_what_is_no_number_is_none(said: object) -> None:
    assert implementation._programs({"programs": said}) == 0


@pytest.mark.frameworks
@pytest.mark.parametrize(("backend", "compiles"), [("jax", True), ("numpy", False)])
def test_a_harness_reports_them_and_a_restart_loses_none(backend: str, compiles: bool) -> None:
    model = {"cell": "LTCCell", "config": {"units": 1}, "input_dim": 1, "dtype": "float32", "seed": 0}
    with start("ncps:LTCCell", backend) as harness:
        parameters = harness.request("parameters", model=model)["parameters"]
        inputs = np.ones((1, 1), "float32")
        step = {"model": model, "parameters": parameters, "inputs": inputs, "state": [inputs]}
        harness.request("step", **step)
        first = harness.programs
        harness.request("step", **step)
        assert harness.programs == first and (first > 0) == compiles
        with pytest.raises(ImplementationRaised):
            harness.request("step", **step | {"inputs": np.ones((1, 3), "float32")})
        assert harness.programs >= first, "an error reports none"
        first = harness.programs
        harness.restart()
        assert harness.programs == first
        harness.request("step", **step)
        assert (harness.programs > first) == compiles
