"""Tools with which the test of a clause is written."""
