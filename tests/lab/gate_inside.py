"""Runs one scenario, in the process that it is called in: `python -m tests.lab.gate_inside NAME`.

It fails as any program does that meets an AssertionError, and ends with NO_GATE where this machine allows no gate.
"""

from __future__ import annotations

import sys

from tests.lab import gate_dropping, gate_holding, gate_passing, gate_refusing
from tests.lab.gate_lab import NO_GATE, SCENARIOS

__all__ = ["NO_GATE", "SCENARIOS", "gate_dropping", "gate_holding", "gate_passing", "gate_refusing"]

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]]()
