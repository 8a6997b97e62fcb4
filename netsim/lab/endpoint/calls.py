"""One socket call, reported before and after: the only place where a program's calls are really made.

The result, or the exception, is the one that the program would have had without us.
"""

from __future__ import annotations

import _socket
import socket
import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

from .describe import (
    address_fields,
    arguments_text,
    byte_count,
    descriptor_fields,
    error_fields,
    first_bytes,
    is_inet,
    socket_fields,
    value_text,
)
from .interrupts import EXTRA_LINE, FOLDER, Interrupts
from .reporter import Reporter

if TYPE_CHECKING:
    from .files import Files

_DATA = 512  # bytes of what was sent or received that are reported
_TEXT_SENDERS = ("send", "sendall", "sendto")  # their first argument can be a typed message instead
_COUNTED_SENDERS = ("send", "sendto", "sendmsg", "sendfile")  # they return how many bytes went
_RECEIVERS = {"recv": 0, "recvfrom": 1, "recvmsg": 3}  # where in the result the peer is; 0: nowhere
_FILLERS = {"recv_into": 0, "recvfrom_into": 1, "recvmsg_into": 3}

# Of a library's calls those that do something; not what it asks, or sets for itself.
_WORTH_STANDING = frozenset((
    "socket", "bind", "listen", "accept", "connect", "connect_ex", "send", "sendall", "sendto", "sendmsg", "sendfile",
    "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "shutdown", "close",
))  # fmt: skip
_SOCKET_MODULE = socket.__file__

Method = Callable[..., Any]


class Steps(Protocol):
    """What a call has to know about the stepping of the main thread."""

    def wait_for_go(self) -> None:
        """Sleep until the host has looked at the kernel's state before the call."""

    def take_message(self) -> bytes | None:
        """The message typed for the next send, once; None if there is none."""


