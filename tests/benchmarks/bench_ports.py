"""What the machine's table costs beside `ss -tunap` and a plain psutil.net_connections(), in one run.

    python tests/benchmarks/bench_ports.py [--quick]

Ten processes hold 100, 1,000 and 10,000 connected sockets on 127.0.0.1. The ways take turns, so that other people's
load meets all of them; what counts are the ratios of the medians. "netsim's helper" is all that a table takes: psutil's
list, the kernel's, every process that shares a socket, names, users. "rows, in a thread" is what the screen's process
does beside the screen's thread; "the screen" is what that thread does: sort the rows by PID and draw those that fit.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
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
from tests.benchmarks.rows import Row, main, medians, ms, seconds_of, take_turns, times

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


def ss() -> None:
    """What a person would run."""
    subprocess.run(["ss", "-tunap"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def one_size(size: int, rounds: int) -> list[Row]:
    """Two rows."""
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
            "psutil": lambda: psutil.net_connections("inet"),
            **({"ss": ss} if shutil.which("ss") else {}),
            "helper": table.read,
            "beside": beside,
            "screen": screen,
        }
        turns = {name: partial(seconds_of, way) for name, way in ways.items()}
        found = medians(take_turns(turns, rounds))
        against = [times(found["helper"], found["psutil"], f"plain psutil's {ms(found['psutil'])}")]
        if "ss" in found:
            against.append(times(found["helper"], found["ss"], f"`ss -tunap`'s {ms(found['ss'])}"))
        return [
            Row(f"this machine's port table, {held:,} sockets held", ms(found["helper"]), ", ".join(against)),
            Row("the screen's part of that", ms(found["screen"]), f"beside it in a thread {ms(found['beside'])}"),
        ]
    finally:
        for each in holders:
            each.kill()
            each.wait()
            for pipe in (each.stdin, each.stdout):
                if pipe:
                    pipe.close()


def rows(quick: bool) -> list[Row]:
    """All sizes."""
    return [row for size in SIZES for row in one_size(size, 3 if quick else 7)]


if __name__ == "__main__":
    sys.exit(main(rows))
