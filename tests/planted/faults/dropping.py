"""Faults of dropout."""

from __future__ import annotations

from typing import Any

from .fault import Fault, FaultOfLTC, found_by, ops, pair, unpair


@found_by("dropout.inference", "output.* but should be")
class DropsAtInference(Fault):
    """Dropout applies at inference too."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        return super().call(inputs, states, training=True)


@found_by("dropout.training", "training drops nothing")
class NeverDrops(FaultOfLTC):
    """Dropout never applies."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        return super().call(inputs, states, training=False)


@found_by("dropout.training", "training drops nothing")
class DropsInputs(Fault):
    """Dropout acts on the inputs instead of the backbone."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        x, t = pair(inputs)
        if training and self._drops:
            from keras import random

            x = random.dropout(x, self.backbone_dropout, seed=self.seed_generator)
        return super().call(unpair(x, t), states, training=False)


@found_by("dropout.rate", "a feature is neither dropped nor scaled")
class DropsState(FaultOfLTC):
    """Dropout acts on the new state instead of the backbone."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new, _ = super().call(inputs, states, training=False)
        if training and self._drops:
            from keras import random

            new = random.dropout(new, self.backbone_dropout, seed=self.seed_generator)
        return new, [new]


@found_by("dropout.fresh", "two training calls draw one mask")
class MaskForEver(Fault):
    """The first mask is kept for every call."""

    kept: Any = None

    def _masks(self, x: Any) -> Any:
        self.kept = self.kept or super()._masks(x)
        return self.kept


@found_by("dropout.held", "the second step of a sequence has another mask than the first")
class MaskOfEachStep(FaultOfLTC):
    """Each step of a sequence draws a mask of its own."""

    def get_dropout_mask(self, step_input: Any) -> Any:
        return None


@found_by("dropout.held", "two sequences draw one mask")
class MaskOfFirstSequence(Fault):
    """The mask of the first sequence is that of every sequence; by hand each call draws its own."""

    kept: Any = None

    def get_dropout_mask(self, step_input: Any) -> Any:
        drawn = super().get_dropout_mask(step_input)
        self._dropout_masks = self.kept = self.kept or drawn
        return self.kept


@found_by("dropout.held", "all samples have one mask")
class MaskOfTheBatch(Fault):
    """One mask is drawn for all samples."""

    def _masks(self, x: Any) -> Any:
        return [ops.broadcast_to(mask[:1], mask.shape) for mask in super()._masks(x)]


@found_by("dropout.rate", "a feature is neither dropped nor scaled")
class NotScaled(Fault):
    """What is kept is not scaled by 1 / (1 - rate)."""

    def _masks(self, x: Any) -> Any:
        return [mask * (1.0 - self.backbone_dropout) for mask in super()._masks(x)]


@found_by("dropout.rate", r"of \d+ features \d+ are dropped, but about \d+ should be")
class RateIsKept(FaultOfLTC):
    """The rate is the share that is kept."""

    def _masks(self, x: Any) -> Any:
        scale = 1.0 / (1.0 - self.backbone_dropout)
        return [scale * ops.cast(mask == 0.0, mask.dtype) for mask in super()._masks(x)]
