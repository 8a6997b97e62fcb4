"""The whole machine's sockets as psutil sees them, each with the processes that have it where that can be seen.

Law: whatever ends, or may not be seen, while it is looked at is left out or left without a name; nothing is raised.
"""

from __future__ import annotations

import gc
import os
from functools import partial
from typing import TYPE_CHECKING

from netsim.lab.machine_kernel import NO_WORD, Kernel, KernelsWord, unmapped
from netsim.model.address import Address, Transport
from netsim.model.machine import MachinePorts, MachineRow

if TYPE_CHECKING:
    from psutil._ntuples import pconn, sconn

    _Connection = pconn | sconn
    _Found = tuple[_Connection, int | None]

_NO_STATE = "NONE"  # psutil.CONN_NONE: UDP has none; the others are spelled as the kernel's on every system
_DATAGRAM = 2  # SOCK_DGRAM


class Table:
    """Reads it, and remembers the names: a process keeps its own, and is known by PID and start.

    On Linux the kernel's own list says more: whether any process has a socket, all those that do, and its queues.
    """

    def __init__(self) -> None:
        self._named: dict[tuple[int, float], tuple[str, str]] = {}
        self._kernel = Kernel()

    def read(self) -> MachinePorts:
        """The table now, sorted: by protocol, local port, address, peer, PID.

        Garbage is not looked for meanwhile: with ten thousand sockets that would take as long again.
        """
        collects = gc.isenabled()
        gc.disable()
        try:
            return self._read()
        finally:
            if collects:
                gc.enable()

    def _read(self) -> MachinePorts:
        try:
            import psutil
        except ImportError as error:
            return MachinePorts(0, failure=f"psutil can't be imported: {error}.")
        try:
            found, complete = _machine(), True
        except psutil.AccessDenied:  # macOS: the whole machine's are root's to see
            found, complete = _own(), False
        except (psutil.Error, OSError, RuntimeError) as error:
            return MachinePorts(0, failure=f"psutil does not say: {error}.")
        words = self._kernel.words(found)
        pids = [_pids(pid, word) for (_, pid), word in zip(found, words, strict=True)]
        names = self._names({each[0] for each in pids if each})
        rows = map(partial(_row, names), found, pids, words)
        ordered = tuple(sorted((row for row in rows if row), key=_order))
        return MachinePorts(0, ordered, complete=complete, by_root=hasattr(os, "geteuid") and os.geteuid() == 0)

    def _names(self, pids: set[int]) -> dict[int, tuple[str, str]]:
        """Name and user of each; asked for once in a process's life."""
        import psutil

        names, named = {}, {}
        for pid in pids:
            try:
                process = psutil.Process(pid)
                key = pid, process.create_time()
                named[key] = self._named.get(key) or (_text(process.name()), _text(process.username()))
                names[pid] = named[key]
            except (psutil.Error, OSError, KeyError):
                continue
        self._named = named
        return names


def _machine() -> list[_Found]:
    import psutil

    return [(each, each.pid) for each in psutil.net_connections("inet")]


def _own() -> list[_Found]:
    """The sockets of those processes that may be asked."""
    import psutil

    found: list[_Found] = []
    for process in psutil.process_iter():
        try:
            found += [(each, process.pid) for each in process.net_connections("inet")]
        except (psutil.Error, OSError):
            continue
    return found


def _pids(pid: int | None, word: KernelsWord | None) -> tuple[int, ...]:
    """Who has it: all that were seen to, else the one that psutil names; the lowest first, as a rule the parent."""
    if word is not None and word.pids:
        return tuple(sorted(word.pids))
    return (pid,) if pid is not None else ()


def _row(
    names: dict[int, tuple[str, str]], found: _Found, pids: tuple[int, ...], word: KernelsWord | None
) -> MachineRow | None:
    each = found[0]
    local = _address(each.laddr)
    if local is None:
        return None
    transport: Transport = "udp" if each.type == _DATAGRAM else "tcp"
    state = "" if each.status == _NO_STATE else each.status
    pid = pids[0] if pids else None
    name, user = names.get(pid or 0, ("", ""))
    return MachineRow(transport, local, _address(each.raddr), state, pid, name, user, pids[1:], *(word or NO_WORD)[1:])


def _text(name: str) -> str:
    """A name may hold any bytes: what is not UTF-8 is spelled out, for JSON takes nothing else."""
    return name if name.isascii() else name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _address(pair: tuple[str, int] | tuple[()]) -> Address | None:
    return Address(unmapped(pair[0]), pair[1]) if pair else None


def _order(row: MachineRow) -> tuple[str, int, str, bool, Address, int]:
    return row.transport, row.local.port, row.local.host, row.remote is not None, row.remote or row.local, row.pid or 0
