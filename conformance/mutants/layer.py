"""Cells folded over time by the reference, as `keras.layers.RNN` and its wrappers do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.mutants.cell import Array, Cell, Given
from reference import fold

FOLD_OPTIONS = ("go_backwards", "zero_output_for_mask")


@dataclass(frozen=True)
class Rows:
    """What a layer is called with: a sequence in consecutive chunks of these lengths."""

    inputs: Array
    mask: Array | None
    initial_state: list[Array] | None
    chunks: list[int]


@dataclass(frozen=True)
class Layer:
    """Cells one above the other."""

    cells: list[Cell]
    parameters: list[Given]
    options: Mapping[str, bool]

    def __call__(self, rows: Rows) -> dict[str, Any]:
        """{"output"} and, with return_state, {"state"}; the initial state goes to the first chunk."""
        zeros = [cell.zeros(len(rows.inputs)) for cell in self.cells]
        state = rows.initial_state or zeros
        outputs, start = [], 0
        for length in rows.chunks:
            part = slice(start, start + length)
            mask = None if rows.mask is None else rows.mask[:, part]
            output, last = self.run(rows.inputs[:, part], mask, state)
            outputs.append(output)
            state = last if self.options.get("stateful") else zeros
            start += length
        return self.answer(outputs, last)

    def answer(self, outputs: list[Array], last: list[Array]) -> dict[str, Any]:
        """What is returned of the chunks' outputs and the last state."""
        shown = outputs[-1][:, -1]
        if self.options.get("return_sequences"):
            shown = np.concatenate(outputs, axis=1)
        return {"output": shown, "state": last} if self.options.get("return_state") else {"output": shown}

    def run(self, inputs: Array, mask: Array | None, state: list[Array]) -> tuple[Array, list[Array]]:
        """The upmost cell's outputs, (batch, time, units), and the last state of every cell."""
        named = {name: self.options.get(name, False) for name in FOLD_OPTIONS}
        outputs, last = fold(self.step, inputs, np.concatenate(state, axis=-1), mask=mask, **named)
        return self.split(np.stack(outputs, axis=1))[-1], self.split(last)

    def step(self, inputs: Array, state: Array, _: int) -> Array:
        """One step of all cells, their states side by side; each reads the output of the one before."""
        new: list[Array] = []
        for cell, own, h in zip(self.cells, self.parameters, self.split(state), strict=True):
            new.append(cell.step(own, new[-1] if new else inputs, h))
        return np.concatenate(new, axis=-1)

    def split(self, state: Array) -> list[Array]:
        """What belongs to each cell."""
        return np.split(state, np.cumsum([cell.units for cell in self.cells])[:-1], axis=-1)


def bidirectional(
    cells: list[Cell], parameters: list[Given], options: Mapping[str, bool], rows: Rows
) -> dict[str, Any]:
    """Both directions, one cell each; the backward outputs are put back into the order of the samples."""
    forward = Layer(cells[:1], parameters[:1], options)(rows)
    backward = Layer(cells[1:], parameters[1:], {**options, "go_backwards": True})(rows)
    returned = backward["output"]
    ordered = np.flip(returned, axis=1) if options.get("return_sequences") else returned
    answer = {"output": [forward["output"], ordered]}
    return answer | ({"state": forward["state"] + backward["state"]} if "state" in forward else {})
