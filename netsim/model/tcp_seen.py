"""What the kernel lists, put down by connection: which end is the client's, what each was last seen as.

Nothing is concluded here but who is who, and where one connection ends and the next of the same four-tuple begins.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from netsim.model.address import Address, Conversation, Role
from netsim.model.events import KernelSocket, SocketsObserved
from netsim.model.ledger import Connection, Ledger, Side
from netsim.model.tcp import BEGINNING, SAYS, begins_anew, matches

ENDED_KEPT = 64  # connections that are over stay known, for calls that report late


def see(ledger: Ledger, event: SocketsObserved) -> tuple[Ledger, frozenset[Conversation]]:
    """The ledger with the newest list of TCP sockets, and the connections of which it shows something new."""
    sockets = event.sockets
    if not event.complete:  # psutil knows no inodes; what stands there only says whether somebody has the socket
        sockets = tuple(replace(each, inode=0) for each in sockets)
    listeners = tuple(each for each in sockets if each.state == "LISTEN")
    ports = ledger.ports | {each.local for each in listeners}
    if not ledger.listed:  # what the kernel still remembers of connections from before this lab
        past = frozenset((each.local, each.remote) for each in sockets if _is_mere_remains(each))
        ledger = replace(ledger, past=past)
    ledger = replace(ledger, listed=True, listeners=listeners, ports=ports)
    found = _by_conversation(ledger, sockets)
    connections = dict(ledger.connections)
    changed = set()
    for conversation in found.keys() | connections.keys():
        before = connections.get(conversation)
        ends = found.get(conversation, {})
        after = _next(before, conversation, ends, event.at)
        if after is not before:
            connections[conversation] = after
            changed.add(conversation)
    return replace(ledger, complete=event.complete, connections=_pruned(connections)), frozenset(changed)


def _is_mere_remains(end: KernelSocket) -> bool:
    return end.transport == "tcp" and SAYS[end.state].fin_sent and end.counters is None and not end.inode


def _next(
    before: Connection | None, conversation: Conversation, ends: dict[Role, KernelSocket], at: float
) -> Connection:
    if before is None:
        before = Connection(conversation=conversation, born=at)
    elif _is_another(before, ends):
        # What is left of the one before (a server's TIME_WAIT that gives way to a new SYN) is not this one's.
        ends = {role: end for role, end in ends.items() if not _is_left_over(before.side(role), end)}
        before = Connection(conversation=conversation, born=at)
    client = _side(before.client, ends.get("client"), at)
    server = _side(before.server, ends.get("server"), at)
    missing = not ends
    if client is before.client and server is before.server and missing == before.missing:
        return before
    return replace(before, client=client, server=server, missing=missing)


def _is_another(before: Connection, ends: dict[Role, KernelSocket]) -> bool:
    if before.over and any(end.state in BEGINNING for end in ends.values()):
        return True
    return any(begins_anew(before.side(role), end) for role, end in ends.items())


def _is_left_over(before: Side, now: KernelSocket) -> bool:
    return SAYS[now.state].fin_sent and before.state == now.state


def _side(before: Side, now: KernelSocket | None, at: float) -> Side:
    if now is None:
        return before if before.seen is None else replace(before, seen=None, gone_at=at)
    if now == before.seen:
        return before
    return replace(
        before,
        seen=now,
        last=now,
        counters=now.counters or before.counters,
        counted=now.state if now.counters else before.counted,
        offered_then=before.offered if now.counters else before.offered_then,
        inode=now.inode or before.inode,
        # Without a process or without counters there is no queue to speak of (a TIME_WAIT shows 0).
        unread=max(0, now.receive_queue - SAYS[now.state].fin_received) if now.counters else before.unread,
        gone_at=None,
        expires=at + now.expires_ms / 1000 if now.timer == "timewait" else None,
    )


def _by_conversation(ledger: Ledger, sockets: Iterable[KernelSocket]) -> dict[Conversation, dict[Role, KernelSocket]]:
    """The connected sockets by connection. One whose role can't be told waits until another tells the connection."""
    found: dict[Conversation, dict[Role, KernelSocket]] = {}
    unclear = []
    for each in sockets:
        if (each.local, each.remote) in ledger.past and _is_mere_remains(each):
            continue
        if each.transport == "tcp" and each.remote is not None and each.remote != each.local:
            role = _role(ledger, each, each.remote, found.keys())
            if role is None:
                unclear.append(each)
            else:
                found.setdefault(conversation_of(each.local, each.remote, role), {})[role] = each
    for each in unclear:
        if each.remote is not None and (role := _role(ledger, each, each.remote, found.keys())):
            found[conversation_of(each.local, each.remote, role)][role] = each
    return found


def conversation_of(local: Address, remote: Address, role: Role) -> Conversation:
    """The connection whose end `local` is, in that role."""
    return Conversation("tcp", local, remote) if role == "client" else Conversation("tcp", remote, local)


def _role(ledger: Ledger, each: KernelSocket, remote: Address, found: Iterable[Conversation]) -> Role | None:
    """Who called: the end in SYN_SENT, the one that connect() was called on, the one whose peer has the listener."""
    for known in (ledger.connections, found):
        if conversation_of(each.local, remote, "client") in known:
            return "client"
        if conversation_of(each.local, remote, "server") in known:
            return "server"
    if each.state in ("SYN_SENT", "SYN_RECV"):
        return "client" if each.state == "SYN_SENT" else "server"
    if each.inode and any(
        call.name in ("connect", "connect_ex") and call.socket is not None and call.socket.inode == each.inode
        for call in ledger.calls.values()
    ):
        return "client"
    for ports in ({listener.local for listener in ledger.listeners}, ledger.ports):
        calls = any(matches(port, remote) for port in ports)
        answers = any(matches(port, each.local) for port in ports)
        if calls != answers:
            return "client" if calls else "server"
    return None


def _pruned(connections: dict[Conversation, Connection]) -> dict[Conversation, Connection]:
    over = [key for key, each in connections.items() if each.over]
    for key in over[:-ENDED_KEPT]:
        del connections[key]
    return connections
