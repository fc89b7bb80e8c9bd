"""Records the graphs of the wirings of PyPI `ncps`: `python make_pypi_ncps_wirings.py`, with ncps.

Writes `pypi_ncps_wirings.json` beside itself: for each wiring its class, its arguments, the number of
inputs that it was built for, once and freshly, and its two matrices. Run again, it writes the same file.

A matrix is a list of rows, a row a string with a character a target: `+` an excitatory synapse, `-` an
inhibitory one, `.` none. Rows of `adjacency` are source neurons, rows of `sensory_adjacency` inputs.
Arguments that are not named have the defaults of PyPI `ncps`.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ncps import wirings

ABOUT = (
    "Each record is a wiring of PyPI ncps, built once for input_dim inputs. A matrix is a list of rows, a "
    "row a string with a character a target: + excitatory (1), - inhibitory (-1), . no synapse (0). Rows of "
    "adjacency are source neurons, rows of sensory_adjacency inputs."
)

Plan = tuple[str, dict[str, Any], int]


def fully_connected() -> list[Plan]:
    grid: list[tuple[dict[str, Any], int]] = [
        ({"units": 1}, 1),
        ({"units": 2}, 3),
        ({"units": 5}, 2),
        ({"units": 5}, 7),
        ({"units": 8, "output_dim": 3}, 4),
        ({"units": 8, "output_dim": 8}, 1),
        ({"units": 8, "erev_init_seed": 0}, 4),
        ({"units": 8, "erev_init_seed": 7}, 4),
        ({"units": 8, "erev_init_seed": 2**40}, 4),
        ({"units": 1, "self_connections": False}, 2),
        ({"units": 3, "self_connections": False}, 1),
        ({"units": 6, "output_dim": 2, "self_connections": False}, 5),
        ({"units": 6, "erev_init_seed": 3, "self_connections": False}, 5),
        ({"units": 13, "output_dim": 1, "erev_init_seed": 99}, 11),
        ({"units": 32, "output_dim": 4}, 16),
    ]
    return [("FullyConnected", arguments, inputs) for arguments, inputs in grid]


def random() -> list[Plan]:
    levels = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
    found = [("Random", {"units": 10, "sparsity_level": level}, 4) for level in levels]
    grid: list[tuple[dict[str, Any], int]] = [
        ({"units": 1, "sparsity_level": 0.9}, 1),
        ({"units": 1}, 2),
        ({"units": 3, "sparsity_level": 0.5}, 1),
        ({"units": 5, "output_dim": 2, "sparsity_level": 0.3}, 9),
        ({"units": 7, "sparsity_level": 1 / 3}, 3),
        ({"units": 8, "sparsity_level": 0.5, "random_seed": 0}, 3),
        ({"units": 8, "sparsity_level": 0.5, "random_seed": 1}, 3),
        ({"units": 8, "sparsity_level": 0.5, "random_seed": 2**40}, 3),
        ({"units": 12, "output_dim": 1, "sparsity_level": 0.7, "random_seed": 5}, 12),
        ({"units": 20, "output_dim": 5, "sparsity_level": 0.8}, 1),
        ({"units": 40, "output_dim": 4, "sparsity_level": 0.9}, 10),
        ({"units": 120, "output_dim": 4, "sparsity_level": 0.998}, 120),  # few of many: another way to draw
    ]
    return found + [("Random", arguments, inputs) for arguments, inputs in grid]


NCP_NAMES = (
    "inter_neurons",
    "command_neurons",
    "motor_neurons",
    "sensory_fanout",
    "inter_fanout",
    "recurrent_command_synapses",
    "motor_fanin",
)


def ncp() -> list[Plan]:
    grid = [
        ((1, 1, 1, 1, 1, 0, 1), 1),
        ((1, 1, 1, 1, 1, 1, 1), 3),
        ((2, 1, 1, 1, 1, 1, 1), 1),
        ((3, 2, 1, 2, 1, 2, 2), 2),
        ((12, 8, 1, 4, 4, 4, 6), 7),  # the size of the paper's lane keeping network
        ((12, 6, 4, 4, 4, 4, 6), 8),
        ((12, 6, 4, 12, 6, 20, 6), 8),  # every fan as wide as its layer
        ((12, 6, 4, 1, 1, 0, 1), 2),  # many neurons that no synapse reaches at first
        ((12, 6, 4, 0, 0, 0, 0), 3),
        ((20, 3, 2, 2, 1, 5, 1), 1),
        ((3, 12, 5, 1, 2, 6, 1), 4),  # more command than inter neurons
        ((4, 4, 12, 2, 2, 3, 1), 4),
        ((5, 2, 3, 3, 2, 200, 2), 2),  # the same recurrent pair drawn many times, the last polarity stands
        ((9, 7, 5, 3, 2, 9, 3), 25),
        ((30, 20, 14, 6, 4, 20, 5), 12),
    ]
    found = [("NCP", dict(zip(NCP_NAMES, sizes, strict=True)), inputs) for sizes, inputs in grid]
    seeded = dict(zip(NCP_NAMES, (12, 6, 4, 4, 4, 4, 6), strict=True))
    return found + [("NCP", seeded | {"seed": seed}, 8) for seed in (0, 1, 42, 2**32 - 1)]


def auto_ncp() -> list[Plan]:
    levels = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    sized = {"units": 16, "output_size": 3}
    found = [("AutoNCP", sized | {"sparsity_level": level}, 5) for level in levels]
    found += [("AutoNCP", sized | {"seed": seed}, 5) for seed in (0, 1, 22222, 2**32 - 1)]
    found += [("AutoNCP", sized, inputs) for inputs in (1, 2, 3, 40)]
    sizes = [(4, 1), (5, 2), (8, 1), (8, 4), (8, 5), (19, 1), (28, 4), (32, 4), (33, 10), (64, 8)]
    return found + [("AutoNCP", {"units": u, "output_size": o}, 8) for u, o in sizes]


def rows(matrix: np.ndarray) -> list[str]:
    return ["".join(".+-"[polarity] for polarity in row) for row in matrix]  # -1 is the last one


def record(plan: Plan) -> dict[str, Any]:
    name, arguments, inputs = plan
    wiring = getattr(wirings, name)(**arguments)
    wiring.build(inputs)
    return {
        "wiring": name,
        "arguments": arguments,
        "input_dim": inputs,
        "adjacency": rows(wiring.adjacency_matrix),
        "sensory_adjacency": rows(wiring.sensory_adjacency_matrix),
    }


def main() -> None:
    versions = {name: version(name) for name in ("ncps", "numpy")} | {"python": platform.python_version()}
    plans = fully_connected() + random() + ncp() + auto_ncp()
    lines = ",\n".join(json.dumps(record(plan), separators=(",", ":")) for plan in plans)
    head = json.dumps({"about": ABOUT, "versions": versions})[1:-1]
    path = Path(__file__).with_name("pypi_ncps_wirings.json")
    path.write_text(f'{{{head}, "records": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
