"""From an ending to the end of the last process that there was because of this netsim, by the kind of ending.

    python tests/benchmarks/bench_endings.py [--quick]

Held are pidfds from before: who reaps the processes, and how late, does not matter. A call is under way. Stalled: at
the start; nobody reads what netsim writes, and it can write no more.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.benchmarks.rows import Row, main, ms
from tests.e2e.endings import CLOSED, ENDINGS, seconds_to_end, stall
from tests.e2e.netsim_terminal import ROOT
from tests.terminal import Terminal

PROMISED = 2.0  # seconds
STALLED = ("q", "SIGTERM", "SIGKILL", CLOSED)
NETSIM = [sys.executable, "-m", "netsim"]


def rows(quick: bool) -> list[Row]:
    """One for each ending, and for some of them once more with a line that takes nothing."""
    found = []
    for stalled in (False, True):
        for how in STALLED if stalled else (*ENDINGS, CLOSED):
            took = [ended(how, stalled=stalled) for _ in range(3 if quick else 10)]
            name = f"{how}, with a stalled line" if stalled else how
            median = statistics.median(took)
            found.append(
                Row(f"{name}: until the last process has ended", ms(median), f"{ms(min(took))} to {ms(max(took))}, "
                    f"{len(took)} endings", f"at most {PROMISED:g} s", median <= PROMISED)
            )  # fmt: skip
    return found


def ended(how: str, *, stalled: bool) -> float:
    """One netsim's ending, in seconds."""
    with Terminal(NETSIM, cwd=ROOT) as terminal:
        terminal.wait_for(r"^ SPACE +\S", 30)
        if not stalled:
            terminal.press("c")
            terminal.wait_for("zzz|ESTABLISHED")
        terminal.wait_quiet()
        if stalled:
            stall(terminal)
        return seconds_to_end(terminal, how, reading=not stalled)


if __name__ == "__main__":
    sys.exit(main(rows))
