"""netsim: a step debugger for a conversation between two real programs."""

__version__ = "0.1.0"
