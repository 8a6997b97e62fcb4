"""How long until LabStarted: in the machine's net, in a private one, and where that is refused at its last step.

    python tests/benchmarks/bench_lab_start.py [rounds]

The three take turns, so that other people's load meets all of them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from queue import Queue

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import pytest

from netsim.lab.client import LabClient
from netsim.model.events import AnyEvent, LabStarted
from tests.lab.hostkit import changed_lab

PORT = 8888
NO_LOOPBACK = "from netsim.lab import loopback\ndef bring_up(): raise OSError(1, 'no')\nloopback.bring_up = bring_up"
CALM = "from netsim.lab import loopback"  # the same imports, refusing nothing


def started(make: Callable[[], LabClient]) -> tuple[float, LabStarted]:
    """Milliseconds from Popen to the first event, and that event."""
    events: Queue[AnyEvent] = Queue()
    begun = time.monotonic()
    client = make()
    client.start(events.put)
    first = events.get(timeout=10)
    took = time.monotonic() - begun
    client.close()
    assert isinstance(first, LabStarted), first
    return took * 1000, first


def main(rounds: int) -> None:
    """Print minimum and median of each."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:

        def changed(change: str, net: str) -> LabClient:
            return changed_lab(change, PORT, Path(folder), monkeypatch, endpoint=None, net=net)

        makers: dict[str, Callable[[], LabClient]] = {
            "host": lambda: LabClient(PORT, "host"),
            "private": lambda: LabClient(PORT, "private"),
            "host, asked for (changed)": lambda: changed(CALM, "host"),
            "host, fallen back to (changed)": lambda: changed(NO_LOOPBACK, "auto"),
        }
        times: dict[str, list[float]] = {name: [] for name in makers}
        for _ in range(rounds):
            for name, make in makers.items():
                took, first = started(make)
                assert first.net == name.split(",")[0], first
                times[name].append(took)
    for name, each in times.items():
        print(f"{name:32} min {min(each):6.1f}  median {statistics.median(each):6.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
