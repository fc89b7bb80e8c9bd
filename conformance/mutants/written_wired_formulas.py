"""Written mutants of the formulas of wired cells and of mixed memory."""

from __future__ import annotations

from conformance.mutants.rewrite import Rewrite

CFC, LTC, SOLVERS, MEMORY = (
    f"reference.{name}" for name in ("wired_cfc", "wired_ltc", "solvers", "mixed_memory")
)
DENSE = "reference.ltc"

MASKED = "return {name: np.where(mask, a, 0.0) if name in masked else a for name, a in own.items()}"
TIME_HEADS = "masked = HEADS + TIME_HEADS if sparse_time_heads else HEADS"
OUTPUT = "return read[:, :output_dim], np.concatenate(new, axis=-1)"
WEIGHTS = "weights = np.concatenate([(cm + zero)[None], dt * g, (dt * epsilon + zero)[None]])"
EXPLICIT = "return ahead(conductances(v), reversals, v, dt / cm)"
SLOPE = "return current(conductances(v), reversals, v) / cm"
SYNAPSE = "return np.where(np.not_equal(adjacency, 0)[:, None, :], w * sigmoid(sigma * (v - mu)), 0.0)"
SHOWN = 'return mapped(v[:, :output_dim], parameters, "output", output_mapping), v'
HANDED = "output, new = step(inputs, np.tanh(memory) * sigmoid(o), timespans)"

