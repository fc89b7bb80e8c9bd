"""SPEC.md as data: clauses, cell families, cases and their JSON."""
