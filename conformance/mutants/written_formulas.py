"""Written mutants of the formulas: activations, heads, gates, solvers, backbone."""

from __future__ import annotations

from conformance.mutants.rewrite import Rewrite

ACTIVATIONS, BACKBONE, CFC, LTC = (f"reference.{name}" for name in ("activations", "backbone", "cfc", "ltc"))

GATE = "return sigmoid(-slope * t + offset)"
DECAY = 'return parameters["A"] - parameters["A"] * f1 * np.exp(-t * rate)'
RELAX = "return h + t / (t + tau) * (d - h)"
HELD_LOG = "return np.exp(clip(a, -LOG_TAU_LIMIT, LOG_TAU_LIMIT))"
ACTIVATED = "z = activations.get(backbone_activation)(a)"

REWRITES = (
    # Constants
    Rewrite(
        "LecunScaleRounded",
        "1.7159 is rounded to 1.716.",
        "backbone.activation",
        ACTIVATIONS,
        "1.7159 * np.tanh",
        "1.716 * np.tanh",
    ),
    Rewrite(
        "LecunSlopeTwoThirds",
        "0.666 is taken for 2/3.",
        "backbone.activation",
        ACTIVATIONS,
        "np.tanh(0.666 *",
        "np.tanh(2.0 / 3.0 *",
    ),
    Rewrite(
        "LeakySlopeOfOthers",
        "The slope of leaky_relu is 0.01, not 0.2.",
        "backbone.activation",
        ACTIVATIONS,
        "0.2 * relu",
        "0.01 * relu",
    ),
    Rewrite(
        "GeluByTanh",
        "gelu is the approximation by tanh.",
        "backbone.activation",
        ACTIVATIONS,
        '"gelu": gelu,',
        '"gelu": gelu_tanh,',
    ),
    Rewrite(
        "LogTauLimitEight",
        "log tau is held in [-8, 8], not [-9, 9].",
        "ltc.time_constant",
        LTC,
        "LOG_TAU_LIMIT = 9.0",
        "LOG_TAU_LIMIT = 8.0",
    ),
    # Gates and heads of a CfC
    Rewrite(
        "TimeNotOnBias",
        "The bias of the gate's slope is not multiplied by time.",
        "cfc.step.default",
        CFC,
        GATE,
        'return sigmoid(-(slope - parameters["time_a/bias"]) * t - parameters["time_a/bias"] + offset)',
    ),
    Rewrite(
        "TimeOnOffset",
        "The gate's offset is multiplied by time too.",
        "cfc.step.default",
        CFC,
        GATE,
        "return sigmoid((-slope + offset) * t)",
    ),
    Rewrite(
        "HardGate",
        "The gate is a straight line held in [0, 1].",
        "cfc.step.default",
        CFC,
        GATE,
        "return activations.clip(0.25 * (-slope * t + offset) + 0.5, 0.0, 1.0)",
    ),
    Rewrite(
        "HeadOnBlend",
        "The head's activation is applied to the blend, not to each head.",
        "cfc.step.head_activation",
        CFC,
        "return head(f1), head(f2)\n",
        "return f1, f2\n\n\n_gated = gated\n\n\n"
        "def gated(parameters, z, t, head_activation):\n"
        "    return activations.get(head_activation)(_gated(parameters, z, t, head_activation))\n",
    ),
    Rewrite(
        "HeadAlwaysTanh",
        "head_activation is ignored.",
        "cfc.step.head_activation",
        CFC,
        "head = activations.get(head_activation)",
        "head = np.tanh",
    ),
    Rewrite(
        "HeadTakesBackboneActivation",
        "The heads have the backbone's activation.",
        "backbone.activation",
        CFC,
        "return gated(parameters, z, timespans, head_activation)",
        "return gated(parameters, z, timespans, activation)",
    ),
    Rewrite(
        "NoGateIsGated",
        "Mode no_gate gates the first head too.",
        "cfc.step.no_gate",
        CFC,
        "return no_gate(parameters, z, timespans, head_activation)",
        "return gated(parameters, z, timespans, head_activation)",
    ),
    Rewrite(
        "PureHeadActivated",
        "Mode pure applies the head's activation to f1.",
        "cfc.step.pure",
        CFC,
        DECAY,
        f"f1 = np.tanh(f1)\n    {DECAY}",
    ),
    Rewrite(
        "RateOfFirstUnit",
        "Every unit decays at the rate of the first.",
        "cfc.step.pure",
        CFC,
        'absolute(parameters["w_tau"])',
        'absolute(parameters["w_tau"][:, :1])',
    ),
    Rewrite(
        "RateIsOneMagnitude",
        "The rate is |w_tau + f1|, not |w_tau| + |f1|.",
        "cfc.step.pure",
        CFC,
        'absolute(parameters["w_tau"]) + absolute(f1)',
        'absolute(parameters["w_tau"] + f1)',
    ),
    Rewrite(
        "PureFirstTermOne",
        "The first A is 1, at which it starts.",
        "cfc.step.pure",
        CFC,
        'return parameters["A"] - ',
        "return 1.0 - ",
    ),
    # Solvers and time constants of an LTC
    Rewrite(
        "ExactDecay",
        "The semi-implicit step is the exact decay, 1 - exp(-t / tau).",
        "ltc.step.semi_implicit",
        LTC,
        RELAX,
        "return h + (1.0 - np.exp(-t / tau)) * (d - h)",
    ),
    Rewrite(
        "SixSubsteps",
        "The semi-implicit step is taken in six parts.",
        "ltc.step.semi_implicit",
        LTC,
        RELAX,
        "for _ in range(6):\n        h = h + t / 6.0 / (t / 6.0 + tau) * (d - h)\n    return h",
    ),
    Rewrite(
        "TauNotHeld",
        "tau is not held within limits.",
        "ltc.time_constant",
        LTC,
        HELD_LOG,
        "return np.exp(a)",
    ),
    Rewrite(
        "TauHeldAfterExp",
        "tau is held in [-9, 9], not its logarithm.",
        "ltc.time_constant",
        LTC,
        HELD_LOG,
        "return clip(np.exp(a), -LOG_TAU_LIMIT, LOG_TAU_LIMIT)",
    ),
    Rewrite(
        "TauBySoftplus",
        "tau is softplus, not exp.",
        "ltc.time_constant",
        LTC,
        HELD_LOG,
        "return activations.softplus(clip(a, -LOG_TAU_LIMIT, LOG_TAU_LIMIT))",
    ),
    Rewrite(
        "TauOfTheBatch",
        "One time constant, the batch's mean, serves all samples.",
        "ltc.step.semi_implicit",
        LTC,
        HELD_LOG,
        f"a = a.mean(axis=0, keepdims=True)\n    {HELD_LOG}",
    ),
    Rewrite(
        "ActivationBeforeSolver",
        "The activation is applied to the target, not to the new state.",
        "ltc.step.activation",
        LTC,
        "v = advance(state, target(parameters, z), time_constant(parameters, z), timespans)\n"
        "    return output(v, activation)",
        "return advance(\n"
        "        state, output(target(parameters, z), activation), time_constant(parameters, z), timespans\n"
        "    )",
    ),
    Rewrite(
        "ActivationTwice",
        "The activation is applied twice.",
        "ltc.step.activation",
        LTC,
        "return activations.get(name)(v)",
        "return activations.get(name)(activations.get(name)(v))",
    ),
    Rewrite(
        "BackboneActivationOfState",
        "The backbone has the activation of the new state.",
        "backbone.activation",
        LTC,
        "backbone_activation=backbone_activation)",
        "backbone_activation=activation)",
    ),
    # Backbone
    Rewrite(
        "LastLayerLinear",
        "The last backbone layer has no activation.",
        "backbone.layers",
        BACKBONE,
        ACTIVATED,
        f"z = a\n        if i < layers - 1:\n            {ACTIVATED}",
    ),
    Rewrite(
        "FirstLayerOnlyActivated",
        "Only the first backbone layer has an activation.",
        "backbone.layers",
        BACKBONE,
        ACTIVATED,
        f"z = a\n        if i == 0:\n            {ACTIVATED}",
    ),
    Rewrite(
        "LastLayerLeftOut",
        "The last of several backbone layers is left out.",
        "backbone.layers",
        BACKBONE,
        "range(layers)",
        "range(max(layers - 1, min(layers, 1)))",
    ),
    Rewrite(
        "LayersOfOneWeight",
        "The third backbone layer has the weights of the second.",
        "backbone.layers",
        BACKBONE,
        "for i in range(layers):",
        "for i in (0, 1, 1)[:layers]:",
    ),
    Rewrite(
        "ActivationWithoutBackbone",
        "Without a backbone the activation is applied to input and state.",
        "backbone.absent",
        BACKBONE,
        "    return z\n",
        "    return z if layers else activations.get(backbone_activation)(z)\n",
    ),
    Rewrite(
        "ResidualLayers",
        "Each backbone layer after the first is added to what it reads.",
        "backbone.layers",
        BACKBONE,
        ACTIVATED,
        f"before = z\n        {ACTIVATED}\n        z = z + before if i else z",
    ),
)
