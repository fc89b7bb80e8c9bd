"""Written mutants of wired cells, wirings, mixed memory, and sequences with elapsed time."""

from __future__ import annotations

from conformance.mutants.rewrite import Rewrite

CFC, LTC, WIRINGS = (f"reference.{name}" for name in ("wired_cfc", "wired_ltc", "wirings"))
MEMORY = "conformance.spec.families.mixed_memory"
LAYER, ANSWERS = (f"conformance.oracle.{name}" for name in ("layer", "reference_cells"))

STEP = "p, read, own, timespans, mode=mode"
UNFOLD = "v, timespans / ode_unfolds, epsilon)"
LEAK = 'leak = np.broadcast_to(p["gleak"], state.shape)[None]'
TIMED = "None if counted is None else counted[:, k]"

REWRITES = (
    # Wired CfC
    Rewrite(
        "WiredTimeIgnored",
        "No layer of a wired CfC is given the time.",
        "wired_cfc.step.default",
        CFC,
        STEP,
        "p, read, own, 1.0, mode=mode",
    ),
    Rewrite(
        "WiredAlwaysGated",
        "The layers of a wired CfC are gated in mode no_gate too.",
        "wired_cfc.step.no_gate",
        CFC,
        "mode=mode,",
        'mode="default" if mode == "no_gate" else mode,',
    ),
    Rewrite(
        "WiredPureTimeIgnored",
        "No layer of a wired CfC in mode pure is given the time.",
        "wired_cfc.step.pure",
        CFC,
        STEP,
        'p, read, own, 1.0 if mode == "pure" else timespans, mode=mode',
    ),
    Rewrite(
        "LayersReadOldState",
        "A layer reads the old state of the layer before.",
        "wired_cfc.layers",
        CFC,
        STEP,
        "p, state[:, start - len(layers[i - 1]) : start] if i else read, own, timespans, mode=mode",
    ),
    Rewrite(
        "AlwaysFullyRecurrent",
        "fully_recurrent=False is ignored.",
        "wired_cfc.fully_recurrent",
        CFC,
        "own | fully_recurrent",
        "own | True",
    ),
    Rewrite(
        "NeverFullyRecurrent",
        "fully_recurrent=True is ignored.",
        "wired_cfc.fully_recurrent",
        CFC,
        "own | fully_recurrent",
        "own",
    ),
    Rewrite(
        "RecurrentDiagonal",
        "Without fully_recurrent a neuron reads itself alone.",
        "wired_cfc.fully_recurrent",
        CFC,
        "own | fully_recurrent",
        "own & np.eye(len(own), dtype=bool) | fully_recurrent",
    ),
    # Wired LTC
    Rewrite(
        "UnfoldsAlwaysSix",
        "The solver takes six steps, whatever ode_unfolds is.",
        "wired_ltc.unfolds",
        LTC,
        "for _ in range(ode_unfolds)",
        "for _ in range(6)",
    ),
    Rewrite(
        "EpsilonFixed",
        "epsilon is 1e-8, whatever is asked for.",
        "wired_ltc.unfolds",
        LTC,
        UNFOLD,
        "v, timespans / ode_unfolds, 1e-8)",
    ),
    Rewrite(
        "SixthOfTime",
        "A step of the solver has a sixth of the time, whatever ode_unfolds is.",
        "wired_ltc.splitting",
        LTC,
        UNFOLD,
        "v, timespans / 6, epsilon)",
    ),
    Rewrite(
        "StepsOfATenth",
        "A step of the solver has length 0.1, as in the paper's code.",
        "wired_ltc.convergence",
        LTC,
        UNFOLD,
        "v, 0.1, epsilon)",
    ),
    Rewrite(
        "LastNeuronDoesNotLeak",
        "The last neuron has no leak.",
        "wired_ltc.relabelling",
        LTC,
        LEAK,
        f"{LEAK} * (np.arange(state.shape[-1]) < state.shape[-1] - 1)",
    ),
    # Mixed memory
    Rewrite(
        "MemoryFirst",
        "The state is (c, h).",
        "mixed_memory.state",
        MEMORY,
        "np.concatenate([new, memory], axis=-1)",
        "np.concatenate([memory, new], axis=-1)",
    ),
    # Wirings
    Rewrite(
        "PolaritiesInOtherOrder",
        "Polarities are drawn from [1, 1, -1].",
        "wiring.graph",
        WIRINGS,
        "EXCITATORY_TWO_TO_ONE = (-1, 1, 1)",
        "EXCITATORY_TWO_TO_ONE = (1, 1, -1)",
    ),
    Rewrite(
        "SensoryPolarityDrawnOnce",
        "Random draws the polarity of a sensory synapse once.",
        "wiring.graph",
        WIRINGS,
        "draw(input_dim, 2)",
        "draw(input_dim, 1)",
    ),
    Rewrite(
        "MotorFanOut",
        "Command neurons reach out to motor neurons, instead of motor neurons to them.",
        "wiring.graph",
        WIRINGS,
        "connect(adjacency.T, motor, command, motor_fanin, motor_neurons)",
        "connect(adjacency, command, motor, min(motor_fanin, motor_neurons), command.stop - command.start)",
    ),
    Rewrite(
        "CommandHalf",
        "Half of an AutoNCP's neurons are command neurons.",
        "wiring.graph",
        WIRINGS,
        "int(0.4 * (units - output_size))",
        "int(0.5 * (units - output_size))",
    ),
    Rewrite(
        "BuiltTwiceDrawsTwice",
        "A second build draws on from the stream of the first.",
        "wiring.idempotent",
        ANSWERS,
        'return dict.fromkeys(("once", "twice", "again"), once)',
        "twice = {name: np.where(m == 0, m, -m) for name, m in matrices.items()}\n"
        '        return {"once": once, "twice": {**once, **twice}, "again": once}',
    ),
    Rewrite(
        "SeedNotInConfig",
        "A wiring made of its config has the default seed.",
        "wiring.config",
        ANSWERS,
        'return dict.fromkeys(("once", "twice", "again"), once)',
        'seedless = {name: value for name, value in arguments.items() if "seed" not in name}\n'
        "        other = graph(kind, seedless, input_dim)\n"
        "        again = {name: getattr(other, name) for name in once}\n"
        '        return {"once": once, "twice": once, "again": again}',
    ),
    Rewrite(
        "OutputDimNotInConfig",
        "In a wiring made of its config every neuron is a motor neuron.",
        "wiring.config",
        ANSWERS,
        'return dict.fromkeys(("once", "twice", "again"), once)',
        'again = {**once, "output_dim": len(built.adjacency)}\n'
        '        return {"once": once, "twice": once, "again": again}',
    ),
    Rewrite(
        "AbsentSynapseLearns",
        "Some gradient reaches what the wiring does not have.",
        "wiring.gradient",
        ANSWERS,
        '"parameters": found}',
        '"parameters": {path: slope + 1e-12 for path, slope in found.items()}}',
    ),
    # Sequences with elapsed time
    Rewrite(
        "LayerTimeIgnored",
        "A layer drops the timespans.",
        "layer.steps",
        LAYER,
        TIMED,
        "None",
    ),
    Rewrite(
        "LayerTimeOfFirstStep",
        "Every step is given the time of the first sample.",
        "layer.steps",
        LAYER,
        TIMED,
        "None if counted is None else counted[:, 0]",
    ),
    Rewrite(
        "LayerTimeAlongBatch",
        "Where batch and time are equal the timespans are transposed.",
        "layer.steps",
        LAYER,
        TIMED,
        "None if counted is None else (counted.T if counted.shape[0] == counted.shape[1] else counted)[:, k]",
    ),
    Rewrite(
        "NoTimespansAreZero",
        "A layer without timespans takes each for 0.",
        "layer.default",
        LAYER,
        "counted = self.counted(times, mask, inputs)",
        "counted = self.counted(np.zeros(inputs.shape[:2]) if times is None else times, mask, inputs)",
    ),
    Rewrite(
        "LayerStateLost",
        "The state returned is zeros.",
        "layer.final_state",
        LAYER,
        "pairs = zip(self.cells, last, strict=True)",
        "pairs = zip(self.cells, [0.0 * own for own in last], strict=True)",
    ),
    Rewrite(
        "TimespansNotReversed",
        "Backwards, the timespans run forwards.",
        "layer.backwards",
        LAYER,
        TIMED,
        "None if counted is None else "
        'counted[:, inputs.shape[1] - 1 - k if self.options.get("go_backwards") else k]',
    ),
    Rewrite(
        "InitialStateDroppedBesideTimespans",
        "Beside timespans the initial state is ignored.",
        "layer.initial_state",
        LAYER,
        "state = rows.initial_state or kept or zeros",
        "state = zeros if rows.timespans is not None else rows.initial_state or kept or zeros",
    ),
    Rewrite(
        "TimespansOfFirstChunk",
        "Every chunk is given the timespans of the first samples.",
        "layer.stateful",
        LAYER,
        "rows.timespans[:, part]",
        "rows.timespans[:, :length]",
    ),
    Rewrite(
        "MaskDroppedBesideTimespans",
        "Beside timespans the mask is ignored.",
        "layer.mask",
        LAYER,
        "mask=mask, **named)",
        "mask=mask if times is None else None, **named)",
    ),
    Rewrite(
        "ZeroOutputDroppedBesideTimespans",
        "Beside timespans zero_output_for_mask is ignored.",
        "layer.mask.zero_output",
        LAYER,
        "self.options.get(name, False) for name in FOLD_OPTIONS}",
        "times is None and self.options.get(name, False) for name in FOLD_OPTIONS}",
    ),
    Rewrite(
        "MaskedTimeAlwaysCarried",
        "The time of masked steps is carried on, asked for or not.",
        "layer.mask.removed",
        LAYER,
        'if self.options.get("masked_time") != "carry" or mask is None:',
        "if mask is None:",
    ),
    Rewrite(
        "CarryNeedsTimespans",
        "Without timespans nothing is carried.",
        "layer.mask.carry",
        LAYER,
        'if self.options.get("masked_time") != "carry" or mask is None:',
        'if self.options.get("masked_time") != "carry" or mask is None or times is None:',
    ),
    Rewrite(
        "ElapsedNeedsTimespans",
        "Without timespans the times that pass backwards are all 1.",
        "layer.backwards.elapsed",
        LAYER,
        'if self.options.get("go_backwards") and self.options.get("backward_timespans") == "elapsed":',
        'if times is not None and self.options.get("go_backwards") '
        'and self.options.get("backward_timespans") == "elapsed":',
    ),
    Rewrite(
        "ImplicitMaskLost",
        "The mask that a layer in front gives is dropped.",
        "layer.mask.implicit",
        ANSWERS,
        "inputs, mask = masked_by(before, inputs)",
        "inputs, _ = masked_by(before, inputs)",
    ),
    Rewrite(
        "BackwardTimespansForwards",
        "The backward copy is given the timespans in the other order.",
        "layer.bidirectional",
        LAYER,
        '{**options, "go_backwards": True})(rows)',
        '{**options, "go_backwards": True})(rows if rows.timespans is None else '
        "Rows(rows.inputs, rows.mask, rows.timespans[:, ::-1], rows.initial_state, rows.chunks))",
    ),
    Rewrite(
        "TimeIsFirstFeature",
        "The first feature is taken for the time.",
        "layer.time_feature",
        ANSWERS,
        "inputs[..., :-1], inputs[..., -1]",
        "inputs[..., 1:], inputs[..., 0]",
    ),
    Rewrite(
        "TimespansBroadcast",
        "Timespans of another shape are broadcast.",
        "layer.timespans.shape",
        ANSWERS,
        "    if timespans.shape not in (shape, (*shape, 1)):",
        "    if timespans.ndim < 3:\n        return np.broadcast_to(timespans, shape)\n"
        "    if timespans.shape not in (shape, (*shape, 1)):",
    ),
    Rewrite(
        "EmptySequenceAccepted",
        "A sequence without a sample gives one of zeros.",
        "layer.empty",
        LAYER,
        "return np.stack(outputs, axis=1), self.split(last)",
        "return np.stack(outputs or [last], axis=1), self.split(last)",
    ),
    Rewrite(
        "SymbolicTimeIgnored",
        "A functional model drops the timespans.",
        "layer.symbolic",
        ANSWERS,
        "times = None if timespans is None else",
        "times = None if timespans is None or symbolic else",
    ),
)
