"""The tests: one for each clause of SPEC.md."""
