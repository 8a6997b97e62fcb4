"""Is anybody there? `os.kill(pid, 0)`, and since when: a number that is used again is not taken for the old one.

Law: signal 0 only, and one process only: 0 and negative numbers mean groups and are asked of nobody. It has to be
asked outside of a lab's pid namespace. Sources: kill(2), proc_pid_stat(5) (field 22).
"""

from __future__ import annotations

import errno
import os
import sys

from netsim.model.machine import Probed

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_STATE, _STARTED = 0, 19  # of the fields behind the name


def probe(id_: int, pid: int, started: float | None = None) -> Probed:
    """What kill(pid, 0) says now, and whether it is the process that began at `started` (as an earlier answer said)."""
    if pid <= 0:
        return Probed(id_, pid, failure=f"{pid} is no PID: those begin with 1.")
    if sys.platform == "win32":  # there os.kill() would end it
        return Probed(id_, pid, failure="Windows has no signal 0.")
    number = ""
    try:
        os.kill(pid, 0)
    except OverflowError:
        number = "ESRCH"
    except OSError as error:
        number = errno.errorcode.get(error.errno or 0, str(error.errno))
    if number == "ESRCH":
        return Probed(id_, pid, "ESRCH", same=False if started is not None else None)
    began, zombie, name = _look(pid)
    same = began == started if began is not None and started is not None else None
    return Probed(id_, pid, number, began, same, zombie, name)


def _look(pid: int) -> tuple[float | None, bool, str]:
    """When it began, whether it is a zombie, its name; None, False, "" where that can't be seen."""
    if not sys.platform.startswith("linux"):
        return _ask_psutil(pid)
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            before, _, after = file.read().rpartition(")")
        fields = after.split()
        return int(fields[_STARTED]) / _TICKS, fields[_STATE] in ("Z", "X"), before.partition("(")[2]
    except (OSError, ValueError, IndexError):
        return None, False, ""


def _ask_psutil(pid: int) -> tuple[float | None, bool, str]:
    import psutil

    try:
        process = psutil.Process(pid)
        return process.create_time(), process.status() == psutil.STATUS_ZOMBIE, process.name()
    except (OSError, psutil.Error):
        return None, False, ""
