"""100,000 events: what each costs as it is folded, and how fast any moment among them is there again.

    python tests/benchmarks/bench_fold.py [--quick]

The events are those of all recorded lessons, again and again with a clock that goes on. Reading them from a recording
is what folding is compared with, folding from the beginning what seeking is compared with.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from msgspec.structs import replace

from netsim.model import events
from netsim.model.events import AnyEvent, LabStarted
from netsim.model.fold import fold_all
from netsim.model.timeline import MOST, Timeline
from netsim.model.world import World
from tests.benchmarks.rows import Row, main, ms, times

RECORDINGS = Path(events.__file__).parent.parent / "recordings"
INSTANT = 0.05  # seconds


def recorded() -> list[AnyEvent]:
    """The events of the lessons, in the order of their names."""
    found: list[AnyEvent] = []
    for path in sorted(RECORDINGS.glob("lesson-*.jsonl")):
        found += [events.decode(line) for line in path.read_bytes().splitlines()[1:]]  # the first says what it is
    return found


def endless() -> Iterator[AnyEvent]:
    """The same again and again; the clock goes on."""
    story = recorded()
    lasts = story[-1].at + 1
    for lap in range(1_000_000):
        for event in story:
            yield replace(event, at=lap * lasts + event.at)


def cpu(deed: Callable[[], object]) -> float:
    """Seconds of processor time: others' load is not in it, and nothing here waits."""
    begun = time.process_time()
    deed()
    return time.process_time() - begun


def rows(quick: bool) -> list[Row]:
    """Two rows; in processor time, of which nobody else can take any away."""
    source = endless()
    story = [next(source) for _ in range(MOST)]
    lines = [events.encode(each) for each in story[:10_000]]
    timeline = Timeline()
    cost = {"fold": 0.0, "read": 0.0}
    for start in range(0, MOST, len(lines)):  # in turns
        part = story[start : start + len(lines)]
        cost["fold"] += cpu(lambda part=part: [timeline.append(each) for each in part])  # type: ignore[misc]
        cost["read"] += cpu(lambda: [events.decode(each) for each in lines])
    chance = random.Random(8)
    begins = max(number for number, each in enumerate(story[:MOST]) if isinstance(each, LabStarted))
    assert timeline.at(begins + 1) == fold_all(World(), story[: begins + 1])
    seeks = [cpu(lambda: timeline.at(chance.randrange(MOST))) for _ in range(100 if quick else 500)]
    again = cpu(lambda: fold_all(World(), story))
    middle, worst = statistics.median(seeks), max(seeks)
    return [
        Row(f"fold {MOST:,} events, each", f"{cost['fold'] / MOST * 1e6:.0f} µs",
            times(cost["fold"], cost["read"], "reading it from a recording")),
        Row(f"seek in {MOST:,} events", ms(middle), f"1/{again / middle:,.0f} of folding from the beginning; "
            f"the worst {ms(worst)}", f"under {ms(INSTANT)}", middle < INSTANT),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
