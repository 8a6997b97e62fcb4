"""The port table's rows: the kernel's sockets joined with who has them, by psutil and by our programs' own reports.

Law: the kernel decides which sockets exist and which have no process (inode 0); psutil and the programs name owners.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import count

from msgspec.structs import replace

from netsim.model.events import KernelSocket, Owner
from netsim.model.world import Endpoint, Holder, Row, RowKey, Slot, World

REMEMBERED_HOLDERS = 4


def update_rows(world: World) -> tuple[tuple[Slot, ...], Mapping[RowKey, tuple[Holder, ...]], frozenset[str]]:
    """The table's slots after a change, who is remembered to have had each row, and the names of the changed rows.

    Rows that stay keep their place; a row that vanished leaves an empty slot; a new one goes where the order (the
    lab's own port first, then by port) puts it.
    """
    remembered = dict(world.remembered)
    rows = {row.key: row for row in _rows(world, remembered)}
    before = {slot.row.key: slot.row for slot in world.slots if slot.row is not None}
    slots = [Slot(rows.get(slot.row.key)) if slot.row else slot for slot in world.slots]
    port = world.lab.port if world.lab else 0
    for key, row in rows.items():
        if key not in before:
            _insert(slots, row, port)
    changed = {row_name(key) for key, row in rows.items() if _differs(before.get(key), row)}
    return tuple(slots), remembered, frozenset(changed)


def row_name(key: RowKey) -> str:
    """How `World.changed` names a row."""
    return f"row {key.port}/{key.transport} {key.peer or '-'}" + (f" {key.twin}" if key.twin else "")


def program_name(endpoint: Endpoint) -> str:
    """What the table calls a program of ours: "server", "client", "client 2", "server (udp)", "server's child"."""
    number = f" {endpoint.number}" if endpoint.role == "client" and endpoint.number > 1 else ""
    number += "'s child" if endpoint.forked_from else ""
    return f"{endpoint.role}{number}" + (" (udp)" if endpoint.transport == "udp" else "")


def compact(slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """The slots without the empty ones: what the next command makes of the table."""
    return tuple(slot for slot in slots if slot.row is not None)


def _rows(world: World, remembered: dict[RowKey, tuple[Holder, ...]]) -> Iterable[Row]:
    owners: dict[RowKey, list[Owner]] = {}
    for owner in world.owners:
        owners.setdefault(_owner_key(owner), []).append(owner)
    by_inode = _holders_by_inode(world.endpoints.values())
    ours = {endpoint.pid: program_name(endpoint) for endpoint in world.endpoints.values()}
    if world.kernel_complete:
        for key, socket in _keyed(world):
            base = _kernel_key(socket)
            named = [owner for owner in owners.get(base, []) if owner.pid is not None] if socket.inode else []
            pids = {pid: ours[pid] for pid in by_inode.get(socket.inode, ())} if socket.inode else {}
            for owner in named:
                if owner.pid is not None and _may_hold(world, owner.pid, socket):
                    pids[owner.pid] = ours.get(owner.pid, owner.name)
            yield _row(world, key, socket, pids, remembered)
    else:
        for key, group in owners.items():
            pids = {owner.pid: ours.get(owner.pid, owner.name) for owner in group if owner.pid is not None}
            yield _row(world, key, _as_kernel(group[0]), pids, remembered)


def _may_hold(world: World, pid: int, socket: KernelSocket) -> bool:
    """False for a stale answer of psutil: one of our processes that has reported to have no such socket open.

    Nor has one that has a twin of it: psutil tells addresses, and two sockets may share one.
    """
    endpoint = next((each for each in world.endpoints.values() if each.pid == pid), None)
    if endpoint is None:
        return not any(pid in each.former_pids for each in world.endpoints.values())
    if endpoint.status == "ended" or any(ref.inode == socket.inode for ref in endpoint.sockets):
        return endpoint.status != "ended"
    has_twin = any(
        ref.transport == socket.transport and ref.local == socket.local and ref.remote == socket.remote
        for ref in endpoint.sockets
    )
    return endpoint.status in ("running", "starting") and not has_twin


def _keyed(world: World) -> Iterable[tuple[RowKey, KernelSocket]]:
    """The kernel's sockets with their rows' keys. Of those that share an address each keeps the key that it had."""
    had = {slot.row.inode: slot.row.key for slot in world.slots if slot.row is not None and slot.row.inode}
    by_address: dict[RowKey, list[KernelSocket]] = {}
    for socket in world.kernel:
        by_address.setdefault(_kernel_key(socket), []).append(socket)
    for base, twins in by_address.items():
        kept = {each.inode: had[each.inode] for each in twins if each.inode in had and _is_twin(had[each.inode], base)}
        taken = {key.twin for key in kept.values()}
        free = (number for number in count() if number not in taken)
        for socket in sorted(twins, key=lambda each: each.inode):
            yield kept.get(socket.inode) or replace(base, twin=next(free)), socket


def _is_twin(key: RowKey, base: RowKey) -> bool:
    return replace(key, twin=0) == base


def _holders_by_inode(endpoints: Iterable[Endpoint]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for endpoint in endpoints:
        if endpoint.status != "ended":
            for ref in endpoint.sockets:
                if endpoint.pid not in (pids := found.setdefault(ref.inode, [])):
                    pids.append(endpoint.pid)
    return found


def _row(
    world: World,
    key: RowKey,
    socket: KernelSocket,
    pids: dict[int, str],
    remembered: dict[RowKey, tuple[Holder, ...]],
) -> Row:
    history = remembered.get(key, ())
    for pid, name in sorted(pids.items()):
        if pid not in {holder.pid for holder in history}:
            history = _remembered((*history, Holder(pid, name)), pids)
    if history:
        remembered[key] = history
    former = _before(history, pids)
    listening = socket.state == "LISTEN"
    name = next((pids[pid] for pid in sorted(pids)), former.name if former else "")
    return Row(
        key=key,
        state="" if key.transport == "udp" else socket.state,
        pids=tuple(sorted(pids)),
        former_pid=former.pid if former else None,
        name=name,
        whose="process" if pids else ("kernel" if socket.inode == 0 else "unknown"),
        waiting=socket.receive_queue if listening else 0,
        backlog=socket.send_queue if listening else 0,
        expires_at=world.observed_at + socket.expires_ms / 1000 if socket.timer == "timewait" else None,
        inode=socket.inode if world.kernel_complete else 0,
    )


def _remembered(history: tuple[Holder, ...], pids: Collection[int]) -> tuple[Holder, ...]:
    """As many holders as are kept: first those go that have it no longer, the oldest first."""
    surplus = max(0, len(history) - REMEMBERED_HOLDERS)
    going = [holder for holder in history if holder.pid not in pids][:surplus]
    return tuple(holder for holder in history if holder not in going)[-REMEMBERED_HOLDERS:]


def _before(history: tuple[Holder, ...], pids: Collection[int]) -> Holder | None:
    """Who had it before those who have it now: not a child that came later, and is gone while its parent stayed."""
    first = next((place for place, holder in enumerate(history) if holder.pid in pids), len(history))
    return history[first - 1] if first else None


def _kernel_key(socket: KernelSocket) -> RowKey:
    return RowKey(socket.local.port, socket.transport, socket.local.host, socket.remote)


def _owner_key(owner: Owner) -> RowKey:
    return RowKey(owner.local.port, owner.transport, owner.local.host, owner.remote)


def _as_kernel(owner: Owner) -> KernelSocket:
    """What psutil alone tells of a socket; one without an owner is the kernel's only in a state that says so."""
    kernels = owner.pid is None and owner.state in ("TIME_WAIT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "LAST_ACK")
    state = owner.state or "CLOSE"
    return KernelSocket(
        transport=owner.transport,
        state=state,  # type: ignore[arg-type]  # psutil's spelling is mapped to the kernel's in the lab
        local=owner.local,
        remote=owner.remote,
        inode=0 if kernels else 1,
        receive_queue=0,
        send_queue=0,
    )


def _order(row: Row, port: int) -> tuple[bool, int, str, bool, RowKey]:
    return (row.key.port != port, row.key.port, row.key.transport, row.key.peer is not None, row.key)


def _insert(slots: list[Slot], row: Row, port: int) -> None:
    """Put a new row before the first one that comes after it; an empty slot just there is taken."""
    place = next(
        (i for i, slot in enumerate(slots) if slot.row and _order(slot.row, port) > _order(row, port)), len(slots)
    )
    if place and slots[place - 1].row is None:
        slots[place - 1] = Slot(row)
    else:
        slots.insert(place, Slot(row))


def _differs(before: Row | None, after: Row) -> bool:
    """Whether a person would call the row changed; a countdown is not a change."""
    return before is None or (before.state, before.pids, before.waiting, before.whose) != (
        after.state, after.pids, after.waiting, after.whose,
    )  # fmt: skip
