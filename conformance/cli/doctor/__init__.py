"""Distinguishes a wrong adapter from a wrong implementation, by requests and a step beside the reference."""

from conformance.cli.doctor.examination import Answer, Compared, Examination, Health, Parameters
from conformance.cli.doctor.examine import examine

__all__ = ["Answer", "Compared", "Examination", "Health", "Parameters", "examine"]
