"""From a check to a verdict: examples are drawn, made smaller and explained."""
