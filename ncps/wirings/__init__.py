"""Wirings: the synapses between the neurons of a liquid network, with their signs."""

from ncps.wirings.base import Wiring
from ncps.wirings.fully_connected import FullyConnected
from ncps.wirings.ncp import NCP, AutoNCP
from ncps.wirings.random import Random

__all__ = ["NCP", "AutoNCP", "FullyConnected", "Random", "Wiring"]
