"""Makes the golden vectors that are shipped.

    python -m tests.conformance.stored.vectors.generate     # in the root of a clone

Every number that goes in is a multiple of a power of two, so that it is one of float32 and float64 alike, and
short to read; the answer is that of `exactly`, the bounds are those by which the suite judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.judging import assertions
from conformance.judging.registry import TIERS
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.report import jsonfile
from conformance.spec import clauses
from conformance.spec.cases import SequenceCase, StepCase, Values
from conformance.spec.encoding import plain
from conformance.spec.families import FAMILIES, Config, Family, Sizes
from conformance.spec.families.mixed_memory import behind
from conformance.spec.families.wired import graph, layered, sparse, wiring
from conformance.stored.vectors import FORMAT, FORMAT_VERSION, GOLDEN, Vector
from tests.conformance.stored.vectors import exactly

ASYMMETRIC, ONE, EQUAL = Sizes(2, 3, 4, 5), Sizes(1, 1, 1, 1), Sizes(3, 3, 3, 3)
LENGTH = 4
PLAIN = "no two sizes are equal, and hardly two numbers: a swap shows"
WIRED = {"wired_cfc", "wired_ltc"}


@dataclass(frozen=True)
class Wanted:
    """A case to be made."""

    family: str
    name: str
    why: str
    config: Config
    sizes: Sizes = ASYMMETRIC
    layers: int | None = None
    time: str = "column"
    scale: float = 1.0
    """Of the parameters."""
    zeros: tuple[str, ...] = ()
    """Parameters whose first unit is zero, as is that of the state."""
    length: int | None = None
    """Of a sequence; None is a step."""
    state: bool = True
    mask: str | None = None
    options: Config | None = None


def numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> Values:
    """Draw sixteenths between 1/16 and 3/2, of either sign, seldom equal."""
    return np.asarray(rng.integers(1, 25, shape) * rng.choice([-1.0, 1.0], shape) / 16.0)


def times(rng: np.random.Generator, shape: tuple[int, ...], pace: float) -> Values:
    """Draw elapsed times, no two of them equal."""
    size = int(np.prod(shape))
    return rng.permutation(np.arange(1, 40))[:size].reshape(shape) * pace / 8.0


TIMES: dict[str, Callable[[np.random.Generator, int, float], Any]] = {
    "none": lambda rng, batch, pace: None,
    "zero": lambda rng, batch, pace: np.zeros((batch, 1)),
    "scalar": lambda rng, batch, pace: np.array(1.75 * pace),
    "flat": lambda rng, batch, pace: times(rng, (batch,), pace),
    "column": lambda rng, batch, pace: times(rng, (batch, 1), pace),
    "large": lambda rng, batch, pace: np.array([[1e6], [4096.0], [65536.0]])[:batch],
}


def made(wanted: Wanted, seed: int) -> dict[str, Any]:
    """Return the case as it stands in its file, but for its answer."""
    family, rng = FAMILIES[wanted.family], np.random.default_rng([seed, 20260101])
    config = family.config(wanted.sizes, layers=wanted.layers, **wanted.config)
    sizes, pace = wanted.sizes, family.pace(family.full(config))
    given = {path: numbers(rng, shape) * wanted.scale for path, shape in shapes(family, config, sizes)}
    given = {path: family.admissible(path, value) for path, value in given.items()}
    given |= {path: first_zero(given[path]) for path in wanted.zeros}
    batch = (sizes.batch,) if wanted.length is None else (sizes.batch, wanted.length)
    state = family.split(config, numbers(rng, (sizes.batch, family.state_size(config))))
    step = wanted.length is None
    span = (
        TIMES[wanted.time](rng, sizes.batch, pace)
        if step or wanted.time == "none"
        else times(rng, batch, pace)
    )
    return {
        "name": wanted.name,
        "why": wanted.why,
        "kind": "step" if step else "sequence",
        "family": wanted.family,
        "config": config,
        "graph": graph_of(family, config, sizes.features),
        "parameters": given,
        "inputs": numbers(rng, (*batch, sizes.features)),
        "state": [first_zero(one) if wanted.zeros else one for one in state] if wanted.state else None,
        "timespans": span,
        "mask": MASKS[wanted.mask] if wanted.mask else None,
        "options": wanted.options or {},
    }


def shapes(family: Family, config: Config, sizes: Sizes) -> Sequence[tuple[str, tuple[int, ...]]]:
    return list(family.shapes(family.full(config), sizes.features).items())


def first_zero(value: Values) -> Values:
    return np.where(np.arange(value.shape[-1]) == 0, 0.0, value)


def graph_of(family: Family, config: Config, features: int) -> dict[str, Any] | None:
    """Return the graph of the cell, or of the cell behind an LSTM."""
    inner, own = behind(config) if family.name == "mixed_memory" else (family, config)
    return graph(own, features)._asdict() if inner.wirings else None


MASKS = {
    "held": [[False, True, False, True], [True, False, False, True]],
    "first": [[False, False, True, True], [True, False, True, False]],
    "removed": [[True, False, True, True], [True, False, True, True]],
}
"""(batch, time), True where a sample counts."""


# What each clause is shown by


def ordinary(family: str, config: Config, **more: Any) -> Iterator[Wanted]:
    """Yield four cases that show any formula."""
    yield Wanted(family, "asymmetric", PLAIN, config, **more)
    if "wiring" not in config:
        why = "one unit, one feature, one sample: the smallest, to follow by hand"
        yield Wanted(family, "one unit", why, config, sizes=ONE, **more)
        why = (
            "all sizes are equal: a transposed kernel, or a time along the wrong axis, shows in numbers alone"
        )
        yield Wanted(family, "equal sizes", why, config, sizes=EQUAL, **{**more, "time": "flat"})
    why = "t = 0: two samples with one time stamp"
    yield Wanted(family, "time zero", why, config, **{**more, "time": "zero"})


def saturated(family: str, config: Config, scale: float = 32.0, **more: Any) -> Wanted:
    why = "large parameters: gates and activations are at their limits, where a careless formula overflows"
    return Wanted(family, "saturated", why, config, scale=scale, **more)


def step_clauses() -> dict[str, list[Wanted]]:
    found: dict[str, list[Wanted]] = {}
    for mode in ("default", "no_gate", "pure"):
        config: Config = {"mode": mode}
        found[f"cfc.step.{mode}"] = [*ordinary("cfc", config), saturated("cfc", config)]
        found[f"wired_cfc.step.{mode}"] = list(ordinary("wired_cfc", {**config, "wiring": layered()}))
    why = "w_tau = 0, where its magnitude has a kink, and f1 = 0 for the first unit"
    kink = Wanted("cfc", "kink", why, {"mode": "pure"}, layers=0, zeros=("w_tau", "ff1_kernel", "ff1_bias"))
    found["cfc.step.pure"].append(kink)
    found["cfc.step.head_activation"] = [
        Wanted("cfc", f"{head} in {mode}", PLAIN, {"mode": mode, "head_activation": head}, layers=0)
        for head in ("linear", "lecun_tanh")
        for mode in ("default", "no_gate")
    ]
    for solver in ("semi_implicit", "explicit"):
        found[f"ltc.step.{solver}"] = list(ordinary("ltc", {"solver": solver}))
    why = "the logarithm of the time constant is beyond 9 and -9, where it is cut off"
    found["ltc.time_constant"] = [
        Wanted("ltc", "cut off", why, {"solver": "semi_implicit"}, scale=32.0),
        Wanted("ltc", "within", PLAIN, {"solver": "semi_implicit"}),
    ]
    found["ltc.step.activation"] = list(activations("ltc", "activation", 0, ("kernel", "bias")))
    return found


ACTIVATIONS = ("linear", "lecun_tanh", "sigmoid", "relu", "silu", "softplus", "elu", "gelu", "leaky_relu")


def activations(family: str, argument: str, layers: int, zeros: tuple[str, ...]) -> Iterator[Wanted]:
    for name in ACTIVATIONS:
        why = "the first unit is at 0, where some have a kink; the others on both sides"
        small = Sizes(2, 2, 3, 3)
        yield Wanted(family, name, why, {argument: name}, sizes=small, layers=layers, zeros=zeros)


def backbone_clauses() -> dict[str, list[Wanted]]:
    both = ("cfc", "ltc")
    absent = [Wanted(family, f"{family}, no backbone", PLAIN, {}, layers=0) for family in both]
    deep = [
        Wanted(family, f"{family}, {layers} layers", "the activation follows every layer", {}, layers=layers)
        for family in both
        for layers in (1, 2, 3)
    ]
    zeros = ("backbone_0/kernel", "backbone_0/bias")
    named = [
        *activations("cfc", "activation", 1, zeros),
        *activations("ltc", "backbone_activation", 1, zeros),
    ]
    named = [replace(wanted, name=f"{wanted.family}, {wanted.name}") for wanted in named]
    return {"backbone.absent": absent, "backbone.layers": deep, "backbone.activation": named}


TIMED = {
    "time.default": ("none", "no t is given: t = 1"),
    "time.zero": ("zero", "t = 0: two samples with one time stamp"),
    "time.scalar": ("scalar", "one number for all samples"),
    "time.large": ("large", "t up to 1e6: a gap in a record"),
}
CELLS: dict[str, Config] = {
    "cfc": {},
    "ltc": {},
    "wired_cfc": {"wiring": layered()},
    "wired_ltc": {"wiring": sparse(4)},
    "mixed_memory": {"cell": "CfCCell"},
}
"""One of each family."""


def time_clauses() -> dict[str, list[Wanted]]:
    found = {
        clause: [Wanted(family, family, why, config, time=time) for family, config in CELLS.items()]
        for clause, (time, why) in TIMED.items()
    }
    why = "batch and units are equal: a t of (batch) that is broadcast as it stands acts along the units"
    square = {**CELLS, "wired_cfc": {"wiring": sparse(3)}, "wired_ltc": {"wiring": sparse(3)}}
    found["time.per_sample"] = [
        Wanted(family, f"{family}, {form}", why, config, sizes=EQUAL, time=form)
        for family, config in square.items()
        for form in ("flat", "column")
    ]
    return found


def wired_clauses() -> dict[str, list[Wanted]]:
    found: dict[str, list[Wanted]] = {}
    full = wiring("FullyConnected", units=4, output_dim=2)
    for solver in ("semi_implicit", "explicit", "rk4"):
        config: Config = {"solver": solver}
        found[f"wired_ltc.step.{solver}"] = [
            *ordinary("wired_ltc", {**config, "wiring": full}),
            Wanted(
                "wired_ltc", "sparse", "half of the synapses are missing", {**config, "wiring": sparse(4)}
            ),
        ]
    steep = saturated("wired_ltc", {"wiring": full}, scale=8.0)
    found["wired_ltc.step.semi_implicit"].append(steep)
    found["wired_ltc.mapping"] = [
        Wanted(
            "wired_ltc", f"{a} in, {b} out", PLAIN, {"wiring": full, "input_mapping": a, "output_mapping": b}
        )
        for a, b in (("affine", "linear"), ("linear", None), (None, "affine"))
    ]
    found["wired_ltc.unfolds"] = [
        Wanted(
            "wired_ltc", f"{n} unfolds", "epsilon is large enough to show", {"wiring": full, "ode_unfolds": n}
        )
        for n in (1, 2, 6)
    ]
    found["wired_ltc.unfolds"] = [
        replace(wanted, config={**wanted.config, "epsilon": 0.0009765625})
        for wanted in found["wired_ltc.unfolds"]
    ]
    found["wired_ltc.implicit_constraints"] = [
        Wanted("wired_ltc", "softplus", PLAIN, {"wiring": full, "implicit_param_constraints": True})
    ]
    why = "three layers, none fully connected to the next: each reads the new state of the one before"
    found["wired_cfc.layers"] = [Wanted("wired_cfc", "three layers", why, {"wiring": layered()})]
    for argument in ("fully_recurrent", "sparse_time_heads"):
        found[f"wired_cfc.{argument}"] = [
            Wanted("wired_cfc", f"{argument}={on}, {label}", PLAIN, {"wiring": graph_, argument: on})
            for on in (True, False)
            for label, graph_ in (("three layers", layered()), ("one layer", sparse(4)))
        ]
    found["mixed_memory.step"] = [
        Wanted("mixed_memory", f"{cell} behind", PLAIN, {"cell": cell})
        for cell in ("CfCCell", "LTCCell", "WiredCfCCell", "WiredLTCCell")
    ]
    found["mixed_memory.step"].append(
        Wanted(
            "mixed_memory",
            "time zero",
            "t = 0 stops the cell, not the memory",
            {"cell": "LTCCell"},
            time="zero",
        )
    )
    return found


SEQUENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "steps": ("a step for each sample, from zeros", {}),
    "last": ("the last output alone", {"options": {"return_sequences": False}}),
    "final_state": ("every output, and the last state", {}),
    "backwards": (
        "from the last sample to the first; the outputs stay in that order",
        BACK := {"options": {"go_backwards": True}},
    ),
    "initial_state": ("from a given state", {"state": True}),
    "mask": ("masked first, in between and twice in a row", {"mask": "held"}),
    "mask.initial_state": (
        "before the first sample that counts the output is zero, whatever the state",
        {"mask": "first", "state": True},
    ),
    "mask.zero_output": (
        "zeros where a sample is masked",
        {"mask": "held", "options": {"zero_output_for_mask": True}},
    ),
}
LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: SEQUENCES[name] for name in ("steps", "final_state", "backwards", "initial_state")},
    "default": ("no timespans: each is 1", {"time": "none"}),
    "mask": (
        "masked first, in between and twice in a row, with a given state",
        {"mask": "held", "state": True},
    ),
    "mask.zero_output": SEQUENCES["mask.zero_output"],
    "mask.removed": ("the time of a masked sample is dropped with it", {"mask": "removed"}),
    "mask.carry": (
        "the time of masked samples counts with that of the next",
        {"mask": "held", "options": {"masked_time": "carry"}},
    ),
}


def sequence_clauses() -> dict[str, list[Wanted]]:
    found: dict[str, list[Wanted]] = {}
    for area, clauses_, time in (("sequence", SEQUENCES, "none"), ("layer", LAYERS, "column")):
        for name, (why, kinds) in clauses_.items():
            kinds = {"length": LENGTH, "state": False, "time": time, **kinds}
            found[f"{area}.{name}"] = [
                Wanted(family, family, why, config, sizes=Sizes(2, 3, 4, 3), **kinds)
                for family, config in CELLS.items()
            ]
    found["layer.steps"] += [
        Wanted(
            family,
            f"{family}, equal sizes",
            "batch, time and units are equal: a time along the wrong axis shows in numbers alone",
            CELLS[family],
            sizes=Sizes(4, 3, 4, 3),
            length=LENGTH,
            state=False,
        )
        for family in ("cfc", "ltc")
    ]
    return found


def all_clauses() -> dict[str, list[Wanted]]:
    """Return every clause that has vectors, and what they are."""
    parts = (step_clauses(), wired_clauses(), backbone_clauses(), time_clauses(), sequence_clauses())
    return {clause: wanted for part in parts for clause, wanted in part.items()}


# From a case to its file


def document(clause: str, wanted: Sequence[Wanted]) -> dict[str, Any]:
    """Return the file of a clause."""
    spec = clauses.load()
    about = spec.clauses[clause]
    vectors: dict[str, Any] = plain(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "spec": spec.version,
            "clause": clause,
            "level": about.level,
            "demand": about.demand,
            "cases": [answered(clause, one, seed) for seed, one in enumerate(wanted)],
        }
    )
    return vectors


def answered(clause: str, wanted: Wanted, seed: int) -> dict[str, Any]:
    """Return the case, its exact answer and its bounds, from the first seed that every tier can judge."""
    for attempt in range(20):
        case: dict[str, Any] = plain(made(wanted, 1000 * attempt + seed))
        vector = Vector(clause, clauses.load().version, wanted.name, wanted.why, wanted.family, case)
        bounds = {tier: bound(vector, tier) for tier in TIERS}
        if all(bounds.values()):
            return {**case, "expected": exactly.answer(case), "bounds": bounds}
    raise ValueError(f"{clause}: no seed makes a {wanted.name!r} that float32 can be judged by")


def bound(vector: Vector, tier: str) -> dict[str, Any] | None:
    """Return the bounds at a tier, rounded up to three digits; None where one says nothing."""
    cells = ReferenceCells()
    cell = next(one for one in cells.describe()["cells"] if one["family"] == vector.family)
    subject, case = Subject(cells, cell, tier), vector.case(tier)
    if isinstance(case, SequenceCase):
        outputs, state = assertions.folded(subject, case)
        last = case.options.get("return_sequences", True) is False
        output = outputs[-1] if last else np.stack(outputs, axis=1)  # type: ignore[call-overload]
    else:
        assert isinstance(case, StepCase)
        output, state = subject.reference(case)
    for one in (output, state):
        scale = float(np.max(np.abs(one.value))) or 1.0
        if not (np.isfinite(one.error) & (one.error <= assertions.UNDECIDED * scale)).all():
            return None
    tensors = subject.family.split(case.config, rounded_up(state.error))
    return {"output": rounded_up(output.error).tolist(), "state": [tensor.tolist() for tensor in tensors]}


def rounded_up(error: Values) -> Values:
    """Round up to three digits."""
    text = np.vectorize(lambda e: float(f"{e * 1.005:.2e}"), otypes=[float])(error)
    return np.maximum(text, 0.0)


def main() -> None:
    for clause, wanted in all_clauses().items():
        jsonfile.save(document(clause, wanted), GOLDEN / f"{clause}.json")
        print(clause)


if __name__ == "__main__":
    main()
