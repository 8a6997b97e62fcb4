"""Which of netsim's processes these tests have started, and which of them live on."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import psutil

NAME = "NETSIM_TESTS"
ENDING = 15.0  # seconds: two on a machine at rest; what is left behind on a busy one is there after these, too
TOKEN = str(uuid.uuid4())  # in the environment of everything that these tests start: other sessions have their own


def mark_what_is_started() -> None:
    os.environ[NAME] = TOKEN


def started() -> list[psutil.Process]:
    """Our netsim processes that live: they descend from us, or inherited the token and were orphaned since."""
    me = psutil.Process()
    found = {child.pid: child for child in me.children(recursive=True)}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != me.pid and process.environ().get(NAME) == TOKEN:
                found[process.pid] = process
    return [process for process in found.values() if _is_netsim(process)]


def _is_netsim(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if process.status() != psutil.STATUS_ZOMBIE:
            return process.name().startswith("netsim") or any("netsim" in word for word in process.cmdline())
    return False


def runs(process: psutil.Process) -> bool:
    """Whether it has not ended; one that nobody has asked about yet has. An orphan may be such a zombie for seconds."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def family(pid: int) -> list[int]:
    """A process, and all that it has started, where the kernel tells that (CONFIG_PROC_CHILDREN)."""
    try:
        children = " ".join(each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children")).split()
    except OSError:
        return [pid]
    return [pid, *itertools.chain.from_iterable(family(int(child)) for child in children)]


def computing(pids: Sequence[int]) -> bool:
    """Whether any of these has something to do just now: it runs, or waits for a processor. Looked at twice.

    Quiet is no sign that all is done where the machine is busy with others; this is.
    """
    for pid in (*pids, *pids):
        for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                if stat.read_text("utf-8", "replace").rpartition(")")[2].split()[0] in ("R", "D"):
                    return True
    return False


class Watch:
    """Processes that are held from before they end: whoever reaps them, and however late, their ends are told at once.

    Each by a pidfd, which is readable once its process has ended, a zombie too: pidfd_open(2). Close it at the end.
    """

    def __init__(self, watched: Iterable[psutil.Process]) -> None:
        self._running: dict[int, psutil.Process] = {}
        for process in watched:
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(process.pid)
                if runs(process):  # else the number may be somebody else's by now
                    self._running[descriptor] = process
                else:
                    os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._running:
            os.close(self._running.popitem()[0])

    def wait(self, seconds: float) -> list[psutil.Process]:
        """Until all have ended, at most so long; which run still."""
        end = time.monotonic() + seconds
        while self._running:
            poll = select.poll()  # no select(): there may be more than 1,024 descriptors
            for descriptor in self._running:
                poll.register(descriptor, select.POLLIN)
            ended = poll.poll(1000 * max(0.0, end - time.monotonic()))
            for descriptor, _ in ended:
                del self._running[descriptor]
                os.close(descriptor)
            if not ended:
                break
        return [*self._running.values()]


def outliving(processes: Iterable[psutil.Process], seconds: float = ENDING) -> list[str]:
    """Which of these still run after so long, each in one line; and they are ended then."""
    told = []
    with Watch(processes) as watch:
        for process in watch.wait(seconds):
            with contextlib.suppress(psutil.Error, OSError):
                told.append(f"{process.pid} {process.name()}: {' '.join(process.cmdline())}")
                process.kill()
    return told
