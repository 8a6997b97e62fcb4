"""What the gate adds to a round trip over loopback: a lab's open gate against a net of one's own that has none.

    python tests/benchmarks/bench_gate.py [--quick]

A byte there and a byte back over one TCP connection, in both nets by the same few lines, which take turns. With the
gate each packet waits for the lab, which tells it to the screen.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from netsim.lab.client import LabClient
from netsim.model.commands import OpenGate
from netsim.model.events import AnyEvent, GateOpened, LabStarted
from tests.benchmarks.rows import Row, main
from tests.e2e.netsim_terminal import ROOT

TRIPS = 200  # in a turn
# For each line that it reads: so many round trips, and the middle of their times in microseconds.
TRIP = """
import socket, statistics, sys, time
listener = socket.create_server(("127.0.0.1", 0))
here = socket.create_connection(listener.getsockname())
there = listener.accept()[0]
for each in (here, there):
    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for line in sys.stdin:
    took = []
    for _ in range(int(line)):
        begun = time.perf_counter()
        here.send(b"x")
        there.recv(1)
        there.send(b"x")
        here.recv(1)
        took.append(time.perf_counter() - begun)
    print(statistics.median(took) * 1e6, flush=True)
"""
BARE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from netsim.lab import loopback, privatenet
privatenet.unshare_private(pid=False)
loopback.bring_up()
exec({TRIP!r})
"""


class Runner:
    """One of the two, waiting for its turn."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def turn(self) -> float:
        """The middle of its round trips, in microseconds."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{TRIPS}\n")
        stdin.flush()
        return float(stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)


def rows(quick: bool) -> list[Row]:
    """One row."""
    happened: Queue[AnyEvent] = Queue()
    with ExitStack() as stack:
        lab = LabClient(8888, "private")
        stack.callback(lab.close)
        lab.start(happened.put)
        first = happened.get(timeout=20)
        if not isinstance(first, LabStarted) or not first.gate:
            raise SystemExit(f"there is no gate here: {first}")
        lab.send(OpenGate())
        while not isinstance(happened.get(timeout=20), GateOpened):
            pass
        gated = Runner([sys.executable, "-m", "netsim", "shell", "--lab", str(lab.pid), "--",
                        sys.executable, "-u", "-c", TRIP])  # fmt: skip
        stack.callback(gated.close)
        bare = Runner([sys.executable, "-u", "-c", BARE])
        stack.callback(bare.close)
        found: dict[str, list[float]] = {"gated": [], "bare": []}
        for number in range(4 if quick else 15):
            for name, runner in (("gated", gated), ("bare", bare)):
                took = runner.turn()
                if number:
                    found[name].append(took)
    ours, theirs = statistics.median(found["gated"]), statistics.median(found["bare"])
    return [
        Row("a TCP round trip through the open gate", f"{ours:.0f} µs",
            f"{ours / theirs:.1f}× that without a gate, {theirs:.0f} µs: {ours - theirs:.0f} µs more"),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
