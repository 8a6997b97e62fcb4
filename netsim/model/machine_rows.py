"""The machine's table as rows of a port table, and who is remembered to have had each of its four-tuples.

Law: a row without a process is the kernel's only where the kernel or its state says so; else it is not to be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from netsim.model.machine import MachinePorts, MachineRow
from netsim.model.views import PEER_HAS_CLOSED, UNANSWERED
from netsim.model.world import Holder, Row, RowKey

# In these no process has it: psutil names none, and is right. CLOSING and FIN_WAIT1 too: only close() leads there,
# or shutdown(), after which psutil names the process.
KERNELS = frozenset({"TIME_WAIT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK"})
KEPT = 120.0  # seconds for which the owner of a row is remembered that is no longer there: TIME_WAIT takes 60
HOLDERS = 2  # who has it, and who had it before


class Remembered(NamedTuple):
    """Who has had a row's socket, the last one last, and when that row was last there (the screen's clock)."""

    holders: tuple[Holder, ...]
    at: float


Memory = Mapping[RowKey, Remembered]


def rows_of(
    ports: MachinePorts, memory: Memory, at: float, ours: Mapping[int, str] | None = None
) -> tuple[tuple[Row, ...], Memory]:
    """The rows, by port and with listeners first, and what is remembered from now on.

    `at`: the clock when the table was read. `ours`: what the lab's own processes are called. Time and memory grow with
    the number of rows, and of those that vanished in the last two minutes.
    """
    kept = {key: each for key, each in memory.items() if at - each.at <= KEPT}
    names = ours or {}
    rows: list[Row] = []
    twins: dict[RowKey, int] = {}
    for each in ports.rows:
        key = RowKey(each.local.port, each.transport, each.local.host, each.remote)
        twin = twins[key] = twins.get(key, -1) + 1
        if twin:
            key = RowKey(key.port, key.transport, key.host, key.peer, twin)
        pids = _pids(each)
        known = kept.get(key)
        if pids:
            name = names.get(pids[0]) or each.name
            holders = _with(known.holders if known else (), pids, name)
            kept[key] = Remembered(holders, at)
        elif known:
            kept[key] = known._replace(at=at)
        rows.append(_row(key, each, pids, known.holders if known else (), at, names))
    rows.sort(key=_order)
    return tuple(rows), kept


def changed_rows(before: Sequence[Row], after: Iterable[Row]) -> frozenset[RowKey]:
    """The rows that are new, or whose state or process is another; what only counts down is not changed."""
    told = {row.key: (row.state, row.pids, row.waiting, row.whose) for row in before}
    return frozenset(row.key for row in after if told.get(row.key) != (row.state, row.pids, row.waiting, row.whose))


def ports_served(rows: Iterable[Row]) -> frozenset[tuple[str, int]]:
    """The protocols and ports that somebody listens on, or takes datagrams on from anyone."""
    return frozenset(
        (row.key.transport, row.key.port)
        for row in rows
        if row.state == "LISTEN" or (row.key.transport == "udp" and row.key.peer is None)
    )


def _order(row: Row) -> tuple[int, str, bool, RowKey]:
    return row.key.port, row.key.transport, row.key.peer is not None, row.key


def _pids(each: MachineRow) -> tuple[int, ...]:
    return tuple(sorted({each.pid, *each.others})) if each.pid is not None else ()


def _row(
    key: RowKey,
    each: MachineRow,
    pids: tuple[int, ...],
    holders: tuple[Holder, ...],
    at: float,
    ours: Mapping[int, str],
) -> Row:
    former = next((holder for holder in reversed(holders) if holder.pid not in pids), None)
    if pids and key.peer is not None:
        former = None  # the four-tuple of another conversation, by chance: a listener's port is meant to be the same
    listening = each.state == "LISTEN"
    return Row(
        key=key,
        state=each.state,
        pids=pids,
        former_pid=former.pid if former else None,
        name=(ours.get(pids[0]) or each.name) if pids else former.name if former else "",
        whose=_whose(each, pids),
        waiting=each.receive if listening else 0,
        backlog=each.send if listening else 0,
        expires_at=at + each.expires_ms / 1000 if each.state == "TIME_WAIT" and each.expires_ms else None,
        user=each.user or each.owner,
        unread=0 if listening else max(0, each.receive - (each.state in PEER_HAS_CLOSED)),
        unsent=0 if listening else max(0, each.send - (each.state in UNANSWERED)),
    )


def _whose(each: MachineRow, pids: tuple[int, ...]) -> Literal["process", "kernel", "unknown"]:
    if pids:
        return "process"
    if each.held is None:
        return "kernel" if each.state in KERNELS else "unknown"
    return "unknown" if each.held else "kernel"


def _with(holders: tuple[Holder, ...], pids: tuple[int, ...], name: str) -> tuple[Holder, ...]:
    """The holders with those of now at their end."""
    if holders and pids == (holders[-1].pid,) and name == holders[-1].name:
        return holders
    others = tuple(holder for holder in holders if holder.pid not in pids)
    return (*others[-(HOLDERS - 1) :], *(Holder(pid, name) for pid in pids))
