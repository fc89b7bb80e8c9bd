"""The search from a check to a verdict: examples are drawn, shrunk and explained."""
