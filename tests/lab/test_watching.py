"""What is told of a process that runs on by itself, by looking at it from outside: that it spins, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from netsim.lab.procfs import is_paused
from netsim.lab.watching import SPINNING, Watching
from netsim.model.events import ProcessSpun

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")


@pytest.fixture
def paused() -> Iterator[int]:
    """The PID of a process that a signal has stopped."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        assert is_paused(process.pid)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def told_of(pid: int) -> list[Any]:
    """What is told after so many looks that one that spins has been told of for long; the clock is a made one."""
    now, due, told = 0.0, list[tuple[float, Callable[[], None]]](), list[Any]()
    host: Any = SimpleNamespace(
        now=lambda: now, emit=told.append, printing=SimpleNamespace(flush=lambda child: None),
        timers=SimpleNamespace(after=lambda seconds, do: due.append((now + seconds, do))),
    )  # fmt: skip
    child: Any = SimpleNamespace(
        who="server", pid=pid, inner_pid=pid, looks=0, told=None, watched=False, forked=False, exited=False,
        state="running", line=lambda: 3, channel=SimpleNamespace(has_input=lambda: True),
    )  # fmt: skip
    Watching(host).begin(child)
    while now < 3 * SPINNING:
        now, do = due.pop(0)
        do()
    return told


def test_what_a_signal_has_stopped_does_not_spin(paused: int) -> None:
    assert told_of(paused) == []


def test_what_runs_for_long_does() -> None:
    (spun,) = told_of(os.getpid())  # it runs: it is just looking
    assert isinstance(spun, ProcessSpun)
    assert spun.line == 3
