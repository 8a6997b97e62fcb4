"""From a key to the frame that answers it, on a terminal that takes everything, against an empty Textual app's.

    python tests/benchmarks/bench_key_to_frame.py [--quick]

The two take turns. Of netsim two keys: one that only changes the screen (?, the help), and one that has something done
by real processes and shows what came of it (a step of the conversation).
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.benchmarks.rows import Row, main, ms, times
from tests.e2e.netsim_terminal import ROOT
from tests.terminal import Terminal

QUIET = 0.3  # seconds without a byte
ARMED = 0.6  # seconds after which space takes what came up without a press
EMPTY = """
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        self.keys = 0
        yield Static("an empty app")

    def on_key(self):
        self.keys += 1
        self.query_one(Static).update(f"key {self.keys}")

Empty().run()
"""


def rows(quick: bool) -> list[Row]:
    """Two rows."""
    rounds = 6 if quick else 16
    empty: list[float] = []
    looks: list[float] = []
    steps: list[float] = []
    netsim = [sys.executable, "-m", "netsim", "--no-animation"]
    with Terminal([sys.executable, "-c", EMPTY], cwd=ROOT) as plain, Terminal(netsim, cwd=ROOT) as ours:
        plain.wait_for("an empty app", 30)
        ours.wait_for(r"^ SPACE +\S", 30)
        for number in range(rounds):
            ours.wait_quiet(ARMED)
            step = answered(ours, "space", r"step +(\d+)")
            empty.append(answered(plain, "x", r"key (\d+)"))
            ours.wait_quiet(ARMED)
            look = answered(ours, "?", r"(.+)")
            ours.wait_quiet(QUIET)
            ours.press("?")
            if number:  # the first of each fills caches
                steps.append(step)
                looks.append(look)
    base = statistics.median(empty[1:])
    return [
        Row(f"key to frame: {what}", ms(statistics.median(each)), times(statistics.median(each), base, f"an empty "
            f"Textual app's {ms(base)}"))
        for what, each in (("? for the help, a whole screen", looks), ("space, which has a real process act", steps))
    ]  # fmt: skip


def answered(terminal: Terminal, key: str, pattern: str) -> float:
    """Seconds from the key to a screen on which this is another than before."""

    def shown() -> object:
        return re.findall(pattern, terminal.text())

    before = shown()
    begun = time.perf_counter()
    terminal.press(key)
    terminal.wait_until(lambda: shown() != before, f"an answer to {key}")
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main(rows))
