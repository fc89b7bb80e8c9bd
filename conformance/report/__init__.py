"""The output of a run, for a person and for a program: functions of a `Report`, which execute nothing."""

from conformance.report.status import exit_code, status

__all__ = ["exit_code", "status"]
