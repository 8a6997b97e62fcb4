"""Thirty whole netsims at once, each with a screen and a net of its own: how soon, how fast, what they cost.

    python tests/benchmarks/bench_thirty_screens.py [--quick]

As on a school's server: everybody starts at the same moment, looks, and presses keys. Memory is PSS: what a process
shares with others counts for each by its part, so that thirty times it is what the machine needs. Idle is when nobody
presses anything.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import psutil
from ptyprocess import PtyProcess

from tests import processes
from tests.benchmarks.bench_key_to_frame import EMPTY
from tests.benchmarks.rows import Row, main, ms
from tests.e2e.netsim_terminal import ROOT
from tests.e2e.test_thirty_terminals import below

NETSIM = [sys.executable, "-m", "netsim", "--net", "private", "--no-animation"]
CONTROL = re.compile(rb"\x1b(\[[0-9;:<=>?]*[ -/]*[@-~]|[P\]_^X].*?(\x07|\x1b\\)|.)", re.S)  # a control sequence
PATIENCE = 120.0  # seconds until all of them are there
QUIET = 1.5  # seconds in which none of them writes anything: all have come to rest
TICKS = os.sysconf("SC_CLK_TCK")


class Crowd:
    """Programs on terminals of their own, all of them read."""

    def __init__(self, command: list[str], count: int) -> None:
        environment = {**os.environ, "TERM": "xterm-256color"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its byte code
        self.processes = [
            PtyProcess.spawn(command, dimensions=(24, 80), env=environment, cwd=str(ROOT)) for _ in range(count)
        ]
        self._selector = selectors.DefaultSelector()
        self.last = {each.fd: time.perf_counter() for each in self.processes}  # when each has written last
        self.written = {each.fd: b"" for each in self.processes}
        for each in self.processes:
            self._selector.register(each.fd, selectors.EVENT_READ)

    def read(self, seconds: float) -> None:
        """What they write in the next so many seconds, or until the first of them does."""
        for key, _ in self._selector.select(seconds):
            with contextlib.suppress(OSError):
                self.written[key.fd] += os.read(key.fd, 65536)
            self.last[key.fd] = time.perf_counter()

    def read_until(self, condition: Callable[[], bool], what: str) -> None:
        """Read on until it is so."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise SystemExit(f"waited {PATIENCE:g} s for {what}")
            self.read(0.05)

    def show(self, *patterns: bytes) -> None:
        """Until each of them has written all of these, whatever control sequences stand between."""
        waiting = {each.fd for each in self.processes}

        def shown() -> bool:
            for fd in list(waiting):
                text = CONTROL.sub(b"", self.written[fd])
                if all(re.search(pattern, text) for pattern in patterns):
                    waiting.discard(fd)
            return not waiting

        self.read_until(shown, "the first frame of each")

    def rest(self) -> None:
        """Until all of them have been quiet for a while."""
        self.read_until(lambda: time.perf_counter() - max(self.last.values()) > QUIET, "quiet")

    def answers(self, key: str) -> list[float]:
        """The same key for all of them at once; when each has begun to write its answer, in seconds."""
        begun = time.perf_counter()
        waiting = {each.fd for each in self.processes}
        found = []
        for each in self.processes:
            os.write(each.fd, key.encode())
        end = time.monotonic() + PATIENCE
        while waiting and time.monotonic() < end:
            self.read(1.0)
            came = {fd for fd in waiting if self.last[fd] > begun}
            found += [self.last[fd] - begun for fd in came]
            waiting -= came
        if waiting:
            raise SystemExit(f"{len(waiting)} of {len(self.processes)} did not answer")
        return found

    def answer(self, number: int, key: str) -> float:
        """A key for one of them; seconds until it begins to write its answer."""
        fd = self.processes[number].fd
        begun = time.perf_counter()
        os.write(fd, key.encode())
        self.read_until(lambda: self.last[fd] > begun, "an answer")
        return self.last[fd] - begun

    def started(self) -> list[psutil.Process]:
        """All processes that there are because of these."""
        families = below([each.pid for each in self.processes])
        others = (process for family in families.values() for process in family.values())
        return [*map(psutil.Process, families), *others]

    def close(self) -> None:
        """Close the terminals, and wait until what was started is gone."""
        started = self.started()
        self._selector.close()
        for each in self.processes:
            each.fileobj.close()
        for each in self.processes:
            each.wait()
        processes.outliving(started, PATIENCE)


class Cost(NamedTuple):
    """Of one of them: bytes of memory, percent of one core."""

    pss: float
    rss: float
    idle: float
    processes: float


@contextlib.contextmanager
def crowd(command: list[str], count: int) -> Iterator[Crowd]:
    """So many at once, gone at the end."""
    opened = Crowd(command, count)
    try:
        yield opened
    finally:
        opened.close()


def cost(opened: Crowd, seconds: float) -> Cost:
    """What each of them costs while nobody presses anything."""
    opened.rest()
    pids, count = [each.pid for each in opened.started()], len(opened.processes)
    before, begun = sum(map(ticks, pids)), time.monotonic()
    end = begun + seconds
    while (left := end - time.monotonic()) > 0:
        opened.read(left)
    used = (sum(map(ticks, pids)) - before) / TICKS / (time.monotonic() - begun)
    found = [memory(pid) for pid in pids]
    return Cost(
        sum(each["Pss"] for each in found) / count, sum(each["Rss"] for each in found) / count,
        100 * used / count, len(pids) / count,
    )  # fmt: skip


def ticks(pid: int) -> int:
    """The processor time that a process has used, user's and system's (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def memory(pid: int) -> dict[str, int]:
    """Pss and Rss of a process, in bytes (proc_pid_smaps(5))."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
    return {name: int(size.split()[0]) * 1024 for name, _, size in (line.partition(":") for line in lines)}


def rows(quick: bool) -> list[Row]:
    """Five rows."""
    count = 10 if quick else 30
    with crowd([sys.executable, "-c", EMPTY], 3 if quick else 10) as opened:
        opened.show(rb"an empty app")
        empty = cost(opened, 5 if quick else 10)
    begun = time.perf_counter()  # before the first of them
    with crowd(NETSIM, count) as opened:
        opened.show(rb"(?s)pid \d+.*pid \d+", rb"SPACE  ")  # what a frame repeats is not written again
        there = time.perf_counter() - begun
        ours = cost(opened, 5 if quick else 15)
        one_by_one = [opened.answer(number, "\t") for number in range(count)]
        opened.rest()
        at_once = opened.answers(" ")
        opened.rest()
    mib, all_idle = 2**20, ours.idle * count / (os.cpu_count() or 1)
    return [
        Row(f"{count} netsims started at once: the last first frame", f"{there:.1f} s", f"{there / count:.2f} s each"),
        Row(f"a key in one of {count}", ms(statistics.median(one_by_one)), f"the worst {ms(max(one_by_one))}"),
        Row(f"space in all {count} at once", ms(statistics.median(at_once)), f"the worst {ms(max(at_once))}"),
        Row("memory of one netsim (PSS)", f"{ours.pss / mib:.0f} MiB",
            f"{ours.pss / empty.pss:.1f}× an empty Textual app's {empty.pss / mib:.0f} MiB; "
            f"RSS {ours.rss / mib:.0f} MiB; {ours.processes:.0f} processes"),
        Row("idle processor time of one netsim", f"{ours.idle:.2f} % of a core",
            f"an empty Textual app's: {empty.idle:.2f} %; all {count}: {all_idle:.1f} % of the machine",
            f"{count} under 10 % of the machine", all_idle < 10),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
