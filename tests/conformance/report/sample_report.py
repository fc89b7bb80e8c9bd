"""Made-up runs, for tests; `python sample_report.py [WIDTH] [green|red]` shows one."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import product
from typing import Any

from conformance.spec import clauses
from conformance.verdict import Cause, Failure, Report, Verdict

BACKENDS = ("jax", "torch", "tensorflow", "numpy")
CELLS = ("CfCCell", "LTCCell")
TIERS = {"step": ("float64", "float32"), "gradient": ("float64",), "sequence": ("float64", "float32")}
FILE = "/home/user/liquid/ncps/__init__.py"
SCRIPT = """\
import numpy as np
from conformance import start

with start("ncps", "torch") as implementation:
    answer = implementation.request("step", inputs=np.array([[0.5, -1.25]], "float32"))
    print(answer)
"""
FAILURE = Failure(
    summary="the output is that of heads in each other's place",
    case={"config": {"units": 3, "mode": "default", "backbone_layers": 0}, "batch": 1, "timespans": [[0.25]]},
    got=[[0.123456789, -0.5, float("nan")]],
    want=[[-0.123456789, 0.5, 0.25]],
    bound=[[2.1e-07, 1.9e-07, 3.3e-07]],
    excess=1.2e6,
    script=SCRIPT,
)


FAMILY = {"CfCCell": "cfc", "LTCCell": "ltc"}


def verdict(clause: clauses.Clause, cell: str, backend: str, tier: str | None) -> Verdict:
    """A pass; or not applicable, where numpy would have to train."""
    about: dict[str, Any] = {"target": "ncps", "cell": cell, "backend": backend, "tier": tier}
    if backend == "numpy" and clause.id.split(".")[0] in ("gradient", "training"):
        reason = "Keras's numpy backend computes no gradients"
        return Verdict(clause.id, clause.level, **about, outcome="not applicable", reason=reason)
    worst = (len(clause.id) * (7 + len(backend)) % 90 / 100) if tier else None
    return Verdict(
        clause.id, clause.level, **about, outcome="pass", examples=50, expected=50, shapes=9, worst=worst
    )


def green() -> Report:
    """Every clause of the specification, on two cells and four backends, passed or not applicable."""
    spec = clauses.load()
    found = [
        verdict(clause, cell, backend, tier)
        for clause, cell, backend in product(spec.clauses.values(), CELLS, BACKENDS)
        if FAMILY[cell] in clause.families
        for tier in TIERS.get("step" if ".step" in clause.id else clause.id.split(".")[0], (None,))
    ]
    return Report(
        spec.version, "0.1.0", 7, "conformance run ncps", {"clauses": []}, implementations(), found, 94.2
    )


def implementations() -> list[dict[str, Any]]:
    versions = {"python": "3.11.7", "keras": "3.15.1", "numpy": "2.4.6"}
    about = {"target": "ncps", "name": "ncps", "version": "0.1.0", "distribution": "ncps-keras", "file": FILE}
    return [about | {"backend": backend, "versions": versions | {backend: "1.2.3"}} for backend in BACKENDS]


def red() -> Report:
    """The same, but one clause fails, one fails as a variant explains, others meet the host or an error.

    It has no causes, as a report of format 1.
    """
    report = green()
    return replace(report, verdicts=[_spoiled(verdict) for verdict in report.verdicts])


def _spoiled(verdict: Verdict) -> Verdict:
    prefix, last = verdict.clause.split(".", 1)[0], verdict.clause.rsplit(".", 1)[-1]
    if verdict.cell == "CfCCell" and prefix == "cfc" and last == "default" and verdict.backend != "jax":
        return replace(verdict, outcome="fail", worst=1.2e6, failure=FAILURE)
    if verdict.cell == "CfCCell" and last == "no_gate":
        failure = replace(FAILURE, summary="the heads are linear", script="")
        variant = {"head_activation": "linear"}
        return replace(
            verdict, outcome="fail", worst=31.5, failure=failure, variant=variant, holds_under_variant=True
        )
    if prefix == "sequence" and last == "mask" and verdict.backend == "jax":
        return replace(verdict, outcome="host", reason="masked_state: Keras puts the state into the output")
    if last == "deepcopy" and verdict.backend == "torch":
        return replace(
            verdict, outcome="error", reason="the harness died with status -11: it printed nothing"
        )
    return verdict


CONVENTION = Cause(
    "convention",
    "head_activation=linear",
    "computes with head_activation=linear, a documented variant",
    proven=24,
)
FAULT = Cause("fault", "TimeOnOffset", "The gate's offset is multiplied by time too.", proven=31)
PLACE = Cause(
    "place",
    "ValueError at cells.py:41 in call",
    "step raises ValueError: no such dtype",
    "/home/user/liquid/cells.py:41 in call",
)
RAISED = Failure(
    PLACE.what,
    {"units": 2},
    script=SCRIPT,
    raised={"type": "ValueError", "message": "no such dtype", "place": PLACE.place},
)


def of_clause(id: str, summary: str = FAILURE.summary) -> Cause:
    """The clause itself as a cause."""
    return Cause("clause", id, summary)


CAUSED: dict[tuple[str, str], tuple[tuple[str, ...], Failure, tuple[Cause, ...]]] = {
    ("cfc.step.default", "CfCCell"): (BACKENDS[1:], FAILURE, (of_clause("cfc.step.default"),)),
    ("backbone.absent", "CfCCell"): (BACKENDS[1:], FAILURE, (of_clause("cfc.step.default"),)),
    ("cfc.step.no_gate", "CfCCell"): (BACKENDS, FAILURE, (CONVENTION,)),
    ("time.per_sample", "CfCCell"): (BACKENDS, FAILURE, (CONVENTION, of_clause("cfc.step.default"))),
    ("time.zero", "CfCCell"): (("jax",), FAILURE, (CONVENTION, FAULT)),
    ("time.zero", "LTCCell"): (BACKENDS, FAILURE, (FAULT,)),
    ("ltc.step.explicit", "LTCCell"): (BACKENDS, FAILURE, (FAULT,)),
    ("dtype.policy", "CfCCell"): (("jax",), RAISED, (PLACE,)),
    ("dtype.policy", "LTCCell"): (("jax",), RAISED, (PLACE,)),
    ("initialization.values", "LTCCell"): (
        ("torch",),
        Failure("the kernel is zero"),
        (of_clause("initialization.values", "the kernel is zero"),),
    ),
}
"""What fails in `caused`, by clause and cell: on these backends, by this failure, for these causes."""


def caused() -> Report:
    """A run with causes of each kind, alone and together, on several cells and backends, and an error."""
    report = green()
    return replace(report, verdicts=[_caused(verdict) for verdict in report.verdicts])


def _caused(verdict: Verdict) -> Verdict:
    backends, failure, causes = CAUSED.get((verdict.clause, verdict.cell), ((), FAILURE, ()))
    if verdict.backend not in backends:
        return _spoiled(verdict) if verdict.clause == "serialization.deepcopy" else verdict
    variant = {"head_activation": "linear"} if CONVENTION in causes else {}
    return replace(
        verdict,
        outcome="fail",
        failure=failure,
        causes=list(causes),
        variant=variant,
        holds_under_variant=causes == (CONVENTION,),
    )


if __name__ == "__main__":
    from rich.console import Console

    from conformance.report import terminal

    width = int(sys.argv[1]) if len(sys.argv) > 1 else None
    made = green() if "green" in sys.argv else red() if "red" in sys.argv else caused()
    terminal.render(made, clauses.load().clauses, Console(width=width))
