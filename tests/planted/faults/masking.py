"""Faults of a sequence layer under a mask: what it makes of masked samples and of masks that do not fit."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .fault import FaultOfLayer, found_by, ops

LEAKS = "gradient by .* is not finite"


class _Sampled(FaultOfLayer):
    """A layer that gives other samples and times to its cell."""

    def _samples(self, sequences: Any, timespans: Any, mask: Any) -> Any:
        x, t = super()._samples(sequences, timespans, mask)
        if mask is None:
            return x, t
        x = self.samples(ops.cast(sequences, self.compute_dtype), x, mask)
        return x, t if timespans is None else self.times(ops.expand_dims(timespans, -1), t)

    def samples(self, given: Any, replaced: Any, mask: Any) -> Any:
        """Return the samples as they are given, or as the sound layer replaces them."""
        return replaced

    def times(self, given: Any, replaced: Any) -> Any:
        """Return the elapsed times, in the same way."""
        return replaced


@found_by("layer.mask.nan", LEAKS)
class SelectedTooLate(_Sampled):
    """A masked step is computed of what stands there, and then not selected."""

    def samples(self, given: Any, replaced: Any, mask: Any) -> Any:
        return given


@found_by("layer.mask.nan", LEAKS)
class MultipliedByMask(_Sampled):
    """Samples are multiplied by the mask, which leaves NaN as it is."""

    def samples(self, given: Any, replaced: Any, mask: Any) -> Any:
        return given * ops.cast(mask, given.dtype)


@found_by("layer.mask.nan", LEAKS)
class InfinityKept(_Sampled):
    """NaN is replaced, and infinity is not."""

    def samples(self, given: Any, replaced: Any, mask: Any) -> Any:
        return ops.where(ops.isnan(given), ops.zeros_like(given), given)


@found_by("layer.mask.nan", LEAKS)
class TimesSelectedTooLate(_Sampled):
    """Of a masked step the inputs are replaced, and its elapsed time is not."""

    def times(self, given: Any, replaced: Any) -> Any:
        return replaced if self.masked_time == "carry" or self.backward_timespans == "elapsed" else given


class _Holding(FaultOfLayer):
    """A layer that holds states and outputs over a masked step in a way of its own."""

    def _fold(self, *given: Any) -> Any:
        module: Any = import_module("ncps.layers.sequence")
        select, module.where = module.where, self.held
        try:
            return super()._fold(*given)
        finally:
            module.where = select

    def held(self, counts: Any, new: Any, old: Any) -> Any:
        """Return `new` where a step counts, `old` elsewhere."""
        raise NotImplementedError


@found_by("gradient.sequence.mask", "derivative by")
class HeldDetached(_Holding):
    """No gradient flows through what a masked step holds."""

    def held(self, counts: Any, new: Any, old: Any) -> Any:
        return ops.where(counts, new, ops.stop_gradient(old))


@found_by("gradient.sequence.mask", "derivative by")
class MaskedStepLearnt(_Holding):
    """A masked step is learnt from, though it puts out what it should."""

    def held(self, counts: Any, new: Any, old: Any) -> Any:
        nothing = new - ops.stop_gradient(new)
        return ops.where(counts, new, old) + ops.where(counts, ops.zeros_like(nothing), nothing)


@found_by("gradient.sequence.mask", "derivative by timespans")
class CarriedTimeDetached(FaultOfLayer):
    """No gradient reaches elapsed times that are carried on."""

    def _times(self, timespans: Any, mask: Any, like: Any) -> Any:
        times = super()._times(timespans, mask, like)
        return times if mask is None or self.masked_time == "drop" else ops.stop_gradient(times)


class _Fitted(FaultOfLayer):
    """A layer that makes a mask fit."""

    def _counted(self, sequences: Any, mask: Any) -> Any:
        if mask is not None and tuple(mask.shape) != tuple(sequences.shape[:2]):
            mask = self.fitted(mask, sequences.shape[:2])
        return super()._counted(sequences, mask)

    def fitted(self, mask: Any, shape: Any) -> Any:
        """Return the mask that is taken instead."""
        raise NotImplementedError


@found_by("layer.mask.shape", "a mask of shape .* is accepted in silence")
class MaskOfOneForAll(_Fitted):
    """The mask of one sample is that of all."""

    def fitted(self, mask: Any, shape: Any) -> Any:
        return ops.broadcast_to(mask, shape) if tuple(mask.shape) == (1, shape[1]) else mask


@found_by("layer.mask.shape", "a mask of shape .* is accepted in silence")
class MaskCutToLength(_Fitted):
    """A mask that is longer than the sequence is cut to its length."""

    def fitted(self, mask: Any, shape: Any) -> Any:
        return mask[:, : shape[1]] if len(mask.shape) == 2 else mask
