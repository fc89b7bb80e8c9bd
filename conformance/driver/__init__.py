"""Starts harnesses and speaks the protocol with them."""
