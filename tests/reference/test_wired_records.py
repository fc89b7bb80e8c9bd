"""The reference against what the wired cells of PyPI `ncps` 1.0.1 computed in torch, in float64.

`make_pypi_ncps_wired.py` recorded it and says how its conventions are written in the specification's terms.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.bounds.arrays import Arithmetic, ErrorBounded
from reference import graph, mixed_memory_step, wired_cfc_step, wired_ltc_step
from tests.reference import draws_wired as dw

FILE = Path(__file__).parent / "records" / "pypi_ncps_wired.json"
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))
RECORDS: list[dict[str, Any]] = RECORDED["records"]
FLOAT64 = Arithmetic("float64")


def name(record: dict[str, Any]) -> str:
    timed = "timespans" if record["timespans"] else "untimed"
    chosen = [f"{key}={value}" for key, value in record["arguments"].items()]
    wired = record["wiring"]
    return "-".join([record["cell"], wired["kind"], str(len(record["state"][0])), *chosen, timed])


def bounded(a: Any) -> Any:
    if isinstance(a, dict):
        return {path: bounded(value) for path, value in a.items()}
    return ErrorBounded(a, FLOAT64)


def answer(record: dict[str, Any], **arguments: Any) -> dict[str, ErrorBounded]:
    """Return the reference's answer to a record."""
    wired = graph(**record["wiring"])
    options = record["arguments"] | arguments
    if "LTC" in record["cell"]:
        step = partial(wired_ltc_step, bounded(record["parameters"]), **options, **dw.ltc_options(wired))
    else:
        options = {"sparse_time_heads": False, **options}
        step = partial(wired_cfc_step, bounded(record["parameters"]), **options, **dw.cfc_options(wired))
    x, h = bounded(record["inputs"]), bounded(record["state"])
    t = 1.0 if record["timespans"] is None else bounded(record["timespans"])
    if "memory" in record:
        parameters, c = bounded(record["memory_parameters"]), bounded(record["memory"])
        return dict(zip(ANSWERS, mixed_memory_step(parameters, x, h, c, t, step=step), strict=True))
    return dict(zip(ANSWERS, step(x, h, t), strict=False))


ANSWERS = ("output", "new_state", "new_memory")


def excess(record: dict[str, Any], **arguments: Any) -> float:
    """Return the largest of error / bound."""
    ratios = [
        np.max(np.abs(np.asarray(record[what]) - want.value) / want.error)
        for what, want in answer(record, **arguments).items()
    ]
    return float(np.max(ratios))


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_the_reference_gives_what_ncps_gave(record: dict[str, Any]) -> None:
    assert excess(record) <= 1.0


def test_every_kind_of_cell_is_recorded() -> None:
    cells = {(r["cell"], bool(r["timespans"])) for r in RECORDS}
    kinds = ("LTCCell", "WiredCfCCell", "mixed LTC", "mixed CfC")
    assert cells == {(kind, timed) for kind in kinds for timed in (True, False)}
    modes = {r["arguments"]["mode"] for r in RECORDS if r["cell"] == "WiredCfCCell"}
    assert modes == {"default", "no_gate", "pure"}
    assert {r["wiring"]["kind"] for r in RECORDS} == {"FullyConnected", "Random", "AutoNCP"}
    assert any(r["arguments"].get("implicit_param_constraints") for r in RECORDS)


def test_the_record_says_what_it_was_made_with() -> None:
    assert RECORDED["versions"].keys() == {"ncps", "torch", "numpy", "python"}
    assert RECORDED["versions"]["ncps"] == "1.0.1"
    assert FILE.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("cell", "other"),
    [
        ("LTCCell", {"solver": "explicit"}),
        ("LTCCell", {"solver": "rk4"}),
        ("LTCCell", {"ode_unfolds": 5}),
        ("LTCCell", {"epsilon": 1e-6}),
        ("mixed LTC", {"implicit_param_constraints": True}),
        ("WiredCfCCell", {"head_activation": "lecun_tanh"}),
        ("WiredCfCCell", {"sparse_time_heads": True}),
        ("WiredCfCCell", {"fully_recurrent": False}),
    ],
)
def test_another_convention_does_not_fit(cell: str, other: dict[str, Any]) -> None:
    """So that the mapping is what makes the records fit, and not a bound that fits anything."""
    sparse = [r for r in RECORDS if r["cell"] == cell and r["wiring"]["kind"] == "AutoNCP"]
    gated = [r for r in sparse if r["arguments"].get("mode") != "pure"]
    assert gated
    for record in gated:
        assert excess(record, **other) > 1e2
