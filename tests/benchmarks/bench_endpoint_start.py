"""How long an endpoint takes from its process's start to its program's first stop; and how fast it steps and prints.

Run: python -m pytest -s tests/benchmarks/bench_endpoint_start.py
"""

from __future__ import annotations

import statistics
import subprocess
import time

from netsim.model.events import ProgramEnded
from tests.lab.endpoint_driver import FOLDER, PYTHON, Endpoint

BUDGET = 0.070  # seconds to the first stop, on a machine that has nothing else to do


def test_start() -> None:
    """Beside a bare Python at the same moments: both are slow when something else is running."""
    text = (FOLDER.parent.parent / "programs" / "tcp_server.py").read_text()
    ours, bare = [], []
    for _ in range(30):
        with Endpoint(text) as endpoint:
            endpoint.stopped()
            ours.append(time.perf_counter() - endpoint.started)
        began = time.perf_counter()
        subprocess.run([PYTHON, "-I", "-S", "-c", "pass"], check=True)
        bare.append(time.perf_counter() - began)
    for name, times in (("endpoint", ours), ("bare python", bare)):
        print(f"{name}: {min(times) * 1000:.1f} ms at best, {statistics.median(times) * 1000:.1f} ms in the middle")
    assert min(ours) < BUDGET


def test_speed() -> None:
    """A loop in a traced frame, and prints: what they cost is told, not judged."""
    for name, text in (
        ("a line of a loop", "import socket\nn = 0\nwhile n < 100_000:\n    n += 1\nif 0: socket.socket()\n"),
        ("a line printed", "for n in range(100_000): print(n)\n"),
    ):
        with Endpoint(text) as endpoint:
            began = time.perf_counter()
            endpoint.wait_for(ProgramEnded)
            print(f"{name}: {(time.perf_counter() - began) * 10:.1f} µs")
