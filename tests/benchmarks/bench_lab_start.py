"""How long until LabStarted: in the machine's net, in a private one, and where that is refused at its last step.

    python tests/benchmarks/bench_lab_start.py [--quick]

They take turns with a bare Python that does nothing, so that other people's load meets all of them.
"""

from __future__ import annotations

import subprocess
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
from tests.benchmarks.rows import Row, main, medians, ms, seconds_of, take_turns, times
from tests.lab.hostkit import changed_lab

PORT = 8888
NO_LOOPBACK = "from netsim.lab import loopback\ndef bring_up(): raise OSError(1, 'no')\nloopback.bring_up = bring_up"
CALM = "from netsim.lab import loopback"  # the same imports, refusing nothing
BARE = [sys.executable, "-I", "-S", "-c", "pass"]


def started(make: Callable[[], LabClient], net: str) -> float:
    """Seconds from Popen to the first event, which says that it is that net."""
    events: Queue[AnyEvent] = Queue()
    begun = time.perf_counter()
    client = make()
    client.start(events.put)
    first = events.get(timeout=10)
    took = time.perf_counter() - begun
    client.close()
    assert isinstance(first, LabStarted), first
    assert first.net == net, first
    return took


def rows(quick: bool) -> list[Row]:
    """Three rows."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:

        def changed(change: str, net: str) -> LabClient:
            return changed_lab(change, PORT, Path(folder), monkeypatch, endpoint=None, net=net)

        found = medians(
            take_turns(
                {
                    "bare": lambda: seconds_of(lambda: subprocess.run(BARE, check=True)),
                    "host": lambda: started(lambda: LabClient(PORT, "host"), "host"),
                    "private": lambda: started(lambda: LabClient(PORT, "private"), "private"),
                    "asked": lambda: started(lambda: changed(CALM, "host"), "host"),
                    "fallen back": lambda: started(lambda: changed(NO_LOOPBACK, "auto"), "host"),
                },
                6 if quick else 20,
            )
        )
    bare = f"a bare Python's {ms(found['bare'])}"
    return [
        Row("a lab's start, host net", ms(found["host"]), times(found["host"], found["bare"], bare)),
        Row("a lab's start, private net with its gate", ms(found["private"]),
            times(found["private"], found["bare"], bare)),
        Row("a lab's start where a private net fails at its last step", ms(found["fallen back"]),
            times(found["fallen back"], found["asked"], "the same lab's, asked for the host net")),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
