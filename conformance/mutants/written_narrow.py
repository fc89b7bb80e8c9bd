"""Written mutants of one of several ways through a cell or layer, which a single clause checks."""

from __future__ import annotations

from conformance.mutants.rewrite import Rewrite

CELL, LAYER, ANSWERS = (f"conformance.oracle.{name}" for name in ("cell", "layer", "reference_cells"))

OPTIONS = "        options = options or {}\n"
GRADIENTS = "return {**by_tensor, "
TIMES = "times = None if timespans is None else per_sample(timespans, inputs)\n"
STATE = "state = None if initial_state is None else side_by_side(cells, initial_state)\n"
ROWS = "rows = Rows(inputs, mask, times,"
PLAIN = 'not options.get("unroll") and mask is None'
MASKED = (
    'mask is not None and not before and not {"unroll", "zero_output_for_mask", "masked_time"} '
    "& {name for name, value in options.items() if value}"
)
FIRST_MASK = "mask = np.broadcast_to(mask[:1], mask.shape)"

REWRITES = (
    Rewrite(
        "ScalarTimeOfOneSample",
        "For a single sample a time that is one number is taken for 1.",
        "time.scalar",
        CELL,
        "return np.reshape(timespans, (-1, 1))",
        "return np.reshape(np.ones_like(timespans) if shape == () and batch == 1 else timespans, (-1, 1))",
    ),
    Rewrite(
        "FlatTimeByHand",
        "In a step by hand a time of shape (batch) is that of the first sample.",
        "time.per_sample",
        ANSWERS,
        "cell.step(parameters, inputs, given, timespans)",
        "cell.step(parameters, inputs, given, "
        "timespans if np.ndim(timespans) != 1 else np.broadcast_to(timespans[:1], timespans.shape))",
    ),
    Rewrite(
        "InitialStateByHand",
        "Asked for by hand, the initial state is ones.",
        "state.initial",
        ANSWERS,
        "state = cell.family.split(cell.config, cell.zeros(batch))",
        "state = cell.family.split(cell.config, 1.0 + cell.zeros(batch))",
    ),
    # Gradients, in the digits that float32 does not have
    Rewrite(
        "InputsSlopeTooSteep",
        "The gradient by the inputs is too large by 3e-7 of itself.",
        "gradient.inputs",
        ANSWERS,
        GRADIENTS,
        GRADIENTS + '"inputs": by_tensor["inputs"] * (1 + 3e-7), ',
    ),
    Rewrite(
        "TimeSlopeTooSteep",
        "The gradient by the time is too large by 1e-6 of itself.",
        "gradient.timespans",
        ANSWERS,
        GRADIENTS,
        GRADIENTS + '"timespans": by_tensor["timespans"] * (1 + 1e-6), ',
    ),
    Rewrite(
        "StateSlopeTooSteep",
        "The gradient by the state is too large by 3e-7 of itself.",
        "gradient.state",
        ANSWERS,
        '"state": tensors, "parameters"',
        '"state": [tensor * (1 + 3e-7) for tensor in tensors], "parameters"',
    ),
    Rewrite(
        "ParameterSlopeTooSteep",
        "The gradient by the parameters is too large by 3e-7 of itself.",
        "gradient.parameters",
        ANSWERS,
        '"parameters": found}',
        '"parameters": {path: slope * (1 + 3e-7) for path, slope in found.items()}}',
    ),
    Rewrite(
        "SequenceSlopeTooSteep",
        "The gradient by the inputs of a sequence is too large by 3e-7 of itself.",
        "gradient.sequence.inputs",
        ANSWERS,
        'return by_tensor | {"initial_state"',
        'return by_tensor | {"inputs": by_tensor["inputs"] * (1 + 3e-7), "initial_state"',
    ),
    # The usual layer of the host
    Rewrite(
        "FirstOutputWithoutState",
        "The first output is returned where neither sequences nor states are asked for.",
        "sequence.last",
        LAYER,
        'return {"output": shown}',
        'return {"output": shown if self.options.get("return_sequences") else outputs[0][:, 0]}',
    ),
    Rewrite(
        "UntimedStateLost",
        "Without timespans the state returned is zeros.",
        "sequence.final_state",
        LAYER,
        "return self.answer(outputs, last)",
        "return self.answer(outputs, zeros if rows.timespans is None else last)",
    ),
    Rewrite(
        "UntimedStatefulIgnored",
        "Without timespans each chunk starts from zeros.",
        "sequence.stateful",
        LAYER,
        'state = last if self.options.get("stateful") else zeros',
        'state = last if self.options.get("stateful") and rows.timespans is not None else zeros',
    ),
    Rewrite(
        "UntimedBackwardsIgnored",
        "Without timespans, a mask or unrolling, go_backwards is ignored.",
        "sequence.backwards",
        ANSWERS,
        OPTIONS,
        f"{OPTIONS}        if timespans is None and {PLAIN}:\n"
        '            options = {**options, "go_backwards": False}\n',
    ),
    Rewrite(
        "UntimedInitialStateIgnored",
        "Without timespans, a mask or unrolling, the initial state is ignored.",
        "sequence.initial_state",
        ANSWERS,
        STATE,
        f"{STATE}        state = None if timespans is None and {PLAIN} else state\n",
    ),
    Rewrite(
        "UsualMaskOfFirstSample",
        "In the usual layer, without an initial state, the mask of the first sample is that of all.",
        "sequence.mask",
        ANSWERS,
        ROWS,
        f"if {MASKED} and wrapper is None and not initial_state:\n            {FIRST_MASK}\n        {ROWS}",
    ),
    Rewrite(
        "UntimedStartShowsState",
        "Without timespans the initial state is put out before the first sample that counts.",
        "sequence.mask.initial_state",
        LAYER,
        "return np.stack(outputs, axis=1), self.split(last)",
        "shown = np.stack(outputs, axis=1)\n"
        "        if mask is not None and times is None:\n"
        '            seen = mask[:, ::-1] if self.options.get("go_backwards") else mask\n'
        "            counts = np.logical_or.accumulate(seen, axis=1)[..., None]\n"
        "            start = np.concatenate(state, axis=-1)[:, None, : shown.shape[-1]]\n"
        "            shown = np.where(counts, shown, start)\n"
        "        return shown, self.split(last)",
    ),
    Rewrite(
        "UsualZeroOutputIgnored",
        "In the usual layer zero_output_for_mask is ignored.",
        "sequence.mask.zero_output",
        ANSWERS,
        OPTIONS,
        OPTIONS + "        if wrapper is None:\n"
        '            options = {**options, "zero_output_for_mask": False}\n',
    ),
    Rewrite(
        "UsualCopiesExchanged",
        "In the usual layer of both directions each has the weights of the other.",
        "sequence.bidirectional",
        ANSWERS,
        "return bidirectional(cells, given, options, rows)",
        'return bidirectional(cells, given[::-1] if wrapper == "bidirectional" else given, options, rows)',
    ),
    # The sequence layer of its own
    Rewrite(
        "ColumnOfTimespansIgnored",
        "Timespans of shape (batch, time, 1) are taken for 1.",
        "layer.steps",
        ANSWERS,
        TIMES,
        f"{TIMES}        if times is not None and timespans.ndim == 3 and not symbolic:\n"
        "            times = np.ones_like(times)\n",
    ),
    Rewrite(
        "UnmaskedTimeIsZero",
        "Without timespans and mask a layer of its own takes each time for 0.",
        "layer.default",
        ANSWERS,
        TIMES,
        f'{TIMES}        if times is None and mask is None and wrapper == "layer":\n'
        "            times = np.zeros(inputs.shape[:2], inputs.dtype)\n",
    ),
    Rewrite(
        "TimedStateLost",
        "With timespans the state returned is zeros.",
        "layer.final_state",
        LAYER,
        "return self.answer(outputs, last)",
        "return self.answer(outputs, last if rows.timespans is None else zeros)",
    ),
    Rewrite(
        "UnmaskedTimespansNotReversed",
        "Backwards, without a mask or unrolling, the timespans run forwards.",
        "layer.backwards",
        ANSWERS,
        TIMES,
        f'{TIMES}        if times is not None and options.get("go_backwards") and {PLAIN}:\n'
        "            times = times[:, ::-1]\n",
    ),
    Rewrite(
        "TimedInitialStateIgnored",
        "With timespans and without a mask the initial state is ignored.",
        "layer.initial_state",
        ANSWERS,
        STATE,
        f"{STATE}        state = None if timespans is not None and not symbolic and {PLAIN} else state\n",
    ),
    Rewrite(
        "LayerMaskOfFirstSample",
        "In a layer of its own the mask of the first sample is that of all.",
        "layer.mask",
        ANSWERS,
        ROWS,
        f'if {MASKED} and wrapper == "layer":\n            {FIRST_MASK}\n        {ROWS}',
    ),
    Rewrite(
        "LayerZeroOutputIgnored",
        "In a layer of its own zero_output_for_mask is ignored.",
        "layer.mask.zero_output",
        ANSWERS,
        OPTIONS,
        OPTIONS + '        if wrapper == "layer":\n'
        '            options = {**options, "zero_output_for_mask": False}\n',
    ),
    Rewrite(
        "FunctionalTimeIgnored",
        "A functional model without a layer in front drops the timespans.",
        "layer.symbolic",
        ANSWERS,
        "times = None if timespans is None else",
        "times = None if timespans is None or (symbolic and not before) else",
    ),
)
