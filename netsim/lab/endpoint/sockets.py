"""The program's socket.socket: the stdlib's class with each call made through Calls, and otherwise the same to look at.

Everything in the socket module, and every subclass, ends in these few methods, so there is no second way to a call.
"""

from __future__ import annotations

import _socket
import socket
from collections.abc import Callable
from typing import Any

from .calls import Calls
from .describe import descriptor_of, is_inet, would_be_inet

_stdlib_socket = socket.socket

# Methods that are one call each. accept, close and the creation are below.
PLAIN_CALLS = (
    "bind", "listen", "connect", "connect_ex", "shutdown", "detach", "send", "sendall", "sendto", "sendmsg",
    "sendfile", "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "setsockopt",
    "getsockopt", "settimeout", "setblocking", "getsockname", "getpeername",
)  # fmt: skip
CALLS = frozenset({*PLAIN_CALLS, "accept", "close"})  # of a socket's methods
CREATORS = frozenset({"socket", "create_connection", "create_server"})  # of the socket module's functions
READERS = frozenset({"accept", "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into"})


def install(calls: Calls) -> None:
    """Put a reporting class in the place of socket.socket, before anything else can have taken it from there."""
    socket.socket = _reporting_class(calls)  # type: ignore[misc]


def _reporting_class(calls: Calls) -> type[socket.socket]:
    finalize = _stdlib_socket.__del__  # type: ignore[attr-defined]

    class Reporting(_stdlib_socket):
        __slots__ = ()
        __doc__ = _stdlib_socket.__doc__

        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            create = _stdlib_socket.__init__
            named = dict(zip(("family", "type", "proto", "fileno"), arguments, strict=False)) | keywords
            taken_over = named.get("fileno") is not None
            if calls.quiet or taken_over or not would_be_inet(named.get("family", -1), named.get("type", -1)):
                create(self, *arguments, **keywords)
            else:
                calls.report(self, "socket", create, arguments, keywords)

        def _accept(self) -> Any:
            # Where accept(), the stdlib's and a subclass's own, really does it.
            return calls.make(self, "accept", _stdlib_socket._accept, (), {})  # type: ignore[attr-defined]

        def accept(self) -> Any:
            with calls.silence():  # it may call setblocking() on the new one
                return _stdlib_socket.accept(self)

        def _real_close(self, *arguments: Any) -> None:
            # close() only ends here when it closes: not while a makefile() is still open.
            close = _stdlib_socket._real_close  # type: ignore[attr-defined]
            if descriptor_of(self) < 0:
                close(self, *arguments)
            else:
                calls.make(self, "close", close, arguments, {})

        def dup(self) -> Any:
            with calls.silence():
                return _stdlib_socket.dup(self)

        def __repr__(self) -> str:
            with calls.silence():
                return _stdlib_socket.__repr__(self)

        def __del__(self) -> None:
            # Nobody has it any more: Python closes it, and the kernel says goodbye. No line has asked for that.
            # At the very end even this module's own names may be gone, hence `finalize` and `finished` first.
            if calls.finished or calls.quiet or descriptor_of(self) < 0 or not is_inet(self):
                finalize(self)
            else:
                calls.report(self, "close", finalize, (), {}, line=0)

    for name in PLAIN_CALLS:
        setattr(Reporting, name, _plain_call(calls, name))
    for name, member in vars(Reporting).items():
        if callable(member):
            member.__qualname__ = f"socket.{name}"
            member.__module__ = "socket"
            member.__doc__ = getattr(_stdlib_socket, name).__doc__
    Reporting.__name__ = Reporting.__qualname__ = "socket"
    Reporting.__module__ = "socket"
    return Reporting


def _plain_call(calls: Calls, name: str) -> Callable[..., Any]:
    method = getattr(_stdlib_socket, name)

    def call(self: _socket.socket, *arguments: Any, **keywords: Any) -> Any:
        return calls.make(self, name, method, arguments, keywords)

    call.__name__ = name
    return call
