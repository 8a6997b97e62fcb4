"""Who reports: every event of this process carries its name in the lab and its two process numbers."""

from __future__ import annotations

import os
from _thread import _local, get_ident
from itertools import count
from typing import Any

from .channel import Channel


class ThisThread(_local):
    """What is known of the running thread. `quiet` above 0: its socket calls are ours, or part of one reported."""

    quiet = 0
    number = 0  # 0: none given yet, or the main thread


class Reporter:
    """Sends events in this process's name, and numbers its calls and its threads."""

    def __init__(self, channel: Channel, who: str) -> None:
        self.channel = channel
        self.who = who
        self.identify()

    def identify(self) -> None:
        """Find out which process this is, and begin to count: at the start, and in a forked child."""
        self.inner_pid = os.getpid()
        try:
            # With the machine's /proc inside a pid namespace this is the machine's number (proc(5)).
            self.pid = int(os.readlink("/proc/self"))
        except (OSError, ValueError):
            self.pid = self.inner_pid
        self.thread = ThisThread()
        self._main = get_ident()
        self._calls = count(1)
        self._threads = count(1)

    def send(self, kind: str, **fields: Any) -> None:
        """Report an event of this kind, with the fields that model/events.py gives it."""
        self.channel.send({"type": kind, "who": self.who, "pid": self.pid, "inner_pid": self.inner_pid, **fields})

    def next_call(self) -> int:
        """A number for a call, from 1."""
        return next(self._calls)

    def thread_number(self) -> int:
        """A small number for the running thread: 0 the main one, then in the order in which they were heard of."""
        if get_ident() == self._main:
            return 0
        if not self.thread.number:
            self.thread.number = next(self._threads)
        return self.thread.number
