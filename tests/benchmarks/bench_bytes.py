"""What goes over the line at 80x24 in 256 colours: a step, a second of animation, a second in which nothing happens.

python tests/benchmarks/bench_bytes.py [--quick]
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.benchmarks.rows import Row, main
from tests.e2e.netsim_terminal import ROOT
from tests.terminal import Terminal

STEP, ANIMATED, IDLE = 5000, 2000, 0  # bytes: a step; a second of animation, sustained; a second of nothing
NETSIM = [sys.executable, "-m", "netsim"]
SPACE = r"^ SPACE +\S"
QUIET = 0.3  # seconds without a byte: the step is over
ARMED = 0.6  # seconds after which space takes what came up without a press


def rows(quick: bool) -> list[Row]:
    """Three rows."""
    with Terminal(NETSIM, cwd=ROOT) as terminal:
        terminal.wait_for(SPACE, 30)
        terminal.wait_quiet(ARMED)
        idle = terminal.bytes_during(3 if quick else 10)
        steps = _steps(terminal, 12 if quick else 100)
    with Terminal(NETSIM, cwd=ROOT) as terminal:
        terminal.wait_for(SPACE, 30)
        terminal.wait_quiet(ARMED)
        terminal.press("a")
        terminal.wait_for("plays by itself")
        seconds = 8 if quick else 15
        per_second = terminal.bytes_during(seconds) / seconds
    return [
        Row("a step, 80×24, 256 colours", f"{statistics.median(steps):,.0f} bytes", f"the largest of {len(steps)}: "
            f"{max(steps):,} bytes", f"under {STEP:,} bytes", max(steps) < STEP),
        Row("a second of animation, playing by itself", f"{per_second:,.0f} bytes", "", f"at most {ANIMATED:,} bytes",
            per_second <= ANIMATED),
        Row("a second of idleness", f"{idle} bytes", "", f"{IDLE} bytes", idle == IDLE),
    ]  # fmt: skip


def _steps(terminal: Terminal, most: int) -> list[int]:
    """What each press of space costs, animation and all, up to the end of the story."""
    found: list[int] = []
    end = time.monotonic() + 90
    while len(found) < most and "begin again" not in terminal.text() and time.monotonic() < end:
        before, text = terminal.bytes_written, terminal.text()
        terminal.press("space")
        terminal.wait_until(lambda text=text: terminal.text() != text, "a step")  # type: ignore[misc]
        terminal.wait_until(lambda: "SPACE" in terminal.text(), "the next offer")
        terminal.wait_quiet(QUIET)
        found.append(terminal.bytes_written - before)
    return found


if __name__ == "__main__":
    sys.exit(main(rows))
