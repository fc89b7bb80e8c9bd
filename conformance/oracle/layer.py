"""Cells folded over time by the reference, as a recurrent layer and its wrappers do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.oracle.cell import Array, Cell, Given
from reference import carried, elapsed_backwards, fold

FOLD_OPTIONS = ("go_backwards", "zero_output_for_mask")


@dataclass(frozen=True)
class Rows:
    """The arguments of a layer's call: a sequence in consecutive chunks of these lengths."""

    inputs: Array
    mask: Array | None
    timespans: Array | None
    initial_state: list[Array] | None
    """The states of the cells, each with its tensors side by side."""
    chunks: list[int]
    earlier: Array | None = None
    """The inputs of an earlier call, of which a stateful layer keeps the states."""


@dataclass(frozen=True)
class Layer:
    """Cells one above the other."""

    cells: list[Cell]
    parameters: list[Given]
    options: Mapping[str, Any]

    def __call__(self, rows: Rows) -> dict[str, Any]:
        """Return {"output"} and, with return_state, {"state"}; the initial state goes to the first chunk."""
        zeros = [cell.zeros(len(rows.inputs)) for cell in self.cells]
        kept = None if rows.earlier is None else self.kept(rows.earlier)
        if kept and len(kept[0]) != len(rows.inputs):
            raise ValueError(f"a batch of {len(rows.inputs)}: the states kept are those of {len(kept[0])}")
        state = rows.initial_state or kept or zeros
        outputs, start = [], 0
        for length in rows.chunks:
            part = slice(start, start + length)
            mask = None if rows.mask is None else rows.mask[:, part]
            times = None if rows.timespans is None else rows.timespans[:, part]
            output, last = self.run(rows.inputs[:, part], mask, times, state)
            outputs.append(output)
            state = last if self.options.get("stateful") else zeros
            start += length
        return self.answer(outputs, last)

    def kept(self, earlier: Array) -> list[Array] | None:
        """Return the states that are kept of an earlier call; None if the layer keeps none."""
        if not self.options.get("stateful"):
            return None
        return self.run(earlier, None, None, [cell.zeros(len(earlier)) for cell in self.cells])[1]

    def answer(self, outputs: list[Array], last: list[Array]) -> dict[str, Any]:
        """Return the answer of the chunks' outputs and the last state."""
        shown = outputs[-1][:, -1]
        if self.options.get("return_sequences"):
            shown = np.concatenate(outputs, axis=1)
        if not self.options.get("return_state"):
            return {"output": shown}
        pairs = zip(self.cells, last, strict=True)
        return {
            "output": shown,
            "state": [tensor for cell, own in pairs for tensor in cell.family.split(cell.config, own)],
        }

    def at(self, point: Given, mask: Array | None = None) -> tuple[Array, Array]:
        """Return one cell's results at a point: parameters, inputs, initial_state and timespans."""
        layer = replace(self, parameters=[point])
        outputs, (last,) = layer.run(point["inputs"], mask, point.get("timespans"), [point["initial_state"]])
        return outputs, last

    def run(
        self, inputs: Array, mask: Array | None, times: Array | None, state: list[Array]
    ) -> tuple[Array, list[Array]]:
        """Return the top cell's outputs, (batch, time, outputs), and the last state of every cell."""
        named = {name: self.options.get(name, False) for name in FOLD_OPTIONS}
        counted = self.counted(times, mask, inputs)

        def step(x: Array, state: Array, k: int) -> tuple[Array, Array]:
            return self.step(x, state, None if counted is None else counted[:, k])

        outputs, last = fold(step, inputs, np.concatenate(state, axis=-1), mask=mask, **named)
        return np.stack(outputs, axis=1), self.split(last)

    def counted(self, times: Array | None, mask: Array | None, inputs: Array) -> Array | None:
        """Return the elapsed time with which each sample counts, (batch, time)."""
        if self.options.get("go_backwards") and self.options.get("backward_timespans") == "elapsed":
            return self.elapsed(times, mask, inputs)
        if self.options.get("masked_time") != "carry" or mask is None:
            return times
        times = np.ones(inputs.shape[:2], inputs.dtype) if times is None else times
        return carried(times, mask, go_backwards=self.options.get("go_backwards", False))

    def elapsed(self, times: Array | None, mask: Array | None, inputs: Array) -> Array:
        """Return the time that passes before each sample is read, from last to first, (batch, time)."""
        times = np.ones(inputs.shape[:2], inputs.dtype) if times is None else times
        counts = np.ones(times.shape, bool) if mask is None else mask
        return elapsed_backwards(times, counts, carry=self.options.get("masked_time") == "carry")

    def step(self, inputs: Array, state: Array, time: Array | None) -> tuple[Array, Array]:
        """Take one step of all cells, states side by side; each reads the output of the previous one."""
        new: list[Array] = []
        read = inputs
        for cell, own, h in zip(self.cells, self.parameters, self.split(state), strict=True):
            read, after = cell.step(own, read, h, time)
            new.append(after)
        return read, np.concatenate(new, axis=-1)

    def split(self, state: Array) -> list[Array]:
        """Return the part of each cell."""
        return np.split(state, np.cumsum([sum(cell.sizes) for cell in self.cells])[:-1], axis=-1)


def bidirectional(
    cells: list[Cell], parameters: list[Given], options: Mapping[str, Any], rows: Rows
) -> dict[str, Any]:
    """Run both directions, one cell each; the backward outputs are put back into the order of the samples."""
    options = {**options, **options.get("bidirectional", {})}
    forward = Layer(cells[:1], parameters[:1], options)(rows)
    backward = Layer(cells[1:], parameters[1:], {**options, "go_backwards": True})(rows)
    returned = backward["output"]
    ordered = np.flip(returned, axis=1) if options.get("return_sequences") else returned
    answer = {"output": [forward["output"], ordered]}
    return answer | ({"state": forward["state"] + backward["state"]} if "state" in forward else {})
