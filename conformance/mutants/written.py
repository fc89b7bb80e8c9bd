"""The mutants that a change of one operand cannot express: a passage of the source is written anew."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache, partial

from conformance.mutants import source
from conformance.mutants.mutant import Mutant


@dataclass(frozen=True)
class Rewrite:
    """`old`, which stands in the module once, becomes `new`."""

    name: str
    what: str
    clause: str
    module: str
    old: str
    new: str

    def tree(self) -> ast.Module:
        """The module rewritten; ValueError where `old` stands in it not once."""
        text = source.text(self.module)
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {count} times in {self.module}, not once")
        return ast.parse(text.replace(self.old, self.new))


ACTIVATIONS, BACKBONE, CFC, LTC, SEQUENCE = (
    f"reference.{name}" for name in ("activations", "backbone", "cfc", "ltc", "sequence")
)
CELL, LAYER, ANSWERS = (f"conformance.mutants.{name}" for name in ("cell", "layer", "reference_cells"))

GATED = "return f1 * (1.0 - s) + f2 * s"
GATE = "return sigmoid(-slope * t + offset)"
DECAY = 'return parameters["A"] - parameters["A"] * f1 * np.exp(-t * rate)'
RELAX = "return h + t / (t + tau) * (d - h)"
HELD_LOG = "return np.exp(clip(a, -LOG_TAU_LIMIT, LOG_TAU_LIMIT))"
ACTIVATED = "z = activations.get(backbone_activation)(a)"
ORDER = "for k in reversed(order) if go_backwards else order:"
STEP = "new = step(inputs[:, k, :], state, k)"
KEEP = "keep = np.asarray(mask)[:, k, None]"
HELD = "state = np.where(keep, new, state)"
ANSWER = "return outputs, state"
RESHAPED = "return np.reshape(timespans, (-1, 1))"
CALL = "return self.formula(parameters, inputs, state, *time)"

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
    # Elapsed time
    Rewrite(
        "TimeAlongUnits",
        "Where there are as many samples as units, time runs along the units.",
        "time.per_sample",
        CELL,
        "step(parameters, inputs, state, *time, **named)",
        "step(parameters, inputs, state, *(t.T if t.size == state.shape[1] else t for t in time), **named)",
    ),
    Rewrite(
        "TimeOfFirstSample",
        "The time of the first sample is that of all.",
        "time.per_sample",
        CELL,
        RESHAPED,
        "return np.reshape(timespans, (-1, 1))[:1]",
    ),
    Rewrite(
        "TimeOfMean",
        "The mean of the batch's times is that of each sample.",
        "time.per_sample",
        CELL,
        RESHAPED,
        "return np.reshape(np.mean(timespans), (1, 1))",
    ),
    Rewrite(
        "FlatTimeIgnored",
        "A time of shape (batch) is taken for 1.",
        "time.per_sample",
        CELL,
        RESHAPED,
        "return np.reshape(np.ones_like(timespans) if shape == (batch,) else timespans, (-1, 1))",
    ),
    Rewrite(
        "ScalarTimeIgnored",
        "A time that is one number is taken for 1.",
        "time.scalar",
        CELL,
        RESHAPED,
        "return np.reshape(np.ones_like(timespans) if shape == () else timespans, (-1, 1))",
    ),
    Rewrite(
        "ScalarTimeOfFirstSample",
        "A time that is one number acts on the first sample, and 1 on the others.",
        "time.scalar",
        CELL,
        RESHAPED,
        "return np.reshape([timespans] + [1.0] * (batch - 1) if shape == () else timespans, (-1, 1))",
    ),
    Rewrite(
        "NoTimeIsZero",
        "Where no time is given it is 0.",
        "time.default",
        CELL,
        "time = () if timespans is None",
        "time = (0.0,) if timespans is None",
    ),
    Rewrite(
        "TimeHasFloor",
        "Elapsed time is at least 0.001.",
        "time.zero",
        CELL,
        RESHAPED,
        "return np.maximum(np.reshape(timespans, (-1, 1)), 1e-3)",
    ),
    Rewrite(
        "ZeroTimeIsOne",
        "A time of 0 is taken for none.",
        "time.zero",
        CELL,
        "if timespans is None else (",
        "if timespans is None or not np.any(timespans) else (",
    ),
    Rewrite(
        "TimeHasCeiling",
        "Elapsed time is at most 100.",
        "time.large",
        CELL,
        RESHAPED,
        "return np.minimum(np.reshape(timespans, (-1, 1)), 100.0)",
    ),
    # Step and state
    Rewrite(
        "BatchMean",
        "The mean of the batch is taken off the inputs.",
        "state.rows",
        CELL,
        CALL,
        "return self.formula(parameters, inputs - inputs.mean(axis=0), state, *time)",
    ),
    Rewrite(
        "StateOfTheNeighbour",
        "Each sample goes on from the state of the one before.",
        "state.rows",
        CELL,
        CALL,
        "return self.formula(parameters, inputs, np.roll(state, 1, axis=0), *time)",
    ),
    Rewrite(
        "StateForgotten",
        "A step goes on from zeros.",
        "state.threads",
        CELL,
        CALL,
        "return self.formula(parameters, inputs, 0.0 * state, *time)",
    ),
    Rewrite(
        "StateOfOnes",
        "The initial state is ones.",
        "state.initial",
        CELL,
        "return np.zeros((batch",
        "return np.ones((batch",
    ),
    Rewrite(
        "Float32Inside",
        "A step is computed in float32.",
        "dtype.float64",
        CELL,
        CALL,
        'return self.formula(parameters, inputs.astype("float32"), state, *time)',
    ),
    Rewrite(
        "StateIsOld",
        "The state returned is the one that was given.",
        "step.output_is_state",
        ANSWERS,
        '"state": [new], "outputs"',
        '"state": state, "outputs"',
    ),
    Rewrite(
        "StateRounded",
        "The state returned is the output rounded to float16.",
        "step.output_is_state",
        ANSWERS,
        '"state": [new], "outputs"',
        '"state": [new.astype("float16").astype(new.dtype)], "outputs"',
    ),
    Rewrite(
        "StateOverwritten",
        "The new state is written over the one that was given.",
        "state.pure",
        ANSWERS,
        "        after = {",
        "        state[0][...] = new\n        after = {",
    ),
    # Gradients
    Rewrite(
        "StateNotLearnt",
        "No gradient reaches the state.",
        "gradient.state",
        ANSWERS,
        '"state": [by_tensor["state"]]',
        '"state": [0.0 * by_tensor["state"]]',
    ),
    Rewrite(
        "InputsOfOtherSign",
        "The derivative by the inputs has the other sign.",
        "gradient.inputs",
        ANSWERS,
        "return {**by_tensor, ",
        'return {**by_tensor, "inputs": -by_tensor["inputs"], ',
    ),
    Rewrite(
        "TimeLearntTogether",
        "The derivative by a sample's time is the batch's mean.",
        "gradient.timespans",
        ANSWERS,
        "return {**by_tensor, ",
        'return {**by_tensor, "timespans": 0.0 * times + by_tensor["timespans"].mean(), ',
    ),
    Rewrite(
        "BiasNotLearnt",
        "No gradient reaches a bias.",
        "gradient.parameters",
        ANSWERS,
        '"parameters": found}',
        '"parameters": {path: slope * (slope.ndim > 1) for path, slope in found.items()}}',
    ),
    Rewrite(
        "CotangentOfOnes",
        "The gradient is that of the plain sum.",
        "gradient.parameters",
        CELL,
        "(new.imag * cotangent)",
        "(new.imag * (0.0 * cotangent + 1.0))",
    ),
    # Sequences
    Rewrite(
        "FirstSampleRepeated",
        "Every step reads the first sample.",
        "sequence.steps",
        SEQUENCE,
        STEP,
        "new = step(inputs[:, 0, :], state, k)",
    ),
    Rewrite(
        "StateHeldFirst",
        "Every step goes on from the initial state.",
        "sequence.steps",
        SEQUENCE,
        f"{ORDER}\n        {STEP}",
        f"first = state\n    {ORDER}\n        new = step(inputs[:, k, :], first, k)",
    ),
    Rewrite(
        "LastStateIsFirst",
        "The state returned is that of the first step.",
        "sequence.final_state",
        SEQUENCE,
        ANSWER,
        "return outputs, outputs[0]",
    ),
    Rewrite(
        "LastStateIsOld",
        "The state returned is that before the last step.",
        "sequence.final_state",
        SEQUENCE,
        ANSWER,
        "return outputs, outputs[-2] if len(outputs) > 1 else 0.0 * state",
    ),
    Rewrite(
        "OutputsInOrderOfSamples",
        "Backwards, the outputs are put into the order of the samples.",
        "sequence.backwards",
        SEQUENCE,
        ANSWER,
        "return outputs[::-1] if go_backwards else outputs, state",
    ),
    Rewrite(
        "MaskNotReversed",
        "Backwards, the mask runs forwards.",
        "sequence.mask",
        SEQUENCE,
        KEEP,
        "keep = np.asarray(mask)[:, inputs.shape[1] - 1 - k if go_backwards else k, None]",
    ),
    Rewrite(
        "MaskOfFirstSample",
        "The mask of the first sample is that of all.",
        "sequence.mask",
        SEQUENCE,
        KEEP,
        "keep = np.asarray(mask)[:1, k, None]",
    ),
    Rewrite(
        "MaskInverted",
        "What is masked counts, and what counts is masked.",
        "sequence.mask",
        SEQUENCE,
        KEEP,
        "keep = ~np.asarray(mask)[:, k, None]",
    ),
    Rewrite(
        "MaskResetsState",
        "A masked step resets the state.",
        "sequence.mask",
        SEQUENCE,
        HELD,
        "state = np.where(keep, new, 0.0 * state)",
    ),
    Rewrite(
        "MaskedOutputZero",
        "A masked step always puts out zeros.",
        "sequence.mask",
        SEQUENCE,
        "previous = np.where(keep, new, previous)",
        "previous = np.where(keep, new, 0.0 * new)",
    ),
    Rewrite(
        "MaskedOutputComputed",
        "A masked step puts out what it would be without the mask.",
        "sequence.mask",
        SEQUENCE,
        "previous = np.where(keep, new, previous)",
        "previous = new",
    ),
    Rewrite(
        "ZeroOutputIgnored",
        "zero_output_for_mask is ignored.",
        "sequence.mask.zero_output",
        LAYER,
        'FOLD_OPTIONS = ("go_backwards", "zero_output_for_mask")',
        'FOLD_OPTIONS = ("go_backwards",)',
    ),
    Rewrite(
        "BackwardsIgnored",
        "go_backwards is ignored.",
        "sequence.backwards",
        LAYER,
        'FOLD_OPTIONS = ("go_backwards", "zero_output_for_mask")',
        'FOLD_OPTIONS = ("zero_output_for_mask",)',
    ),
    Rewrite(
        "InitialStateIgnored",
        "The first step goes on from zeros, whatever state was given.",
        "sequence.initial_state",
        LAYER,
        "state = rows.initial_state or zeros",
        "state = zeros",
    ),
    Rewrite(
        "StatefulIgnored",
        "Each chunk starts from zeros.",
        "sequence.stateful",
        LAYER,
        'state = last if self.options.get("stateful") else zeros',
        "state = zeros",
    ),
    Rewrite(
        "FirstOutputReturned",
        "Without return_sequences the first output is returned.",
        "sequence.last",
        LAYER,
        "shown = outputs[-1][:, -1]",
        "shown = outputs[0][:, 0]",
    ),
    Rewrite(
        "StackReadsOldOutput",
        "A stacked cell reads what the one before put out a step ago.",
        "sequence.stacked",
        LAYER,
        "new[-1] if new else inputs",
        "self.split(state)[len(new) - 1] if new else inputs",
    ),
    Rewrite(
        "StackWithoutState",
        "A stacked cell goes on from zeros.",
        "sequence.stacked",
        LAYER,
        "cell.step(own, new[-1] if new else inputs, h)",
        "cell.step(own, new[-1] if new else inputs, 0.0 * h if new else h)",
    ),
    Rewrite(
        "BackwardOutputsReversed",
        "The backward outputs stay in the order in which they were computed.",
        "sequence.bidirectional",
        LAYER,
        "np.flip(returned, axis=1)",
        "returned",
    ),
    Rewrite(
        "BothForwards",
        "The backward cell runs forwards.",
        "sequence.bidirectional",
        LAYER,
        '{**options, "go_backwards": True}',
        "options",
    ),
    Rewrite(
        "OneCellBothWays",
        "The forward cell serves both directions.",
        "sequence.bidirectional",
        LAYER,
        "Layer(cells[1:], parameters[1:],",
        "Layer(cells[:1], parameters[:1],",
    ),
)


@cache
def mutants() -> dict[str, Mutant]:
    """Every written mutant, by name."""
    return {
        rewrite.name: Mutant(
            rewrite.name, rewrite.what, rewrite.clause, rewrite.module, partial(Rewrite.tree, rewrite)
        )
        for rewrite in REWRITES
    }