class Silence:
    """While it is entered, the thread is quiet."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def __enter__(self) -> None:
        self._reporter.thread.quiet += 1

    def __exit__(self, *_: object) -> None:
        self._reporter.thread.quiet -= 1


class Calls:
    """Makes the calls of a program. `steps` is None where nothing is stepped: in a forked child, after the end."""

    def __init__(self, reporter: Reporter, interrupts: Interrupts, path: str) -> None:
        self._reporter = reporter
        self._interrupts = interrupts
        self._path = path
        self.files: Files | None = None  # the person's own, once they are known
        self.steps: Steps | None = None
        # To be called before a call: its name, its socket, and whether a library makes it.
        self.stands: Callable[[str, _socket.socket, bool], None] | None = None
        self.finished = False  # the program has ended: what Python tidies up then is no call of the program's

    @property
    def quiet(self) -> bool:
        """Whether the calls that this thread makes now are not the program's own."""
        return self._reporter.thread.quiet > 0

    def silence(self) -> Silence:
        """A `with` block in which this thread's calls are not reported; accept, the one that matters, is."""
        return Silence(self._reporter)

    def make(
        self, sock: _socket.socket, name: str, method: Method, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Make a call of a socket's and report it, unless it is part of one that is reported, or not TCP or UDP."""
        thread = self._reporter.thread
        if (thread.quiet and name != "accept") or not is_inet(sock):
            return method(sock, *arguments, **keywords)
        return self.report(sock, name, method, arguments, keywords)

    def report(
        self, sock: _socket.socket, name: str, method: Method, arguments: tuple[Any, ...], keywords: dict[str, Any],
        line: int | None = None,
    ) -> Any:  # fmt: skip
        """Make a call and report it. `line` is the program's line if it is not the one that runs."""
        reporter, interrupts = self._reporter, self._interrupts
        if self.stands is not None and self.steps is not None and line is None and name in _WORTH_STANDING:
            if reporter.thread_number() == 0 and (maker := self._maker()):
                self.stands(name, sock, maker == "library")
        reporter.thread.quiet += 1
        try:
            thread = reporter.thread_number()
            main = thread == 0
            steps = self.steps if main else None
            if steps is not None and name in _TEXT_SENDERS:
                message = steps.take_message()
                if message is not None:
                    arguments = (message, *arguments[1:])
            if name == "sendmsg" and arguments:
                arguments = (_kept(arguments[0]), *arguments[1:])
            about = {
                "call": reporter.next_call(),
                "name": name,
                "line": self._line() if line is None else line,
                "thread": thread,
            }
            before = None if name == "socket" else socket_fields(sock)
            reporter.send("CallStarted", **about, arguments=arguments_text(name, arguments, keywords), socket=before)
            if steps is not None:
                steps.wait_for_go()
            began = perf_counter_ns()
            try:
                if main:
                    interrupts.in_call = True
                    interrupts.raise_pending()
                result = method(sock, *arguments, **keywords)
                ended = perf_counter_ns()
                if main:
                    interrupts.in_call = False
            except BaseException as error:
                if main:
                    interrupts.in_call = False
                took = (perf_counter_ns() - began) / 1000
                reporter.send(
                    "CallReturned", **about, result="", error=error_fields(error), microseconds=took,
                    socket=before if name == "socket" else socket_fields(sock) or before,
                )  # fmt: skip
                raise
            over = name in ("close", "detach")
            reporter.send(
                "CallReturned", **about, error=None, microseconds=(ended - began) / 1000,
                socket=before if over else socket_fields(sock),
                **_outcome(sock, name, arguments, result),
            )  # fmt: skip
        finally:
            reporter.thread.quiet -= 1
        return result

    def _maker(self) -> str:
        """Who makes the call: "program", a line of its own, "library", or "": an extra line, or nobody."""
        frame = sys._getframe(2)
        while frame.f_code.co_filename.startswith(FOLDER) or frame.f_code.co_filename == _SOCKET_MODULE:
            if frame.f_back is None:
                return ""
            if frame.f_code.co_qualname.startswith("SocketIO."):  # of a makefile(): flush() is no socket's call
                return "library"
            frame = frame.f_back
        name = frame.f_code.co_filename
        return "program" if self._first(name) is not None else "" if name == EXTRA_LINE else "library"

    def _line(self) -> int:
        """The program's line that has led here, 0 if none (a thread of a library, an extra line)."""
        frame = sys._getframe(2)
        while True:
            first = self._first(frame.f_code.co_filename)
            if first is not None:
                return first + (frame.f_lineno or 0)
            if frame.f_code.co_filename == EXTRA_LINE or frame.f_back is None:
                return 0
            frame = frame.f_back

    def _first(self, name: str) -> int | None:
        """What is added to the numbers of a file's lines; None if it is not the person's own."""
        source = self.files.known(name) if self.files is not None else None
        if source is not None:
            return source.first
        return 0 if name == self._path else None


def _outcome(sock: _socket.socket, name: str, arguments: tuple[Any, ...], result: Any) -> dict[str, Any]:
    """The fields of CallReturned that depend on which call it was. Never fails: the call has been made."""
    try:
        return _describe(sock, name, arguments, result)
    except (TypeError, ValueError, IndexError, OSError):  # a subclass of a library's that returns something else
        return {"result": value_text(result)}


def _describe(sock: _socket.socket, name: str, arguments: tuple[Any, ...], result: Any) -> dict[str, Any]:
    if name == "socket":
        return {"result": f"fd {_socket.socket.fileno(sock)}"}
    if name == "accept":
        descriptor, _ = result
        return {"result": f"fd {descriptor}", "accepted": descriptor_fields(descriptor)}
    fields: dict[str, Any] = {"result": value_text(result)}
    if name in _COUNTED_SENDERS:
        fields["size"] = result
    elif name == "sendall":
        fields["size"] = byte_count(arguments[0])
    elif name in _RECEIVERS:
        where = _RECEIVERS[name]
        data = result[0] if where else result
        fields |= {"size": len(data), "data": data[:_DATA]}
        if where:
            fields["peer"] = address_fields(result[where])
    elif name in _FILLERS:
        where = _FILLERS[name]
        size = result[0] if where else result
        buffer = arguments[0][0] if name == "recvmsg_into" and arguments[0] else arguments[0]
        fields |= {"size": size, "data": first_bytes(buffer, min(size, _DATA))}
        if where:
            fields["peer"] = address_fields(result[where])
    if name in _TEXT_SENDERS:
        fields["data"] = first_bytes(arguments[0], min(fields["size"], _DATA))
    elif name == "sendmsg":
        joined = b"".join(first_bytes(each, _DATA) for each in arguments[0])
        fields["data"] = joined[: min(result, _DATA)]
    if name == "sendto" or (name == "sendmsg" and len(arguments) > 3):
        fields["peer"] = address_fields(arguments[-1])
    if "data" in fields:
        fields["data"] = _base64(fields["data"])
    return fields


def _base64(data: bytes) -> str:
    from binascii import b2a_base64

    return b2a_base64(data, newline=False).decode()


def _kept(buffers: Any) -> Any:
    """Buffers that can be looked at after they were sent, too: an iterator would be used up by then."""
    try:
        return list(buffers)
    except TypeError:
        return buffers  # the call says what is wrong with it
