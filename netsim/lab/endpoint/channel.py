"""The line to the lab host: one JSON object a line, both ways, over one end of a socket pair.

A line is at most 32 kB and goes out in one write, so that lines of several threads, and of a forked child that still
has its parent's channel, never mix. When the host is gone, so is this process.
"""

from __future__ import annotations

import os
import select
from _thread import RLock
from json import JSONEncoder, loads
from typing import Any

_HIGH = (200, 120, 60, 30)  # wished-for numbers; a small RLIMIT_NOFILE rules out the first ones
_HOST_IS_GONE = 1  # this process's exit status then
_TEXT_MOST = 20_000  # characters of one text in a message: with the rest it stays under 32 kB, almost always
_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Channel:
    """One end of the line. `descriptor` is moved up, out of the way of the program's own files."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = move_up(descriptor)
        self._received = b""
        self.lock = RLock()  # a signal's handler may print while its own thread is in here

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; blocks while the host does not read."""
        # Half a character (a lone surrogate) is no UTF-8: the host would have to refuse the line.
        line = _encode(message).encode("utf-8", "replace") + b"\n"
        with self.lock:
            self._write(line)

    def receive(self) -> dict[str, Any]:
        """The next message from the host; blocks until there is one."""
        while b"\n" not in self._received:
            try:
                chunk = os.read(self.descriptor, 65536)
            except OSError:  # ECONNRESET; or the program has closed what it does not know
                chunk = b""
            if not chunk:
                os._exit(_HOST_IS_GONE)
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        message: dict[str, Any] = loads(line)
        return message

    def readable_before_message(self, descriptor: int) -> bool:
        """Sleep until reading from `descriptor` would not sleep (True) or the host has said something (False)."""
        if self._received:
            return readable(descriptor)
        poller = select.poll()
        poller.register(self.descriptor, select.POLLIN)
        poller.register(descriptor, select.POLLIN)
        return any(each == descriptor for each, _ in poller.poll())

    def replace(self, descriptor: int) -> None:
        """Talk over another descriptor from now on, under the same number: a forked child's own channel."""
        os.dup2(descriptor, self.descriptor, inheritable=False)
        os.close(descriptor)
        self._received = b""
        self.lock = RLock()  # the old one may be held by a thread that this process does not have

    def _write(self, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(self.descriptor, line) :]
        except (BrokenPipeError, ConnectionResetError):
            os._exit(_HOST_IS_GONE)
        except OSError:  # EBADF: the program has closed all it could; it runs on, unheard
            pass


def readable(descriptor: int) -> bool:
    """Whether reading from it would not sleep now: there is data, a connection, the end, or an error (poll(2))."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def bounded(text: str) -> str:
    """A text as it may be sent: its middle cut out if it is very long, and no half characters."""
    if len(text) > _TEXT_MOST:
        half = _TEXT_MOST // 2
        text = f"{text[:half]}\n[... {len(text) - 2 * half} characters ...]\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()


def move_up(descriptor: int) -> int:
    """The same file under a number far above those that a program gets, not inherited; raises OSError."""
    if descriptor >= _HIGH[0]:
        os.set_inheritable(descriptor, False)
        return descriptor
    for number in _HIGH:
        if number != descriptor and _is_open(number):  # by another one of ours
            continue
        try:
            os.dup2(descriptor, number, inheritable=False)
        except OSError:
            continue
        if number != descriptor:
            os.close(descriptor)
        return number
    raise OSError("no file descriptor is left for the channel")


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
