"""Files that a later run reads: examples, known failures, golden vectors."""
