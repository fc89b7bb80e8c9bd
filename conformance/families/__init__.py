"""Cell families: what the suite has to know of each, one module a family."""

from conformance.families.base import Config, Family, Parameters, Sizes
from conformance.families.cfc import CFC
from conformance.families.ltc import LTC

FAMILIES: dict[str, Family] = {family.name: family for family in (CFC, LTC)}

__all__ = ["CFC", "FAMILIES", "LTC", "Config", "Family", "Parameters", "Sizes"]
