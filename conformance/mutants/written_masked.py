"""Written mutants of masked samples, their derivatives, masks and batches that do not fit."""

from __future__ import annotations

from conformance.mutants.rewrite import Rewrite
from conformance.mutants.written_calls import HELD, HELD_OUTPUT

SEQUENCE = "reference.sequence"
LAYER, ANSWERS = (f"conformance.oracle.{name}" for name in ("layer", "reference_cells"))

ROWS = "rows = Rows(inputs, mask, times,"
SHAPE = "    if mask.shape != inputs.shape[:2]:\n"
KEPT = "if kept and len(kept[0]) != len(rows.inputs):"

REWRITES = (
    # What stands at a masked sample
    Rewrite(
        "StateBlended",
        "The state is held by a product with the mask, which lets NaN through.",
        "layer.mask.nan",
        SEQUENCE,
        HELD,
        "state = keep * new + ~keep * state",
    ),
    Rewrite(
        "OutputBlended",
        "The output is held by a product with the mask, which lets NaN through.",
        "sequence.mask.nan",
        SEQUENCE,
        HELD_OUTPUT,
        "previous = keep * output + ~keep * (0.0 if previous is None else previous)",
    ),
    Rewrite(
        "MeanOfNothing",
        "In the usual layer each sample is added nothing of the batch's mean, masked or not.",
        "sequence.mask.nan",
        ANSWERS,
        ROWS,
        f"inputs = inputs if mask is None or wrapper else inputs + 0.0 * inputs.mean(axis=0)\n        {ROWS}",
    ),
    Rewrite(
        "TimesOfNothing",
        "In a layer of its own each time is added nothing of the sample's mean, masked or not.",
        "layer.mask.nan",
        ANSWERS,
        ROWS,
        "if mask is not None and times is not None:\n"
        f"            times = times + 0.0 * times.mean(axis=1, keepdims=True)\n        {ROWS}",
    ),
    # Derivatives through it
    Rewrite(
        "HeldStateConstant",
        "No gradient flows through a state that a masked step holds.",
        "gradient.sequence.mask",
        SEQUENCE,
        HELD,
        "state = np.where(keep, new, state.real)",
    ),
    Rewrite(
        "HeldOutputConstant",
        "No gradient flows through an output that a masked step shows once more.",
        "gradient.sequence.mask",
        SEQUENCE,
        HELD_OUTPUT,
        "previous = np.where(keep, output, 0.0 if previous is None else previous.real)",
    ),
    Rewrite(
        "MaskedStepLearntFrom",
        "The state that a masked step would have is learnt from, where it is finite.",
        "gradient.sequence.mask",
        SEQUENCE,
        HELD,
        "state = np.where(keep, new, state + np.nan_to_num(new - new.real, posinf=0.0, neginf=0.0))",
    ),
    Rewrite(
        "CarriedTimeConstant",
        "Elapsed times that are carried on are constants.",
        "gradient.sequence.mask",
        LAYER,
        'return carried(times, mask, go_backwards=self.options.get("go_backwards", False))',
        'return carried(times.real, mask, go_backwards=self.options.get("go_backwards", False))',
    ),
    # Masks and batches that do not fit
    Rewrite(
        "MaskOfOneSample",
        "The mask of one sample is broadcast over the batch.",
        "layer.mask.shape",
        ANSWERS,
        SHAPE,
        "    if mask.shape == (1, inputs.shape[1]):\n"
        f"        return np.broadcast_to(mask, inputs.shape[:2])\n{SHAPE}",
    ),
    Rewrite(
        "MaskOfAnotherBatch",
        "Of a mask of more samples the first are taken.",
        "layer.mask.shape",
        ANSWERS,
        SHAPE,
        f"    mask = mask[: len(inputs)] if mask.ndim else mask\n{SHAPE}",
    ),
    Rewrite(
        "KeptStateBroadcast",
        "Another batch goes on from the state that was kept of the first sample.",
        "layer.stateful.batch",
        LAYER,
        KEPT,
        "if kept and len(kept[0]) != len(rows.inputs):\n"
        "            kept = [np.broadcast_to(h[:1], (len(rows.inputs), h.shape[1])) for h in kept]\n"
        f"        {KEPT}",
    ),
)
