"""Whether the server's port can be had on this machine's own loopback, tried before anything is started.

Law: it binds and lets go at once; nothing listens, and whoever has the port is left alone.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import Literal, NamedTuple

HIGHEST = 65535


class Problem(NamedTuple):
    """Why a port can't be had: the errno's name, who has it where that can be known, and the next one that is free."""

    kind: Literal["EADDRINUSE", "EACCES", "other"]
    message: str
    holder: str = ""
    free: int | None = None


def problem_with(port: int, host: str = "127.0.0.1") -> Problem | None:
    """None if TCP and UDP sockets of ours could be bound to the port now, as the programs bind theirs."""
    error = _try(port, host)
    if error is None:
        return None
    match error.errno:
        case errno.EADDRINUSE:
            return Problem("EADDRINUSE", str(error), _holder(port), next_free(port, host))
        case errno.EACCES:
            return Problem("EACCES", str(error), free=next_free(max(port, 1024), host))
        case _:
            return Problem("other", str(error))


def next_free(port: int, host: str = "127.0.0.1") -> int | None:
    """The next port above that can be had, None if there is none among the next thousand."""
    candidates = range(port + 1, min(port + 1000, HIGHEST) + 1)
    return next((each for each in candidates if _try(each, host) is None), None)


def _try(port: int, host: str) -> OSError | None:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                if kind == socket.SOCK_STREAM:  # as the server does: TIME_WAIT of an earlier run is no obstacle
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
                if kind == socket.SOCK_STREAM:
                    probe.listen(0)  # two may be bound with SO_REUSEADDR, but only one may listen
            except OSError as error:
                return error
    return None


def _holder(port: int) -> str:
    """ "python3 (PID 4711)", or "" where the machine does not say."""
    import psutil  # only now: it takes as long as all else here

    with contextlib.suppress(psutil.Error, OSError):
        for row in psutil.net_connections("inet"):
            if row.laddr and row.laddr.port == port and row.pid and (row.status == "LISTEN" or not row.raddr):
                with contextlib.suppress(psutil.Error):
                    return f"{psutil.Process(row.pid).name()} (PID {row.pid})"
    return ""
