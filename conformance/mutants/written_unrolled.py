"""Written mutants of sequences that are unrolled, and of masks before the first sample that counts."""

from __future__ import annotations

from conformance.mutants.rewrite import Rewrite

SEQUENCE, LAYER = "reference.sequence", "conformance.oracle.layer"
NAMED = "named = {name: self.options.get(name, False) for name in FOLD_OPTIONS}"
STEP = (
    "def step(x: Array, state: Array, k: int) -> tuple[Array, Array]:\n"
    "            return self.step(x, state, None if counted is None else counted[:, k])"
)
UNROLLED = 'self.options.get("unroll")'

REWRITES = (
    Rewrite(
        "UnrolledForwards",
        "Unrolled, a sequence runs forwards, whatever is asked for.",
        "sequence.unroll",
        LAYER,
        NAMED,
        f'{NAMED}\n        named["go_backwards"] = named["go_backwards"] and not {UNROLLED}',
    ),
    Rewrite(
        "UnrolledFromInitialState",
        "Unrolled without a mask or elapsed time, every step goes on from the initial state.",
        "sequence.unroll",
        LAYER,
        STEP,
        f"held = {UNROLLED} and mask is None and counted is None\n"
        "        first = np.concatenate(state, axis=-1)\n\n        "
        + STEP.replace("(x, state, None", "(x, first if held else state, None"),
    ),
    Rewrite(
        "UnrolledMaskForwards",
        "Unrolled backwards without elapsed time, the mask runs forwards.",
        "sequence.mask.unroll",
        LAYER,
        NAMED,
        f"{NAMED}\n"
        f'        if {UNROLLED} and named["go_backwards"] and mask is not None and times is None:\n'
        "            mask = mask[:, ::-1]",
    ),
    Rewrite(
        "MaskedStartShowsState",
        "Before the first sample that counts the initial state is put out.",
        "sequence.mask.initial_state",
        SEQUENCE,
        "    previous = None\n",
        "    previous = None if mask is None else state\n",
    ),
)
