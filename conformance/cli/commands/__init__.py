"""The commands of `conformance`, one to a module."""
