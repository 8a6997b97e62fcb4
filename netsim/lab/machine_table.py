"""The whole machine's sockets as psutil sees them, each with the process that has it where that can be seen.

Law: whatever ends, or may not be seen, while it is looked at is left out or left without a name; nothing is raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.model.address import Address
from netsim.model.machine import MachinePorts, MachineRow

if TYPE_CHECKING:
    from psutil._ntuples import pconn, sconn

    _Connection = pconn | sconn
    _Found = tuple[_Connection, int | None]

_NO_STATE = "NONE"  # psutil.CONN_NONE: UDP has none; the others are spelled as the kernel's on every system
_DATAGRAM = 2  # SOCK_DGRAM


class Table:
    """Reads it, and remembers the names: a process keeps its own, and is known by PID and start."""

    def __init__(self) -> None:
        self._named: dict[tuple[int, float], tuple[str, str]] = {}

    def read(self) -> MachinePorts:
        """The table now, sorted: by protocol, local port, address, peer, PID."""
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
        names = self._names({pid for _, pid in found if pid is not None})
        rows = (_row(each, pid, *names.get(pid or 0, ("", ""))) for each, pid in found)
        return MachinePorts(0, tuple(sorted((row for row in rows if row), key=_order)), complete=complete)

    def _names(self, pids: set[int]) -> dict[int, tuple[str, str]]:
        """Name and user of each; asked for once in a process's life."""
        import psutil

        names, named = {}, {}
        for pid in pids:
            try:
                process = psutil.Process(pid)
                key = pid, process.create_time()
                named[key] = self._named.get(key) or (process.name(), process.username())
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


def _row(each: _Connection, pid: int | None, name: str, user: str) -> MachineRow | None:
    local = _address(each.laddr)
    if local is None:
        return None
    return MachineRow(
        transport="udp" if each.type == _DATAGRAM else "tcp",
        local=local,
        remote=_address(each.raddr),
        state="" if each.status == _NO_STATE else each.status,
        pid=pid,
        name=name,
        user=user,
    )


def _address(pair: tuple[str, int] | tuple[()]) -> Address | None:
    return Address(pair[0], pair[1]) if pair else None


def _order(row: MachineRow) -> tuple[str, int, str, bool, Address, int]:
    return row.transport, row.local.port, row.local.host, row.remote is not None, row.remote or row.local, row.pid or 0
