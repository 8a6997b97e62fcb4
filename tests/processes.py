"""Which of netsim's processes these tests have started, and which of them live on."""

from __future__ import annotations

import contextlib
import os
import select
import time
import uuid
from collections.abc import Iterable

import psutil

NAME = "NETSIM_TESTS"
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


def outliving(processes: Iterable[psutil.Process], seconds: float = 2.0) -> list[str]:
    """Which of these still run after so long, each in one line; and they are ended then.

    A process that has ended and that nobody has asked about yet (a zombie) does not run.
    """
    watched: dict[int, psutil.Process] = {}
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            watched[os.pidfd_open(process.pid)] = process
    end = time.monotonic() + seconds
    running = {descriptor for descriptor, process in watched.items() if process.is_running()}
    while running and (left := end - time.monotonic()) > 0:
        running -= set(select.select(list(running), [], [], left)[0])  # a pidfd is readable once its process has ended
    told = []
    for descriptor, process in watched.items():
        if descriptor in running:
            with contextlib.suppress(psutil.Error, OSError):
                told.append(f"{process.pid} {process.name()}: {' '.join(process.cmdline())}")
                process.kill()
        os.close(descriptor)
    return told
