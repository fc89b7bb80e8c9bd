"""Written mutants that are right at small sizes: the rest of a vector, of a block, of a loop."""

from __future__ import annotations

from conformance.mutants.rewrite import Rewrite
from conformance.mutants.written_calls import CALL, CELL, ORDER, SEQUENCE, STEP

REWRITES = (
    Rewrite(
        "UnitsBeyondBlocks",
        "Of 8 units and more, those beyond the last whole block of 8 put out nothing.",
        "size.step",
        CELL,
        CALL,
        "output, new = self.formula(parameters, inputs, state, time)\n        "
        "whole = output.shape[1] // 8 * 8 or output.shape[1]\n        "
        "return np.where(np.arange(output.shape[1]) < whole, output, 0.0), new",
    ),
    Rewrite(
        "BatchBeyondBlock",
        "Of a batch of more than 32 the samples beyond read those at its beginning.",
        "size.step",
        CELL,
        CALL,
        "return self.formula(parameters, inputs[np.arange(len(inputs)) % 32], state, time)",
    ),
    Rewrite(
        "LoopOfSixtyFour",
        "After 64 steps the state and the output stay as they are.",
        "size.sequence",
        SEQUENCE,
        STEP,
        "output, new = step(inputs[:, k, :], state, k) if k < 64 else (outputs[-1], state)",
    ),
    Rewrite(
        "SequenceInChunks",
        "Every 32 steps the state begins anew.",
        "size.sequence",
        SEQUENCE,
        f"{ORDER}\n        {STEP}",
        f"first = state\n    {ORDER}\n        "
        "output, new = step(inputs[:, k, :], first if k and k % 32 == 0 else state, k)",
    ),
)
