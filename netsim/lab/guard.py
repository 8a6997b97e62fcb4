"""A guard starts one process, reaps whatever is orphaned to it, and ends when there is nothing left to guard for.

Nothing left means: that process is gone, or the other end of a watched pipe is closed, or a signal says so. What
lives on then is ended by who calls the guard: by the kernel where the guard is PID 1 of a pid namespace, else by
`end_descendants`.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP) if sys.platform != "win32" else ()
_PATIENCE = 2.0  # seconds in which SIGKILL has to have worked
NO_PRIVATE_NET = 69  # exit status: the last line on standard error says why (EX_UNAVAILABLE, sysexits.h)


def prepare_signals() -> None:
    """Let Ctrl-C pass and unblock everything; for every process of the lab, as the first thing it does.

    A handler and not SIG_IGN: an ignored SIGINT would stay ignored in the programs, across exec.
    """
    signal.signal(signal.SIGINT, _nothing)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def forget_signals() -> None:
    """In a freshly forked child that is no guard: TERM and HUP end it again, and nobody is woken."""
    signal.set_wakeup_fd(-1)
    for each in (*_ENDING_SIGNALS, signal.SIGCHLD):
        signal.signal(each, signal.SIG_DFL)


def spawn(run: Callable[[], int]) -> int:
    """Fork a process that does `run()` and exits with what that returns; an exception goes to stderr, as status 1."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        forget_signals()
        status = run()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


def guard(start: Callable[[], int], pipes: Iterable[int]) -> tuple[int, int | None]:
    """Guard the process whose id `start()` returns, until it ends or a pipe of `pipes` has no writer any more.

    Returns the exit status to end with (128 + n for signal n) and the process's id if it still lives.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.set_blocking(write_end, False)
    for each in (*_ENDING_SIGNALS, signal.SIGCHLD):
        signal.signal(each, _nothing)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    poll = select.poll()
    poll.register(read_end, select.POLLIN)
    for pipe in pipes:
        poll.register(pipe, 0)  # only its end: what is in it is not ours to read
    child = start()
    while True:
        status = _reap(child)
        if status is not None:
            return status, None
        for descriptor, _ in poll.poll():
            if descriptor != read_end:
                return 0, child
            told = [each for each in os.read(read_end, 4096) if each in _ENDING_SIGNALS]
            if told:
                return 128 + told[0], child


def end_child(child: int) -> None:
    """SIGKILL one child that was not reaped yet, and reap it."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def end_descendants() -> None:
    """SIGKILL one's children until there is none, for two seconds at most.

    With `linux.adopt_orphans` before, that reaches every descendant: as parents die, their children become ours.
    Where there is no /proc it reaches nobody.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        for child in _children():
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)  # waitpid() has no time limit, and one that is stuck in the kernel must not keep us


def _children() -> list[int]:
    """The ids of one's children, by /proc (proc_pid_stat(5), field 4); none where there is no /proc."""
    me = str(os.getpid()).encode()
    found = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    fields = stat.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if len(fields) > 1 and fields[1] == me:
                found.append(int(name))
    return found


def _reap(child: int) -> int | None:
    """Reap everything that has ended; the status to end with if `child` was among it."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 1 if found is None else found
        if pid == 0:
            return found
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            found = 128 - code if code < 0 else code


def _nothing(number: int, frame: object) -> None:
    """A signal handler: the wake-up pipe has the news."""
