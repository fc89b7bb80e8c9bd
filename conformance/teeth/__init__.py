"""Whether the suite finds what it must: faults are planted, and the clauses are counted that find them.

python -m conformance.teeth                          every mutant, one seed: the score
python -m conformance.teeth --seeds 20 --write docs/teeth      and the tables of the documentation
"""

from __future__ import annotations

from conformance.teeth.bench import Bench
from conformance.teeth.planted import Planted, planted

__all__ = ["Bench", "Planted", "planted"]
