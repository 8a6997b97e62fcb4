"""What calls report, put down by connection: bytes that sends took, bytes that receives gave, who closed, what failed.

A call belongs to the connection of its socket: by inode, or by its two addresses.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from netsim.model.address import Conversation, Role
from netsim.model.events import CallReturned, CallSlept, CallStarted, ProcessExited, SocketRef
from netsim.model.ledger import Chunk, Connection, Ledger, Side
from netsim.model.tcp import ROLES
from netsim.model.tcp_seen import conversation_of

SENDS = frozenset(("send", "sendall", "sendto", "sendmsg", "sendfile", "write"))
RECEIVES = frozenset(("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "read", "readinto"))
CONNECTS = frozenset(("connect", "connect_ex"))


def note_start(ledger: Ledger, event: CallStarted) -> tuple[Ledger, frozenset[Conversation]]:
    """A call begins."""
    ledger = replace(ledger, calls={**ledger.calls, (event.who, event.call): event})
    if event.socket is None or event.socket.transport != "tcp":
        return ledger, frozenset()
    changes: dict[str, object] = {"who": event.who}
    if event.name in SENDS:
        changes["sending"] = True
    found = find(ledger, event.socket)
    side = ledger.connections[found[0]].side(found[1]) if found else Side()
    if side.closed:  # by one of several processes that have it open: it is not closed yet
        changes |= {"closed": False, "finished": 0, "finished_after": 0, "farewell": ""}
    return _change(ledger, event.socket, event.at, changes)


def note_sleep(ledger: Ledger, event: CallSlept) -> tuple[Ledger, frozenset[Conversation]]:
    """A call sleeps: what a send has handed over so far is not reported until it is back."""
    started = ledger.calls.get((event.who, event.call))
    if started is None or started.socket is None or started.name not in SENDS:
        return ledger, frozenset()
    return _change(ledger, started.socket, event.at, {"asleep": True})


def note_return(ledger: Ledger, event: CallReturned) -> tuple[Ledger, frozenset[Conversation]]:
    """A call on a TCP socket came back."""
    started = ledger.calls.get((event.who, event.call))
    calls = {key: call for key, call in ledger.calls.items() if key != (event.who, event.call)}
    order = ledger.order + 1
    ledger = replace(ledger, calls=calls, order=order)
    touched: frozenset[Conversation] = frozenset()
    if event.accepted is not None and event.accepted.transport == "tcp":
        ledger, touched = _change(ledger, event.accepted, event.at, {"who": event.who}, role="server")
    ref = event.socket
    if ref is None or ref.transport != "tcp":
        return ledger, touched
    if event.name in CONNECTS and event.error is None and ref.local is not None and ref.remote is not None:
        ledger, _ = _change(ledger, ref, event.at, {"who": event.who}, role="client")
        ledger = _mark_connected(ledger, conversation_of(ref.local, ref.remote, "client"))
    found = find(ledger, ref)
    if found is None:
        return ledger, touched
    side = _after_call(ledger.connections[found[0]].side(found[1]), event, started, order)
    return with_side(ledger, *found, side), touched | {found[0]}


def note_exit(ledger: Ledger, event: ProcessExited) -> tuple[Ledger, frozenset[Conversation]]:
    """A process is gone: the kernel has closed everything that it had open."""
    order = ledger.order + 1
    ledger = replace(
        ledger, order=order, calls={key: call for key, call in ledger.calls.items() if key[0] != event.who}
    )
    touched = set()
    for conversation, connection in ledger.connections.items():
        for role in ROLES:
            side = connection.side(role)
            if side.who == event.who and not connection.over:
                touched.add(conversation)
                how = "its process was killed" if event.killed_by else "its process ended"
                gone = replace(side, sending=False, asleep=False, closed=True)
                if not side.finished:
                    gone = replace(gone, finished=order, finished_after=side.received, farewell=how)
                ledger = with_side(ledger, conversation, role, gone)
    return ledger, frozenset(touched)


def find(ledger: Ledger, ref: SocketRef) -> tuple[Conversation, Role] | None:
    """The connection whose end this socket is, the newest if the inode is not known yet."""
    if ref.local is not None and ref.remote is not None:
        for role in ROLES:
            conversation = conversation_of(ref.local, ref.remote, role)
            known = ledger.connections.get(conversation)
            if known is not None and (not ref.inode or known.side(role).inode in (0, ref.inode)):
                return conversation, role
    if ref.inode:
        for conversation, connection in ledger.connections.items():
            if connection.client.inode == ref.inode:
                return conversation, "client"
            if connection.server.inode == ref.inode:
                return conversation, "server"
    return None


def with_side(ledger: Ledger, conversation: Conversation, role: Role, side: Side) -> Ledger:
    """The ledger with one end of one connection replaced."""
    connection = ledger.connections[conversation]
    changed = replace(connection, client=side) if role == "client" else replace(connection, server=side)
    return replace(ledger, connections={**ledger.connections, conversation: changed})


def _mark_connected(ledger: Ledger, conversation: Conversation) -> Ledger:
    connection = replace(ledger.connections[conversation], connected=True)
    return replace(ledger, connections={**ledger.connections, conversation: connection})


def _change(
    ledger: Ledger, ref: SocketRef, at: float, changes: Mapping[str, object], *, role: Role | None = None
) -> tuple[Ledger, frozenset[Conversation]]:
    """One end changed. With `role`, its connection is put down if it is new, or takes the place of one that is over."""
    found = find(ledger, ref)
    if role is not None and ref.local is not None and ref.remote is not None:
        conversation = conversation_of(ref.local, ref.remote, role)
        known = ledger.connections.get(conversation)
        inode = known.side(role).inode if known else 0
        if known is None or inode not in (0, ref.inode) or (known.over and inode != ref.inode):
            fresh = Connection(conversation=conversation, born=at)
            ledger = replace(ledger, connections={**ledger.connections, conversation: fresh})
        found = conversation, role
    if found is None:
        return ledger, frozenset()
    side = ledger.connections[found[0]].side(found[1])
    changed = replace(side, inode=ref.inode or side.inode, **changes)
    return with_side(ledger, *found, changed), frozenset((found[0],))


def _after_call(side: Side, event: CallReturned, started: CallStarted | None, order: int) -> Side:
    changes: dict[str, object] = {"who": event.who}
    arguments = started.arguments if started else ""
    if event.name in SENDS:
        changes |= {"sending": False, "asleep": False}
        if event.size and event.error is None:
            chunk = Chunk(side.offered, event.size, event.data or b"", order, side.received)
            changes["offered"] = side.offered + event.size
            changes["chunks"] = (*side.chunks, chunk)
    elif event.name in RECEIVES and event.error is None and event.size is not None and "PEEK" not in arguments:
        changes["taken"] = side.taken + event.size
        if event.size == 0 and arguments != "0" and not side.finished:
            changes["ended"] = True
    elif event.name == "close" or (event.name == "shutdown" and not _only_for_reading(arguments)):
        if event.error is None:
            changes["closed"] = side.closed or event.name == "close"
            if not side.finished:
                changes |= {"finished": order, "finished_after": side.received, "farewell": f"{event.name}()"}
    if event.error is not None and event.error.name == "ECONNRESET":
        changes["reset"] = f"{event.name}()"
    return replace(side, **changes)


def _only_for_reading(arguments: str) -> bool:
    return arguments.strip() in ("0", "socket.SHUT_RD", "SHUT_RD", "<SHUT_RD: 0>")
