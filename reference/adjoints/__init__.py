"""The adjoint of every step and of a sequence: gradients by hand, as plainly as the steps are written.

For cotangents of what a step returns, an adjoint gives the gradients of Σ cotangent · result by parameters,
inputs, state and elapsed time. Like the steps they are generic through NumPy's dispatch, so that they can be
run in an arithmetic that carries bounds.
"""

from reference.adjoints.cfc import cfc_adjoint
from reference.adjoints.gradients import Gradients
from reference.adjoints.ltc import ltc_adjoint
from reference.adjoints.mixed_memory import mixed_memory_adjoint
from reference.adjoints.sequence import carried_adjoint, elapsed_backwards_adjoint, fold_adjoint
from reference.adjoints.wired_cfc import wired_cfc_adjoint
from reference.adjoints.wired_ltc import wired_ltc_adjoint

__all__ = [
    "Gradients",
    "carried_adjoint",
    "cfc_adjoint",
    "elapsed_backwards_adjoint",
    "fold_adjoint",
    "ltc_adjoint",
    "mixed_memory_adjoint",
    "wired_cfc_adjoint",
    "wired_ltc_adjoint",
]
