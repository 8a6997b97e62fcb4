"""The rows of the benchmarks' one table, and how they are written.

Law: what is compared took turns in one run, so that other people's load met all of it; a limit is judged by a median or
a ratio of that run, and by nothing else.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

HEADS = ("what", "median", "against", "limit")


class Row(NamedTuple):
    """One figure. `limit`: what was promised, "" if nothing was; `holds`: whether that is so."""

    what: str
    median: str
    against: str = ""
    limit: str = ""
    holds: bool = True

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """As it is written; a limit says whether it holds."""
        judged = f"{self.limit}: {'holds' if self.holds else 'DOES NOT HOLD'}" if self.limit else ""
        return self.what, self.median, self.against, judged


def ms(seconds: float) -> str:
    """A time, with as many digits as mean something."""
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 20 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"


def times(ours: float, theirs: float, whose: str) -> str:
    """The ratio to somebody else's figure."""
    ratio = ours / theirs
    return f"{ratio:.0f}× {whose}" if ratio >= 20 else f"{ratio:.2f}× {whose}"


def take_turns(ways: Mapping[str, Callable[[], float]], rounds: int, *, warm: int = 1) -> dict[str, list[float]]:
    """What each way says that it took, in rounds in which each has its turn, after some that do not count."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + warm):
        for name, way in ways.items():
            taken = way()
            if number >= warm:
                found[name].append(taken)
    return found


def medians(found: dict[str, list[float]]) -> dict[str, float]:
    """The middle of each."""
    return {name: statistics.median(each) for name, each in found.items()}


def seconds_of(deed: Callable[[], object]) -> float:
    """How long something takes, by the clock on the wall."""
    begun = time.perf_counter()
    deed()
    return time.perf_counter() - begun


def machine() -> str:
    """Where and when, and how busy the machine was, in one line."""
    model = ""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}, {os.cpu_count()} cores ({model}), {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, Textual {version('textual')}, "
        f"load {os.getloadavg()[0]:.1f}"
    )


def as_markdown(rows: Sequence[Row]) -> str:
    """For a README."""
    lines = ["| " + " | ".join(HEADS) + " |", "| " + " | ".join("---" for _ in HEADS) + " |"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row.cells) + " |" for row in rows]
    return "\n".join(lines)


def as_text(rows: Sequence[Row]) -> str:
    """For a terminal."""
    table = [HEADS, *(row.cells for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def main(make: Callable[[bool], list[Row]]) -> int:
    """One benchmark alone: prints its rows; the exit status is 1 if a limit does not hold."""
    print(machine())
    rows = make("--quick" in sys.argv[1:])
    print(as_text(rows))
    return int(not all(row.holds for row in rows))
