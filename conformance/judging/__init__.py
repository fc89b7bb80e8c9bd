"""What the test of a clause is written with."""
