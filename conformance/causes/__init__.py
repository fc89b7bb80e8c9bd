"""Finds the causes of failures: the smallest changes of the specification under which they are none."""
