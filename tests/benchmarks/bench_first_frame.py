"""How long until the first full frame with a live lab, against an empty Textual app, in one run, taking turns.

    python tests/benchmarks/bench_first_frame.py [--quick]

A frame is full when the screen shows all that it will show without a key: of netsim both PIDs and the SPACE line, of
the empty app its one line. What was written is looked at when it has ended, on a screen that knows the control
sequences, so that looking takes nobody's time. netsim starts five processes: on two cores be alone.
"""

from __future__ import annotations

import os
import re
import select
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pyte
from ptyprocess import PtyProcess

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.benchmarks.rows import Row, main, medians, ms, take_turns, times

ROOT = Path(__file__).parent.parent.parent
LIMIT = 1.4  # times the empty app's, of the medians
PATIENCE = 30.0  # seconds
QUIET = 0.3  # seconds without a byte, after which it is looked whether all is there
EMPTY = """
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("an empty app")

Empty().run()
"""
ALL_OF_NETSIM = (r"CLIENT +pid \d+", r"SERVER +pid \d+", r"SPACE  ")


def seconds_until(command: Sequence[str], patterns: Sequence[str]) -> float:
    """How long after its start the screen shows all these."""
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its byte code
    written: list[tuple[float, bytes]] = []
    start = time.perf_counter()
    process = PtyProcess.spawn(list(command), dimensions=(24, 80), env=environment, cwd=str(ROOT))
    try:
        while time.perf_counter() - start < PATIENCE:
            if select.select([process.fd], [], [], QUIET)[0]:
                try:
                    data = os.read(process.fd, 65536)
                except OSError:  # EIO: it has ended
                    break
                written.append((time.perf_counter() - start, data))
            elif (found := _when_all(written, patterns)) is not None:
                return found
        raise SystemExit(f"{command} did not come to its first frame:\n{written!r}")
    finally:
        process.terminate(force=True)


def _when_all(written: Sequence[tuple[float, bytes]], patterns: Sequence[str]) -> float | None:
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    for at, data in written:
        stream.feed(data)
        text = "\n".join(screen.display)
        if all(re.search(pattern, text) for pattern in patterns):
            return at
    return None


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rows(quick: bool) -> list[Row]:
    """Two rows: the host net, and what netsim takes by itself."""
    netsim = [sys.executable, "-m", "netsim"]
    found = medians(
        take_turns(
            {
                "empty": partial(seconds_until, [sys.executable, "-c", EMPTY], ["an empty app"]),
                "host": partial(seconds_until, [*netsim, "--net", "host", "--port", str(free_port())], ALL_OF_NETSIM),
                "netsim": partial(seconds_until, netsim, ALL_OF_NETSIM),
            },
            5 if quick else 12,
        )
    )
    whose = f"an empty Textual app's {ms(found['empty'])}"
    limit = f"at most {LIMIT}×"
    return [
        Row(f"first full frame, {name}", ms(found[key]), times(found[key], found["empty"], whose), limit,
            found[key] / found["empty"] <= LIMIT)
        for key, name in (("host", "netsim --net host"), ("netsim", "netsim"))
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
