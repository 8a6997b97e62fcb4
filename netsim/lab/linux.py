"""The system calls that Python 3.11 has no name for, and nothing else. Elsewhere than on Linux they raise OSError.

Sources: unshare(2), prctl(2), user_namespaces(7), linux/sched.h, linux/prctl.h. macOS and Windows were not tried.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from typing import Any

NEWUSER = 0x10000000
NEWPID = 0x20000000

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_libc: Any = None


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags`; raises OSError with the kernel's errno.

    NEWUSER is EINVAL in a process with more than one thread; NEWPID is about the children, not the caller.
    """
    _call("unshare", flags)


def die_with_parent(parent: int) -> None:
    """Be killed when the thread that created this process ends; dies at once if `parent` is no longer the parent.

    `parent` is what the parent's os.getpid() said before the fork. Cleared by fork, kept by exec.
    """
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every orphan among one's descendants, in place of the machine's init."""
    _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def name_process(name: str) -> None:
    """Set the name that ps and psutil show (comm: 15 bytes); where that can't be done it stays as it is."""
    try:
        with open("/proc/self/comm", "w", encoding="ascii") as comm:
            comm.write(name)
    except OSError:
        pass


def error_name(error: OSError) -> str:
    """The errno's name, "EPERM"; its number where it has none."""
    return errno.errorcode.get(error.errno or 0, str(error.errno))


def _call(name: str, *arguments: int) -> None:
    global _libc
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, f"{name} is Linux's")
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
    # Longs, because prctl is variadic and reads its arguments in full registers.
    if getattr(_libc, name)(*(ctypes.c_long(each) for each in arguments)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
