"""Measures whether the suite finds what it must: faults are planted, and the clauses that find them counted.

    python -m tests.planted                               every fault by one seed: the score
    python -m tests.planted --seeds 20 --matrix --write   and the data, and the tables of the documentation

`faults/` holds wrong Keras cells, which are judged as `faults:NAME` with `--path tests/planted`.
"""

from pathlib import Path

PLANTED = Path(__file__).resolve().parent
"""The folder that `--path` names where a wrong cell is judged."""
