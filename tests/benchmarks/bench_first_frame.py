"""How long until the first full frame with a live lab, against an empty Textual app, in one run, taking turns.

    python tests/benchmarks/bench_first_frame.py [ROUNDS]

A frame is full when the screen shows all that it will show without a key: of netsim both PIDs and the SPACE line, of
the empty app its one line. Exit status 1 if netsim takes more than 1.5 times as long (the medians).
"""

from __future__ import annotations

import os
import re
import select
import socket
import statistics
import sys
import time
from pathlib import Path

from ptyprocess import PtyProcess

ROOT = Path(__file__).parent.parent.parent
LIMIT = 1.5
EMPTY = """
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("an empty app")

Empty().run()
"""
CONTROL = re.compile(rb"\x1b(\[[0-9;:<=>?]*[ -/]*[@-~]|[P\]_^X].*?(\x07|\x1b\\)|.)", re.S)


def seconds_until(command: list[str], *patterns: bytes, patience: float = 30.0) -> float:
    """How long after its start the program has written all these, whatever control sequences stand between."""
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its byte code
    start = time.perf_counter()
    process = PtyProcess.spawn(command, dimensions=(24, 80), env=environment, cwd=str(ROOT))
    written = b""
    try:
        while select.select([process.fd], [], [], patience)[0]:
            try:
                written += os.read(process.fd, 65536)
            except OSError:  # EIO: it has ended
                break
            now = time.perf_counter()
            text = CONTROL.sub(b"", written)
            if all(re.search(pattern, text) for pattern in patterns):
                return now - start
        raise SystemExit(f"{command} did not come to its first frame:\n{written!r}")
    finally:
        process.terminate(force=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(rounds: int) -> int:
    contenders = {
        "empty Textual app": ([sys.executable, "-c", EMPTY], [rb"an empty app"]),
        "netsim --net host": (
            [sys.executable, "-m", "netsim", "--net", "host", "--port", str(free_port())],
            [rb"CLIENT +pid \d+", rb"SERVER +pid \d+", rb"SPACE  "],
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, (command, patterns) in contenders.items():
            taken = seconds_until(command, *patterns)
            if turn:  # the first turn fills the caches
                times[name].append(taken)
    print(f"{'first full frame, 80x24':<24}{'median':>10}{'fastest':>10}{'slowest':>10}")
    for name, taken_each in times.items():
        cells = statistics.median(taken_each), min(taken_each), max(taken_each)
        print(f"{name:<24}" + "".join(f"{1000 * each:>7.0f} ms" for each in cells))
    empty, ours = (statistics.median(each) for each in times.values())
    print(f"{'ratio of the medians':<24}{ours / empty:>10.2f}   (at most {LIMIT})")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores: netsim starts five processes, so be alone")
    return int(ours / empty > LIMIT)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
