"""The tests: one a clause of SPEC.md."""