REWRITES = (
    # The dense LTC's explicit step
    Rewrite(
        "ExplicitInParts",
        "The explicit step is taken in six parts.",
        "ltc.step.explicit",
        DENSE,
        "return h + t / tau * (d - h)",
        "for _ in range(6):\n        h = h + t / 6.0 / tau * (d - h)\n    return h",
    ),
    Rewrite(
        "ExplicitHeldStable",
        "An explicit step is cut at tau, so that it never goes past its target.",
        "ltc.step.explicit",
        DENSE,
        "return h + t / tau * (d - h)",
        "return h + clip(t / tau, 0.0, 1.0) * (d - h)",
    ),
    # Wired CfC
    Rewrite(
        "TimeHeadsAlwaysDense",
        "The wiring does not hold for the time heads, as in published code.",
        "wired_cfc.sparse_time_heads",
        CFC,
        TIME_HEADS,
        "masked = HEADS",
    ),
    Rewrite(
        "TimeHeadsAlwaysSparse",
        "sparse_time_heads=False is ignored.",
        "wired_cfc.sparse_time_heads",
        CFC,
        TIME_HEADS,
        "masked = HEADS + TIME_HEADS",
    ),
    Rewrite(
        "SlopeHeadDense",
        "Of the two time heads the wiring holds for the second alone.",
        "wired_cfc.sparse_time_heads",
        CFC,
        'TIME_HEADS = ("time_a/kernel", "time_b/kernel")',
        'TIME_HEADS = ("time_b/kernel",)',
    ),
    Rewrite(
        "AbsentConnectionsLeak",
        "A connection that the wiring does not have counts a millionth.",
        "wiring.influence",
        CFC,
        MASKED,
        MASKED.replace("0.0", "1e-6 * a"),
    ),
    Rewrite(
        "LayersReversed",
        "The state has its layers in the order of neuron ids, motor neurons first.",
        "wired_cfc.layers",
        CFC,
        OUTPUT,
        OUTPUT.replace("new,", "new[::-1],"),
    ),
    Rewrite(
        "LastNeuronsPutOut",
        "The last neurons of a layer put out, not the motor neurons.",
        "wired_cfc.step.default",
        CFC,
        OUTPUT,
        OUTPUT.replace("[:, :output_dim]", "[:, read.shape[-1] - output_dim :]"),
    ),
    Rewrite(
        "LayersShareTheTime",
        "Each layer is given its share of the time.",
        "wired_cfc.layers",
        CFC,
        "p, read, own, timespans, mode=mode",
        "p, read, own, timespans / len(layers), mode=mode",
    ),
    Rewrite(
        "WiredHeadAlwaysTanh",
        "In mode no_gate the layers of a wired CfC have tanh heads, whatever is asked for.",
        "wired_cfc.step.no_gate",
        CFC,
        "backbone_layers=0, head_activation=head_activation",
        'backbone_layers=0, head_activation="tanh" if mode == "no_gate" else head_activation',
    ),
    # Wired LTC
    Rewrite(
        "WiredExactDecay",
        "The semi-implicit step decays exponentially, as the exact solution would.",
        "wired_ltc.step.semi_implicit",
        SOLVERS,
        "    return mean(weights, potentials)",
        "    total = np.sum(g, axis=0) + epsilon\n"
        "    rest = np.sum(g * reversals, axis=0) / total\n"
        "    return rest + (v - rest) * np.exp(-dt * total / cm)",
    ),
    Rewrite(
        "CapacitanceTwice",
        "The semi-implicit step divides by the capacitance twice.",
        "wired_ltc.step.semi_implicit",
        SOLVERS,
        WEIGHTS,
        WEIGHTS.replace("dt * g", "dt * g / cm"),
    ),
    Rewrite(
        "ExplicitByEpsilon",
        "The explicit step has the semi-implicit one's epsilon.",
        "wired_ltc.step.explicit",
        SOLVERS,
        EXPLICIT,
        "return ahead(conductances(v), reversals, v, dt / (cm + epsilon))",
    ),
    Rewrite(
        "Midpoint",
        "The explicit step is that of the midpoint method.",
        "wired_ltc.step.explicit",
        SOLVERS,
        EXPLICIT,
        "middle = ahead(conductances(v), reversals, v, dt / 2.0 / cm)\n"
        "    return v + dt / cm * current(conductances(middle), reversals, middle)",
    ),
    Rewrite(
        "ConductancesHeld",
        "The four slopes of a Runge-Kutta step have the conductances of its beginning.",
        "wired_ltc.step.rk4",
        SOLVERS,
        f"    def slope(v: Array) -> Array:\n        {SLOPE}",
        "    g = conductances(v)\n\n    def slope(v: Array) -> Array:\n"
        "        return current(g, reversals, v) / cm",
    ),
    Rewrite(
        "ThreeEighths",
        "The Runge-Kutta step has the weights of the 3/8 rule.",
        "wired_ltc.step.rk4",
        SOLVERS,
        "dt / 6.0 * k1, dt / 3.0 * k2, dt / 3.0 * k3, dt / 6.0 * k4",
        "dt / 8.0 * k1, 3.0 * dt / 8.0 * k2, 3.0 * dt / 8.0 * k3, dt / 8.0 * k4",
    ),
    Rewrite(
        "SynapsesReversed",
        "A synapse runs from target to source.",
        "wired_ltc.step.semi_implicit",
        LTC,
        'synapses(p, "", adjacency, v)])',
        'np.swapaxes(synapses(p, "", adjacency, v), 0, 2)])',
    ),
    Rewrite(
        "LinearIsAffine",
        "A linear mapping of the outputs is taken for none.",
        "wired_ltc.mapping",
        LTC,
        SHOWN,
        SHOWN.replace("output_mapping)", 'None if output_mapping == "linear" else output_mapping)'),
    ),
    Rewrite(
        "ShiftedBeforeScaled",
        "A mapping shifts before it scales.",
        "wired_ltc.mapping",
        LTC,
        'return scaled + parameters[f"{which}_b"] if mapping == "affine" else scaled',
        'shift = parameters[f"{which}_b"] if mapping == "affine" else 0.0\n'
        '    return (a + shift) * parameters[f"{which}_w"]',
    ),
    Rewrite(
        "SoftplusNotOfCapacitance",
        "Under implicit constraints the capacitance stays as it is given.",
        "wired_ltc.implicit_constraints",
        LTC,
        'POSITIVE = ("gleak", "cm", "w", "sensory_w")',
        'POSITIVE = ("gleak", "w", "sensory_w")',
    ),
    Rewrite(
        "ConstraintsByExp",
        "Under implicit constraints the parameters go through exp.",
        "wired_ltc.implicit_constraints",
        LTC,
        "softplus(a) if name in POSITIVE",
        "np.exp(a) if name in POSITIVE",
    ),
    Rewrite(
        "AbsentSynapsesLeak",
        "A synapse that the wiring does not have counts a millionth.",
        "wiring.influence",
        LTC,
        SYNAPSE,
        SYNAPSE.replace("0.0)", "1e-6 * w * sigmoid(sigma * (v - mu)))"),
    ),
    Rewrite(
        "WiredTimeHasFloor",
        "The elapsed time of a wired LTC is at least 0.001.",
        "time.zero",
        LTC,
        "    v = state\n",
        "    v, timespans = state, np.maximum(timespans, 1e-3)\n",
    ),
    # Mixed memory
    Rewrite(
        "MemoryIsInput",
        "The cell reads m for its input and h for its state, as published code has it.",
        "mixed_memory.step",
        "conformance.spec.families.mixed_memory",
        "mixed_memory_step(parameters, inputs, state, memory, timespans, step=cell)",
        "mixed_memory_step(\n"
        "        parameters, inputs, state, memory, timespans,\n"
        "        step=lambda x, m, t: cell(np.concatenate([m, x], axis=-1)[:, : x.shape[-1]], state, t),\n"
        "    )",
    ),
    Rewrite(
        "ForgetByZero",
        "The forget gate has no bias of 1.",
        "mixed_memory.step",
        MEMORY,
        "[0.0, 0.0, 1.0, 0.0]",
        "[0.0, 0.0, 0.0, 0.0]",
    ),
    Rewrite(
        "GatesInKerasOrder",
        "The gates stand in the order of Keras's LSTM: i, f, a, o.",
        "mixed_memory.step",
        MEMORY,
        "a, i, f, o = gates(parameters, inputs, state)",
        "i, f, a, o = gates(parameters, inputs, state)",
    ),
    Rewrite(
        "MemoryNotSquashed",
        "The memory is handed on without tanh.",
        "mixed_memory.step",
        MEMORY,
        HANDED,
        HANDED.replace("np.tanh(memory)", "memory"),
    ),
    Rewrite(
        "MemoryOfHalf",
        "The memory is kept in float16.",
        "mixed_memory.state",
        "conformance.spec.families.mixed_memory",
        "np.concatenate([new, memory], axis=-1)",
        'np.concatenate([new, memory.astype("float16").astype(memory.dtype)], axis=-1)',
    ),
)
