"""What netsim reads of a machine, tried once: sock_diag, TCP_INFO, psutil, /proc. No namespaces, no judgement.

Law: each looks for something that it has put there itself, so that an empty answer is not taken for a good one.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from netsim.lab import procfs
from netsim.lab.attempts import Found, errno_name
from netsim.lab.sockdiag import SockDiag
from netsim.lab.steps import StepError, step

_TCP_INFO = getattr(socket, "TCP_INFO", None)  # Linux only: macOS has another, Windows none
_INFO_NEEDED = 208  # bytes, up to and with bytes_sent: Linux 4.19 (see sockdiag)
_STATES = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 7: "CLOSE"}  # net/tcp_states.h; others by number
_LONGEST_INFO = 512


def sock_diag() -> Found:
    """The kernel's list has a socket of ours."""
    with _listening() as listener, SockDiag() as diag:
        port = listener.getsockname()[1]
        with step("list the sockets over netlink"):
            sockets = diag.dump()
    if not any(each.local.port == port and each.state == "LISTEN" for each in sockets):
        raise StepError("find a socket of ours in the list", errno.ENOENT)
    return Found(f"{len(sockets)} sockets")


def tcp_info() -> Found:
    """The counters of a connection over the machine's loopback."""
    if _TCP_INFO is None:
        raise StepError("getsockopt(TCP_INFO)", errno.ENOPROTOOPT)
    with _listening() as listener, step("connect over 127.0.0.1"):
        client = socket.create_connection(listener.getsockname(), timeout=1)
    with client, step("getsockopt(TCP_INFO)"):
        length = len(client.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _LONGEST_INFO))
    return Found(f"{length} bytes", "works" if length >= _INFO_NEEDED else "partly")


def state_of(tcp: socket.socket) -> str:
    """The state of a TCP socket of this process, by TCP_INFO; "" where there is none."""
    if _TCP_INFO is None:
        return ""
    number = tcp.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0]
    return _STATES.get(number, str(number))


def psutil_view() -> Found:
    """How many sockets psutil sees on this machine, how many of them with a PID, and whether ours is one of those."""
    try:
        import psutil
    except ImportError as error:
        return Found(str(error), "fails", "ImportError", "import psutil")
    with _listening() as listener:
        port, me = listener.getsockname()[1], _machine_pid()
        try:
            rows = psutil.net_connections("inet")
        except psutil.AccessDenied:  # macOS: the whole machine's only for root
            own = [each for each in psutil.Process().net_connections("inet") if tuple(each.laddr)[1:] == (port,)]
            return Found("only our own" if own else "nothing", "partly" if own else "fails", "EACCES")
    named = sum(each.pid is not None for each in rows)
    ours = any(each.pid == me and tuple(each.laddr)[1:] == (port,) for each in rows)
    return Found(f"{len(rows)} sockets, {named} with a PID", "works" if ours else "fails", "" if ours else "ENOENT")


def proc() -> Found:
    """What the lab reads of other processes there; partly if some of it can't be had."""
    if not sys.platform.startswith("linux"):
        raise StepError("read /proc", errno.ENOENT)
    with step("read /proc/self/stat"), open("/proc/self/stat", "rb") as file:
        file.read()
    refused = []
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        os.close(write_end)
        os.read(read_end, 1)  # sleeps until we close our end
        os._exit(0)
    pidfd = procfs.open_pidfd(child)
    pid = (procfs.machine_pid(pidfd) if pidfd is not None else None) or child
    for name, mode in (("ns/net", os.O_RDONLY), ("fd/0", os.O_PATH), ("comm", os.O_RDONLY), ("syscall", os.O_RDONLY)):
        try:
            os.close(os.open(f"/proc/{pid}/{name}", mode))
        except OSError as error:
            refused.append((f"open /proc/PID/{name}", errno_name(error.errno or 0)))
    os.close(write_end)
    os.waitpid(child, 0)
    for each in (read_end, pidfd):
        if each is not None:
            os.close(each)
    if refused:
        return Found(", ".join(f"{name}: {number}" for name, number in refused), "partly", refused[0][1], refused[0][0])
    return Found(f"{sum(each.isdigit() for each in os.listdir('/proc'))} processes seen")


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with step("listen on 127.0.0.1"):
        listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        yield listener


def _machine_pid() -> int:
    """Our number as /proc has it, whatever pid namespace we are in."""
    try:
        return int(os.readlink("/proc/self"))
    except (OSError, ValueError):
        return os.getpid()
