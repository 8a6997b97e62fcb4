"""From a key to its frame on a line of 16 kB/s, for several round trips, while netsim plays as fast as it can.

    python tests/benchmarks/bench_slow_line.py [--quick]

The line takes at once whatever netsim writes, and keeps what it can't carry yet, as sshd does: a key's frame is behind
all the animation that was written before it. Judged is the whole frame, of keys that are answered in a row or two; how
long a page takes is told.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.benchmarks.rows import Row, main, ms
from tests.conftest import find_free_port
from tests.e2e.netsim_terminal import SPACE, WHY, Netsim
from tests.slow_line import SlowLine

RATE = 16_000  # bytes a second
ROUND_TRIPS = (0.0, 0.1, 0.2)  # seconds
BEYOND = 0.05  # seconds that a frame may take beyond the round trip
APART = (0.05, 0.4)  # seconds from an answer to the next key: it meets the animation anywhere
PATIENCE = 20.0


class Distant(SlowLine, Netsim):
    """netsim at the other end of a slow line, playing by itself."""

    def __init__(self, round_trip: float) -> None:
        super().__init__(find_free_port(), rate=RATE, round_trip=round_trip)
        self.begun: dict[str, list[float]] = defaultdict(list)  # by the kind of key: when its frame began to arrive
        self.whole: dict[str, list[float]] = defaultdict(list)  # and when it was there, in seconds after the press

    def play(self) -> None:
        """From the start of the story, if it is over or has not begun."""
        if "begin again" in self.space or not self.lines()[WHY].strip():
            self.press("b", "b")
            self.wait_for("step [0-3] ")
        self.press("+", "+", "a")
        try:
            self.wait_for("plays by itself", PATIENCE / 4)
        except AssertionError:  # it played still, and now it does not
            self.press("a")
            self.wait_for("plays by itself")

    def answer(self, kind: str, key: str, look: Callable[[], object]) -> None:
        """Press a key and wait for what it brings."""
        self.bytes_during(random.uniform(*APART))
        pressed = self.press_now(key)
        self.wait_until(look, f"an answer to {key}", PATIENCE)
        begun = self.frame_begun
        self.wait_until(lambda: self.frame_ended >= begun, "the end of its frame")
        self.begun[kind].append(begun - pressed)
        self.whole[kind].append(self.frame_ended - pressed)

    def round(self) -> None:
        """Each kind of key once or more."""
        lines = self.lines
        self.answer("row", "m", lambda: lines()[WHY].startswith(" To: "))
        self.answer("row", "y", lambda: not lines()[WHY].startswith(" To: "))
        self.answer("row", "s", lambda: "enter sends it" in lines()[SPACE])
        for typed in ("j", "jq", "jqz"):
            self.answer("letter", typed[-1], lambda typed=typed: typed in lines()[SPACE])  # type: ignore[misc]
        # Escape is none of them: it waits for what would make it the beginning of another key.
        self.answer("escape", "escape", lambda: "enter sends it" not in lines()[SPACE])
        self.answer("page", "?", lambda: "any key goes back" in self.text())
        self.answer("page", "y", lambda: "any key goes back" not in self.text() and lines()[SPACE].strip())


def rows(quick: bool) -> list[Row]:
    """Two for each line: what is judged, and pages."""
    found = []
    for round_trip in ROUND_TRIPS:
        with Distant(round_trip) as line:
            line.wait_for_start()
            for number in range(3 if quick else 6):
                if number % 3 == 0 or "begin again" in line.space:
                    line.play()
                line.round()
            found += judged(line)
    return found


def judged(line: Distant) -> list[Row]:
    """The rows of one line."""
    name = f"16 kB/s, round trip {line.round_trip * 1000:.0f} ms, animation running"
    limit = line.round_trip + BEYOND
    made = []
    for kind, what in (("letter", "a letter is typed"), ("row", "a key that changes a row"), ("page", "a page opens")):
        begun, whole = line.begun[kind], line.whole[kind]
        told = f"its first byte {ms(statistics.median(begun))}; {ms(min(whole))} to {ms(max(whole))}, {len(whole)} keys"
        median = statistics.median(whole)
        ends = (f"at most {ms(limit)}", median <= limit) if kind != "page" else ("", True)
        made.append(Row(f"{name}: {what}", ms(median), told, *ends))
    return made


if __name__ == "__main__":
    sys.exit(main(rows))
