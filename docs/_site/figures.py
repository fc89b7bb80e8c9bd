"""The measures and the figures of docs/tolerance.md.

    python docs/_site/figures.py REPORT.json        of `conformance run ncps --seed 1 --json REPORT.json`

Prints the table, and writes each figure to docs/pictures twice, for a light page and for a dark one. It needs
matplotlib, and the cells on every backend.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import conformance
from conformance.bounds.arrays import Arithmetic, ErrorBounded
from conformance.spec.families.cfc import CFC
from reference import activations, cfc_step

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
BACKENDS = ("jax", "numpy", "tensorflow", "torch")
TIERS = {"float64": "formula (float64)", "float32": "precision (float32)"}
CLAUSES = (
    "cfc.step.default",
    "cfc.step.pure",
    "ltc.step.semi_implicit",
    "wired_cfc.step.default",
    "wired_ltc.step.semi_implicit",
    "mixed_memory.step",
    "backbone.layers",
    "time.large",
    "state.threads",
    "layer.steps",
)
CONFIG = {"mode": "default", "head_activation": "lecun_tanh", "backbone_units": 8, "backbone_dropout": 0.0}
UNITS, FEATURES, BATCH = 4, 3, 3
CASES, RUN = 400, 50
"""Cases measured, and those of one clause in a run."""
SLIPS = 10.0 ** np.arange(-17, -0.9, 0.25)
REAL = 1.716 / 1.7159 - 1
"""A slip that is easily made: lecun_tanh with 1.716."""
TOLERANCES = {
    "rtol 1e-6": {"rtol": 1e-6, "atol": 0.0},
    "rtol 1e-5": {"rtol": 1e-5, "atol": 0.0},
    "rtol 1e-4": {"rtol": 1e-4, "atol": 0.0},
    "rtol 1e-3": {"rtol": 1e-3, "atol": 0.0},
    "rtol 1e-5 + atol 1e-8, of `np.allclose`": {"rtol": 1e-5, "atol": 1e-8},
    "atol 1e-6": {"rtol": 0.0, "atol": 1e-6},
    "atol 1e-5": {"rtol": 0.0, "atol": 1e-5},
    "atol 1e-4": {"rtol": 0.0, "atol": 1e-4},
}
SLIP = 1e-8
ACTIVATION = "slipped"


@dataclass(frozen=True)
class Case:
    """One step in `default` mode."""

    parameters: dict[str, Any]
    inputs: Any
    state: Any
    timespans: Any

    def typed(self, dtype: str) -> Case:
        cast = {name: value.astype(dtype) for name, value in self.parameters.items()}
        return Case(cast, *(a.astype(dtype) for a in (self.inputs, self.state, self.timespans)))


def cases() -> Iterator[Case]:
    """Draw ordinary cases, of numbers that float32 holds."""
    random = np.random.default_rng(1)
    shapes = CFC.shapes(CFC.full({**CONFIG, "units": UNITS}), FEATURES)
    for _ in range(CASES):
        size = random.choice([0.3, 1.0, 2.0, 4.0])

        def draw(shape: tuple[int, ...], size: float = size) -> Any:
            return random.normal(0, size, shape).astype("float32")

        parameters = {path: draw(shape) for path, shape in shapes.items()}
        times = random.uniform(0, 10, (BATCH, 1)).astype("float32")
        yield Case(parameters, draw((BATCH, FEATURES)), draw((BATCH, UNITS)), times)


def step(case: Case, head_activation: str = "lecun_tanh") -> Any:
    """Return the reference, in the arithmetic of the arrays that the case holds."""
    return cfc_step(case.parameters, case.inputs, case.state, case.timespans, head_activation=head_activation)


def wanted(case: Case, dtype: str) -> ErrorBounded:
    """Return the value and its bound."""
    arithmetic = Arithmetic(dtype)
    parameters = {name: ErrorBounded(value, arithmetic) for name, value in case.parameters.items()}
    return step(
        Case(parameters, *(ErrorBounded(a, arithmetic) for a in (case.inputs, case.state, case.timespans)))
    )


def slipped(case: Case, dtype: str, slip: float) -> Any:
    """Return a step that has (1 + slip) 1.7159 in the place of 1.7159, in NumPy at this precision."""
    amplitude = 1.7159 * (1.0 + slip)
    activations.ACTIVATIONS[ACTIVATION] = lambda a: amplitude * np.tanh(0.666 * a)
    return step(case.typed(dtype), ACTIVATION)


def answers(backend: str, drawn: list[Case]) -> list[Any]:
    """Return the answers of our cell on a backend in float32."""
    model = {
        "cell": "CfCCell",
        "config": {**CONFIG, "units": UNITS},
        "input_dim": FEATURES,
        "dtype": "float32",
        "seed": 0,
    }
    with conformance.start("ncps", backend) as implementation:
        return [
            implementation.request(
                "step",
                model=model,
                parameters=case.parameters,
                inputs=case.inputs,
                state=[case.state],
                timespans=case.timespans,
            )["output"]
            for case in drawn
        ]


def excess(got: Any, want: ErrorBounded) -> float:
    return float(np.max(np.abs(got - want.value) / want.error))


def share(found: list[bool]) -> str:
    return f"{sum(found)} of {len(found)}"


def table(drawn: list[Case]) -> None:
    """Print false alarms on correct cells, and slips that pass, of fixed tolerances and of the bound."""
    want = [wanted(case, "float32") for case in drawn]
    correct = {backend: answers(backend, drawn) for backend in BACKENDS}
    pairs = [(got, w) for found in correct.values() for got, w in zip(found, want, strict=True)]
    wrong = [list(zip([slipped(c, "float32", s) for c in drawn], want, strict=True)) for s in (REAL, SLIP)]
    print(
        "| tolerance | correct answers refused | 1.716 passes | 1e-8 passes |\n| --- | ---: | ---: | ---: |"
    )
    for name, tolerance in TOLERANCES.items():
        refused = [not np.allclose(got, w.value, **tolerance) for got, w in pairs]
        passed = [share([np.allclose(got, w.value, **tolerance) for got, w in found]) for found in wrong]
        print(f"| {name} | {share(refused)} | {' | '.join(passed)} |")
    passed = [share([excess(got, w) <= 1 for got, w in found]) for found in wrong]
    print(
        f"| the bound, float32 | {share([excess(got, w) > 1 for got, w in pairs])} | {' | '.join(passed)} |"
    )
    exact = [wanted(case, "float64") for case in drawn]
    wrong = [list(zip([slipped(c, "float64", s) for c in drawn], exact, strict=True)) for s in (REAL, SLIP)]
    passed = [share([excess(got, w) <= 1 for got, w in found]) for found in wrong]
    print(f"| the bound, float64 | | {' | '.join(passed)} |")
    print(
        "worst error / bound:", {b: round(max(map(excess, found, want)), 2) for b, found in correct.items()}
    )
    print(
        "bound in float32, quantiles:",
        [f"{q:.1e}" for q in np.quantile([w.error for w in want], [0, 0.5, 1])],
    )


def curves(drawn: list[Case]) -> dict[str, list[float]]:
    """Return the worst error / bound that a run sees, by the size of the slip."""
    run = drawn[:RUN]
    want = {dtype: [wanted(case, dtype) for case in run] for dtype in TIERS}
    return {
        dtype: [
            max(excess(slipped(c, dtype, s), w) for c, w in zip(run, want[dtype], strict=True)) for s in SLIPS
        ]
        for dtype in TIERS
    }


# Figures


def styled(dark: bool) -> dict[str, Any]:
    ink = "#d7dee0" if dark else "#22333a"
    colours = ["#62c4c3", "#f2a65a"] if dark else ["#17727a", "#c2591b"]
    return {
        "axes.edgecolor": ink, "axes.labelcolor": ink, "text.color": ink,
        "xtick.color": ink, "ytick.color": ink,
        "axes.prop_cycle": plt.cycler(color=colours), "axes.spines.right": False, "axes.spines.top": False,
        "font.size": 10, "grid.alpha": 0.25, "grid.color": ink, "savefig.transparent": True,
        "svg.hashsalt": "tolerance",
    }  # fmt: skip


def draw_slips(found: dict[str, list[float]]) -> plt.Figure:
    figure, axes = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
    for dtype, label in TIERS.items():
        axes.loglog(SLIPS, found[dtype], label=label, linewidth=2)
    bound(axes.axhline)
    axes.text(SLIPS[-1], 1.4, "found above this line", ha="right", fontsize=9)
    axes.axvline(1e-8, color=plt.rcParams["text.color"], linestyle=":", linewidth=1)
    axes.text(1.4e-8, 2e13, "a slip of 1e-8", fontsize=9)
    axes.set(xlabel="relative slip in one constant of the formula", ylabel="worst error / bound in 50 cases")
    axes.grid(True)
    axes.legend(frameon=False, loc="upper left")
    return figure


def draw_report(verdicts: list[dict[str, Any]]) -> plt.Figure:
    """Draw each backend of each clause as a dot."""
    figure, axes = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    for (tier, label), colour, shift in zip(TIERS.items(), colours, (-0.15, 0.15), strict=True):
        places = [(v["worst"], CLAUSES.index(v["clause"]) + shift) for v in verdicts if v["tier"] == tier]
        axes.plot(*zip(*places, strict=True), "o", color=colour, alpha=0.75, markersize=5, label=label)
    bound(axes.axvline)
    axes.set(xscale="log", xlabel="worst error / bound, a dot for each cell and backend", xlim=(1e-2, 2))
    axes.set_yticks(range(len(CLAUSES)), CLAUSES, family="monospace", fontsize=9)
    axes.invert_yaxis()
    axes.grid(True, axis="x")
    figure.legend(frameon=False, loc="outside upper right", ncols=2)
    return figure


def bound(line: Any) -> None:
    line(1.0, color=plt.rcParams["text.color"], linewidth=1)


def write(name: str, draw: Any, data: Any) -> None:
    for tone in ("light", "dark"):
        with plt.rc_context(styled(tone == "dark")):
            figure = draw(data)
            figure.savefig(PICTURES / f"{name}-{tone}.svg", metadata={"Date": None})
            plt.close(figure)


def main(report: Path) -> None:
    drawn = list(cases())
    table(drawn)
    found = curves(drawn)
    write("tolerance-slips", draw_slips, found)
    for dtype, values in found.items():
        print(dtype, "finds slips from", f"{SLIPS[np.array(values) > 1].min():.0e}")
        print(dtype, "at 1e-8 error / bound is", f"{values[int(np.argmin(np.abs(np.log10(SLIPS) + 8)))]:.2g}")
    verdicts = json.loads(report.read_text("utf-8"))["verdicts"]
    write("tolerance-report", draw_report, [v for v in verdicts if v["clause"] in CLAUSES and v["worst"]])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
