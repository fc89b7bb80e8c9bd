"""Cells and layers of Keras."""
