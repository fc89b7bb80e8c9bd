"""The reference against what the CfC cells of PyPI `ncps` 1.0.1 computed; `make_pypi_ncps.py` recorded it.

The torch cell computed in float64, the Keras cell in float32; each is held to the bound of its dtype. The
wired LTC of `ncps` is another cell, and not here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.bounds.arrays import Arithmetic, ErrorBounded
from reference import cfc_step

FILE = Path(__file__).parent / "records" / "pypi_ncps.json"
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))
RECORDS: list[dict[str, Any]] = RECORDED["records"]


def name(record: dict[str, Any]) -> str:
    timed = "timespans" if record["timespans"] else "untimed"
    chosen = record["arguments"]
    return "-".join(
        [record["cell"], chosen["mode"], str(chosen["backbone_layers"]), chosen["activation"], timed]
    )


def bounded(record: dict[str, Any], **arguments: Any) -> ErrorBounded:
    """Return the reference's answer to a record."""
    arithmetic = Arithmetic(record["dtype"])
    p, *operands = (
        {path: ErrorBounded(a, arithmetic) for path, a in record["parameters"].items()},
        *(ErrorBounded(record[key], arithmetic) for key in ("inputs", "state")),
    )
    if record["timespans"] is not None:
        operands.append(ErrorBounded(record["timespans"], arithmetic))
    return cfc_step(p, *operands, **(record["arguments"] | arguments))


def excess(record: dict[str, Any], **arguments: Any) -> float:
    """Return the largest of error / bound."""
    want = bounded(record, **arguments)
    return float(np.max(np.abs(np.asarray(record["output"]) - want.value) / want.error))


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_the_reference_gives_what_ncps_gave(record: dict[str, Any]) -> None:
    assert excess(record) <= 1.0


def test_every_kind_of_cell_is_recorded() -> None:
    kinds = {
        (r["cell"], r["arguments"]["mode"], r["arguments"]["backbone_layers"], bool(r["timespans"]))
        for r in RECORDS
    }
    cells = ("ncps.torch.CfCCell", "ncps.keras.CfCCell")
    modes = ("default", "no_gate", "pure")
    assert kinds == {(c, m, n, t) for c in cells for m in modes for n in (0, 1, 2) for t in (True, False)}
    activations = {
        (r["cell"], r["arguments"]["activation"]) for r in RECORDS if r["arguments"]["backbone_layers"]
    }
    assert activations >= {(c, a) for c in cells for a in ("lecun_tanh", "tanh", "relu", "silu", "gelu")}


def test_the_record_says_what_it_was_made_with() -> None:
    assert RECORDED["versions"].keys() == {"ncps", "torch", "keras", "numpy", "python"}
    assert RECORDED["versions"]["ncps"] == "1.0.1"
    assert FILE.stat().st_size < 100_000


def test_another_head_or_sign_of_time_does_not_fit() -> None:
    """So that the mapping is what makes the records fit, and not a bound that fits anything."""
    for record in RECORDS:
        if record["arguments"]["mode"] == "pure":
            continue
        other = "linear" if record["arguments"]["head_activation"] == "tanh" else "tanh"
        assert excess(record, head_activation=other) > 1e3
        flipped = {
            path: -np.asarray(a) if path.startswith("time_a") else a
            for path, a in record["parameters"].items()
        }
        assert excess(record | {"parameters": flipped}) > 1e3
