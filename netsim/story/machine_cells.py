"""What each cell of the machine's table means, and why a process can't be seen there.

Law: as in `cells`; what may not be seen says whose it is, where the kernel tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

from netsim.model.machine_rows import ports_served
from netsim.model.world import Row, RowKey
from netsim.story.calls import plural
from netsim.story.cells import Around, Column, explain_cell


class Machine(NamedTuple):
    """What is to be known of the whole table to explain one row of it."""

    served: frozenset[tuple[str, int]] = frozenset()  # where somebody is reached
    taken: frozenset[tuple[str, int]] = frozenset()  # every protocol and port
    twins: frozenset[RowKey] = frozenset()  # addresses that several sockets have
    queues: bool = True
    complete: bool = True
    by_root: bool = False


def machine_of(rows: Sequence[Row], *, queues: bool, complete: bool, by_root: bool = False) -> Machine:
    """The whole, from its rows."""
    return Machine(
        ports_served(rows),
        frozenset((row.key.transport, row.key.port) for row in rows),
        frozenset(_alone(row.key) for row in rows if row.key.twin),
        queues,
        complete,
        by_root,
    )


def explain_on_machine(row: Row, column: Column, machine: Machine, now: float) -> tuple[str, ...]:
    """What this value means for this row; `now` by the clock of `expires_at`."""
    key = row.key
    other = "udp" if key.transport == "tcp" else "tcp"
    around = Around(
        serves=(key.transport, key.port) in machine.served,
        both_protocols=(other, key.port) in machine.served and (key.transport, key.port) in machine.served,
        sockets=2 if _alone(key) in machine.twins else 1,
        unread=row.unread,
        unsent=row.unsent,
        seconds=None if row.expires_at is None else max(0, ceil(row.expires_at - now)),
        queues=machine.queues,
        secret=_secret(row, machine),
    )
    said = explain_cell(row, column, around)
    if column in ("pid", "program") and row.pids and row.user:
        return (*said, f"It runs as {row.user[:40]}.")
    return said


def hidden(rows: Iterable[Row], *, briefly: bool = False, by_root: bool = False) -> str:
    """How many rows have a process that may not be seen, and what shows them; "" if there are none.

    `by_root`: root has looked, so they are hidden from root, too.
    """
    count = sum(row.whose == "unknown" for row in rows)
    if not count:
        return ""
    if briefly:
        return f"{count} hidden (?): even from root" if by_root else f"{count} hidden (?): another user's"
    if by_root:
        return f"{plural(count, 'row')} with ?: whose they are can't be seen here, not even by root."
    return f"{plural(count, 'row')} with ?: another user's, or not to be seen. sudo netsim ports shows more."


def _secret(row: Row, machine: Machine) -> str:
    if machine.by_root:
        return "No process of it can be seen here, not even by root: the kernel's own, or one in another container."
    if row.user:
        return f"{row.user[:12]}'s process has it; which one can't be seen here. root sees most."
    if not machine.complete:
        return "This system shows only your own processes' sockets: root sees all."
    return "No process that this user may see: another user's, or the kernel's. root sees more."


def _alone(key: RowKey) -> RowKey:
    return RowKey(key.port, key.transport, key.host, key.peer)
