"""A child that the program forks gets a channel of its own, runs on unstepped, and reports its calls over that.

It makes a socket pair and sends one end to the host, over the channel that it has inherited, with the line that says
who it is; the line is short enough to arrive whole beside whatever its parent sends (see channel). Its parent waits for
that: one that ended at once (a daemon's does) would take the way to the host with it.
"""

from __future__ import annotations

import _socket
import os
import signal
import sys
from array import array
from json import dumps
from typing import Any

from .calls import Calls
from .interrupts import Interrupts
from .orders import Orders
from .reporter import Reporter

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_HIGH = 201  # a descriptor's number, above all that a program gets


class Forking:
    """The hooks around fork (os.register_at_fork).

    `contained`: a pid namespace ends with the lab, so a child may outlive its parent, as it does without us.
    """

    def __init__(
        self, reporter: Reporter, calls: Calls, orders: Orders, interrupts: Interrupts, *, contained: bool = False
    ) -> None:
        self._reporter = reporter
        self._calls = calls
        self._orders = orders
        self._interrupts = interrupts
        self._contained = contained
        self._prctl: Any = None
        self._parent = os.getpid()
        self._by_main = True
        self._told: tuple[int, int] | None = None  # a pipe that the child closes once it has its channel

    def install(self) -> None:
        """Be called from now on."""
        os.register_at_fork(before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child)

    def _before(self) -> None:
        if self._prctl is None and not self._contained and sys.platform.startswith("linux"):
            # 10 ms, the first time; in the child it could meet a lock that another thread has held.
            import ctypes

            self._prctl = ctypes.CDLL(None).prctl
        self._parent = os.getpid()
        self._by_main = self._reporter.thread_number() == 0
        self._reporter.channel.lock.acquire()
        self._told = _high_pipe()

    def _in_parent(self) -> None:
        told, self._told = self._told, None
        try:
            if told is not None:
                os.close(told[1])
                os.read(told[0], 1)
                os.close(told[0])
        finally:
            self._reporter.channel.lock.release()

    def _in_child(self) -> None:
        sys.settrace(None)
        told, self._told = self._told, None
        self._interrupts.tracer = None
        self._die_with_parent()
        parent_pid = self._reporter.pid
        self._reporter.identify()
        self._orders.stepping = False
        self._calls.steps = None
        self._interrupts.forget()  # it was for the parent
        self._open_channel(parent_pid)
        for each in told or ():
            os.close(each)

    def _die_with_parent(self) -> None:
        """Ask for SIGKILL when the parent ends (prctl(2)); fork(2) has cleared that.

        It would come when the thread that has forked ends, so a child of another thread than the main one goes without.
        """
        if self._prctl is not None and self._by_main:
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != self._parent:  # it has ended already
                os._exit(1)

    def _open_channel(self, parent_pid: int) -> None:
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        reporter = self._reporter
        line = {
            "type": "Forked", "who": reporter.who, "parent_pid": parent_pid, "pid": reporter.pid,
            "inner_pid": reporter.inner_pid,
        }  # fmt: skip
        inherited = _socket.socket(fileno=reporter.channel.descriptor)
        try:
            rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", [theirs.fileno()]))
            inherited.sendmsg([dumps(line).encode() + b"\n"], [rights])
        except OSError:
            os._exit(1)  # the host is gone
        finally:
            inherited.detach()
        theirs.close()
        reporter.channel.replace(ours.detach())


def _high_pipe() -> tuple[int, int] | None:
    """A pipe whose numbers are none that a program would get; None where no descriptor is left for it."""
    from fcntl import F_DUPFD_CLOEXEC, fcntl

    try:
        low = os.pipe()
    except OSError:
        return None
    try:
        reader = fcntl(low[0], F_DUPFD_CLOEXEC, _HIGH)
        try:
            return reader, fcntl(low[1], F_DUPFD_CLOEXEC, _HIGH)
        except OSError:
            os.close(reader)
            raise
    except OSError:  # RLIMIT_NOFILE is small
        return None
    finally:
        os.close(low[0])
        os.close(low[1])
