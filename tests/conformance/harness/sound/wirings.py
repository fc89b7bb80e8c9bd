"""The wirings of this package, which are those of `ncps`."""

from ncps.wirings import NCP, AutoNCP, FullyConnected, Random

__all__ = ["NCP", "AutoNCP", "FullyConnected", "Random"]
