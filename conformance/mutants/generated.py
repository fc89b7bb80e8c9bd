"""Mutants generated from the reference's source; those that no clause can find are named, with reasons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial

from conformance.mutants.generator import Change, changes
from conformance.mutants.mutant import Mutant
from conformance.oracle import source

MODULES = (
    "reference.activations",
    "reference.backbone",
    "reference.cfc",
    "reference.ltc",
    "reference.solvers",
    "reference.wired_ltc",
    "reference.wired_cfc",
    "reference.mixed_memory",
    "reference.sequence",
)

FOUND_BY = (
    (r"activations\.absolute", "cfc.step.pure"),
    (r"activations\.clip", "ltc.time_constant"),
    (r"activations", "backbone.activation"),
    (r"backbone\.backbone: z = np\.concatenate", "backbone.absent"),
    (r"backbone", "backbone.layers"),
    (r"cfc\.cfc_step: 1\.", "time.default"),
    (r"cfc\.no_gate", "cfc.step.no_gate"),
    (r"cfc\.pure", "cfc.step.pure"),
    (r"cfc\.heads: return", "cfc.step.head_activation"),
    (r"cfc", "cfc.step.default"),
    (r"ltc\.ltc_step: 1\.", "time.default"),
    (r"ltc\.(constant|time_constant)", "ltc.time_constant"),
    (r"ltc\.explicit", "ltc.step.explicit"),
    (r"ltc\.output", "ltc.step.activation"),
    (r"ltc", "ltc.step.semi_implicit"),
    (r"solvers\.(semi_implicit|mean)", "wired_ltc.step.semi_implicit"),
    (r"solvers\.rk4", "wired_ltc.step.rk4"),
    (r"solvers", "wired_ltc.step.explicit"),
    (r"wired_ltc\.wired_ltc_step: 1\.", "time.default"),
    (r"wired_ltc\.mapped", "wired_ltc.mapping"),
    (r"wired_ltc\.positive", "wired_ltc.implicit_constraints"),
    (r"wired_ltc\.synapses: return w", "wiring.influence"),
    (r"wired_ltc", "wired_ltc.step.semi_implicit"),
    (r"wired_cfc\.wired_cfc_step: 1\.", "time.default"),
    (r"wired_cfc\.wired_cfc_step: masked", "wired_cfc.sparse_time_heads"),
    (r"wired_cfc\.layer_parameters: return \{name: a if name in masked else a ", "wiring.influence"),
    (r"wired_cfc", "wired_cfc.layers"),
    (r"mixed_memory", "mixed_memory.step"),
    (r"sequence\.carried", "layer.mask.carry"),
    (r"sequence\.elapsed_backwards", "layer.backwards.elapsed"),
    (r"sequence.*go_backwards", "sequence.backwards"),
    (r"sequence.*shown = ", "sequence.mask.zero_output"),
    (r"sequence\.fold: previous = np.where\(keep, output, (output|1e-06)", "sequence.mask.initial_state"),
    (r"sequence", "sequence.mask"),
)
"""By prefix of a mutant's name, the clause that finds it; the first that fits."""

EQUIVALENT = {
    "activations.expm1_below_zero: return np.expm1(np.where(a.real < 0, a, 0.0 * a))": "expm1(0) is 0",
    **dict.fromkeys(
        (
            "activations.expm1_below_zero: return np.where(a.real < 0, np.expm1(a), 0.0 * a)",
            *(
                "activations.expm1_below_zero: "
                f"return np.where(a.real < 0, np.expm1(np.where(a.real < 0, a, {other})), 0.0 * a)"
                for other in ("a", "0.0 / a", "1e-06 * a")
            ),
        ),
        "the inner selection keeps exp from overflowing where its value is not selected",
    ),
    **dict.fromkeys(
        (
            "solvers.semi_implicit: weights = "
            "np.concatenate([(cm - zero)[None], dt * g, (dt * epsilon + zero)[None]])",
            "solvers.semi_implicit: weights = "
            "np.concatenate([(cm + zero)[None], dt * g, (dt * epsilon - zero)[None]])",
        ),
        "the zero is there for its shape",
    ),
    "solvers.rk4: return np.sum(np.stack([dt / 6.0 * k4, dt / 3.0 * k3, dt / 3.0 * k2, dt / 6.0 * k1, v]), "
    "axis=0)": "a sum in another order",
    "cfc.pure: rate = absolute(-parameters['w_tau']) + absolute(f1)": "|-a| is |a|",
    "cfc.pure: rate = absolute(parameters['w_tau']) + absolute(-f1)": "|-a| is |a|",
}
"""Changes with equal results for every legal input, and why."""

SHAPE = "raises: an array of another shape"

OUTSIDE = {
    r"activations\.(primitive|get)": "dispatch, no formula",
    r"activations\.erf: return": "the slope of erf for the complex step: no value depends on it",
    r"activations\.gelu_tanh": "no config names it: the suite's activations are strings of Keras",
    r"cfc\.cfc_step: not mode == 'pure'": "raises: a mode is given the parameters of another",
    r"cfc\.pure: .*(ff2|time_[ab])": "raises: mode pure has no such parameter",
    r"sequence\.fold: previous = .*previous if previous is None": "raises: there is no previous output yet",
    r"sequence\.fold: previous = 0\.0 if previous is None": "raises: an output without a shape",
    r"sequence\.running_order: return range\((length \+ 1|length,|-1,|1 - length|-length - 1)": "raises: "
    "another number of samples than there are",
    r"solvers\.semi_implicit: weights = np\.concatenate\(\[(cm|\(g|\(cm \+ (cm|epsilon|g)\))": SHAPE,
    r"solvers\.semi_implicit: .*\[None\], dt(,| \* (?!g))": SHAPE,
    r"solvers\.semi_implicit: .*, \((dt \* epsilon\)|dt \* epsilon \+ g|dt \* g|g \* epsilon)": SHAPE,
    r"solvers\.current: .* \* (g|reversals)$": SHAPE,
    r"wired_ltc\.mapped: (scaled = parameters|return parameters)": SHAPE,
    r"wired_cfc\.wired_cfc_step: (masked = (HEADS -|-HEADS)|own)": "raises: no set, or no such slice",
    r"wired_cfc\.layer_parameters: return \{name: a if name in masked else np": "raises: a mask for a bias",
    r"mixed_memory\.gates: (a, i, f, o|.*tau_kernel)": "raises: gates of other sizes, no such parameter",
}
"""Changes that are not used as mutants, and why."""


@cache
def mutants() -> dict[str, Mutant]:
    """Return every generated mutant that a clause must find, by name."""
    required = (_mutant(change) for change in all_changes() if not _left_out(change.name))
    return {mutant.name: mutant for mutant in required}


@cache
def equivalent() -> dict[str, Mutant]:
    """Return the generated changes that must pass, by name."""
    return {change.name: _mutant(change) for change in all_changes() if change.name in EQUIVALENT}


def all_changes() -> Iterator[Change]:
    """Yield every change of the reference's formulas."""
    for module in MODULES:
        yield from changes(module, source.tree(module))


def _left_out(name: str) -> bool:
    return name in EQUIVALENT or any(re.match(pattern, name) for pattern in OUTSIDE)


def _mutant(change: Change) -> Mutant:
    what = f"In {change.function}, `{change.before}` has become `{change.after}`."
    clause = next(clause for pattern, clause in FOUND_BY if re.match(pattern, change.name))
    changed = partial(change.applied, source.tree(change.module))
    return Mutant(change.name, what, clause, change.module, changed)
