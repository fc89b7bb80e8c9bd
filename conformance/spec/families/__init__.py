"""Cell families: the suite's knowledge of each, one module a family."""

from conformance.spec.families.base import Config, Family, Parameters, Sizes
from conformance.spec.families.cfc import CFC
from conformance.spec.families.ltc import LTC
from conformance.spec.families.mixed_memory import MIXED_MEMORY
from conformance.spec.families.wired_cfc import WIRED_CFC
from conformance.spec.families.wired_ltc import WIRED_LTC

FAMILIES: dict[str, Family] = {
    family.name: family for family in (CFC, LTC, WIRED_CFC, WIRED_LTC, MIXED_MEMORY)
}

__all__ = [
    "CFC",
    "FAMILIES",
    "LTC",
    "MIXED_MEMORY",
    "WIRED_CFC",
    "WIRED_LTC",
    "Config",
    "Family",
    "Parameters",
    "Sizes",
]
