"""What the machine's table costs beside `ss -tunap` and a plain psutil.net_connections(), in one run.

    python tests/benchmarks/bench_ports.py [rounds]

Ten processes hold 100, 1,000 and 10,000 connected sockets on 127.0.0.1. The ways take turns, so that other people's
load meets all of them; what counts are the ratios of the medians. "netsim's helper" is all that a table takes: psutil's
list, the kernel's, every process that shares a socket, names, users. "rows, in a thread" is what the screen's process
does beside the screen's thread; "the screen" is what that thread does: sort the rows by PID and draw those that fit.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import psutil

from netsim.lab.machine_table import Table
from netsim.model.machine import MachinePorts
from netsim.model.machine_rows import changed_rows, rows_of
from netsim.model.view import View, arranged
from netsim.story.machine_cells import machine_of
from netsim.text.charset import UNICODE
from netsim.text.machine import Sight, draw_machine

SIZES = (100, 1_000, 10_000)
HOLDERS = 10

# Holds so many sockets: pairs of connected ones.
HOLD = """
import resource, socket, struct, sys
wanted = int(sys.argv[1])
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted + 100), hard))
listener = socket.create_server(('127.0.0.1', 0), backlog=100)
kept = []
for _ in range(wanted // 2):
    client = socket.create_connection(listener.getsockname())
    kept += [client, listener.accept()[0]]
for each in kept:  # RST at the end: no TIME_WAIT is left for the next size
    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
print(len(kept), flush=True)
sys.stdin.read()
"""


def measure(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median of each in milliseconds; they take turns, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            if number:
                times[name].append((time.perf_counter() - begun) * 1000)
    return {name: statistics.median(each) for name, each in times.items()}


def ss() -> None:
    """What a person would run."""
    subprocess.run(["ss", "-tunap"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def one_size(size: int, rounds: int) -> None:
    """Print one line for each way."""
    command = [sys.executable, "-c", HOLD, str(size // HOLDERS)]
    holders = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(HOLDERS)
    ]
    try:
        held = sum(int(each.stdout.readline()) for each in holders if each.stdout)
        table = Table()
        ports: MachinePorts = table.read()
        rows, memory = rows_of(ports, {}, 0.0)

        def beside() -> None:
            again, _ = rows_of(ports, memory, 1.0)
            machine_of(again, queues=True, complete=True)
            changed_rows(rows, again)

        def screen() -> None:
            draw_machine(Sight(arranged(rows, View("pid")), len(rows)), 80, 24, UNICODE)

        ways: dict[str, Callable[[], object]] = {
            "psutil.net_connections('inet')": lambda: psutil.net_connections("inet"),
            **({"ss -tunap": ss} if shutil.which("ss") else {}),
            "netsim's helper": table.read,
            "rows, in a thread": beside,
            "the screen": screen,
        }
        found = measure(ways, rounds)
        plain = found["psutil.net_connections('inet')"]
        print(f"{held:6,} sockets held, {len(ports.rows):,} in the table")
        for name, each in found.items():
            print(f"       {name:32} {each:8.1f} ms   {each / plain:5.2f} x psutil")
    finally:
        for each in holders:
            each.kill()
            each.wait()
            for pipe in (each.stdin, each.stdout):
                if pipe:
                    pipe.close()


def main(rounds: int) -> None:
    """All sizes."""
    for size in SIZES:
        one_size(size, rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
