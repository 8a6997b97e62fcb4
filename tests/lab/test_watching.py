"""What is told of a process that runs on by itself, by looking at it from outside: that it spins, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from netsim.lab import procfs
from netsim.lab.procfs import is_paused, processor_seconds
from netsim.lab.watching import SPINNING, Watching
from netsim.model.events import ProcessSpun

Processor = Callable[[float], float | None]

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


def told_of(pid: int, monkeypatch: pytest.MonkeyPatch, processor: Processor) -> list[Any]:
    """What is told after so many looks that one that spins has been told of for long; the clock is a made one.

    `processor`: how long the process has had a processor by then, in place of what the kernel says.
    """
    monkeypatch.setattr(procfs, "processor_seconds", lambda _: processor(now))
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


def test_what_a_signal_has_stopped_does_not_spin(paused: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told_of(paused, monkeypatch, lambda now: now) == []


@pytest.mark.parametrize("processor", [lambda now: 7 + now, lambda now: 7 + now / 2, lambda _: None])
def test_what_runs_for_long_does(monkeypatch: pytest.MonkeyPatch, processor: Processor) -> None:
    (spun,) = told_of(os.getpid(), monkeypatch, processor)  # it runs: it is just looking
    assert isinstance(spun, ProcessSpun)
    assert spun.line == 3


def test_what_waits_for_a_processor_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told_of(os.getpid(), monkeypatch, lambda now: now / 100) == []


def test_a_processors_time_is_as_psutil_counts_it() -> None:
    before = psutil.Process().cpu_times()
    ran = processor_seconds(os.getpid())
    after = psutil.Process().cpu_times()
    assert ran is not None
    assert round(before.user + before.system, 2) <= ran <= round(after.user + after.system, 2)
    assert processor_seconds(2**22 + 1) is None  # the kernel's largest PID is 2**22: proc_sys_kernel(5)
