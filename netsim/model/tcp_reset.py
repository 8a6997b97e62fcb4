"""RST: who ended a connection without the ceremony of FINs, and why that is certain (RFC 9293, 3.10.7; RFC 2525, 2.17).

A connection that ends in peace leaves a TIME_WAIT behind, for a minute. Where both ends are gone and none is left, a
RST has crossed; what calls and queues say shows from which end. Where they don't, no packet is told.
"""

from __future__ import annotations

import errno
from ast import literal_eval
from typing import NamedTuple

from netsim.model import tcp_reasons as reasons
from netsim.model.address import Address, Conversation, Role
from netsim.model.events import CallReturned, CallStarted
from netsim.model.ledger import Connection, Ledger, Side
from netsim.model.tcp import ROLES, SYNCHRONIZED, is_loopback, matches, other, reached, source_for
from netsim.model.tcp_draft import Draft

ONE_SEGMENT = 32_741  # bytes that one segment of the loopback carries at the least, at its usual MTU of 65536


class Verdict(NamedTuple):
    """Who sent the RST, and why that is certain. `answers`: it answers a segment that no socket wanted."""

    sender: Role
    because: str
    answers: bool = False


def tell_reset(draft: Draft, ledger: Ledger, *, patient: bool) -> bool:
    """The RST, if one is proved. True if a report may still come that says more, and there is time (`patient`)."""
    connection = draft.connection
    if connection.reset or not connection.opened:
        return False
    if ledger.complete and not connection.missing:
        return False
    if any(connection.side(role).state == "TIME_WAIT" for role in ROLES):
        return False
    verdict = _judge(connection, ledger, patient=patient)
    if verdict is None and patient and ledger.complete and _may_still_report(connection):
        return True
    if verdict is None and ledger.complete:
        verdict = _judge_without_reports(connection)
    if verdict is not None:
        _tell_last_bytes(draft, other(verdict.sender))
        draft.rst(verdict.sender, verdict.because, answers=verdict.answers)
    return False


def _judge(connection: Connection, ledger: Ledger, *, patient: bool) -> Verdict | None:
    for role in ROLES:
        if connection.side(role).reset:
            left = connection.side(other(role))
            why = f"{connection.side(role).reset} failed with ECONNRESET: a RST came in"
            return Verdict(other(role), why, answers=left.told.fin)
    if not ledger.complete:
        return None
    abrupt = [role for role in ROLES if connection.side(role).closed and not connection.side(role).told.fin]
    if "client" not in abrupt and _was_forgotten(connection, ledger):
        return Verdict("server", "the listening socket was closed while this connection waited for accept()")
    orphan = _orphan(connection)
    if orphan is not None:
        survivor = connection.side(other(orphan))
        if survivor.offered > survivor.told.sent:
            why = "a send took bytes for an end that nobody has open any more, and both ends vanished"
            return Verdict(orphan, f"{why}: the kernel answered with a RST", answers=True)
        if survivor.closed and _unread(connection, other(orphan)):
            return Verdict(other(orphan), _left_unread(connection, other(orphan)))
        return None
    if not abrupt:
        return None
    unread = [role for role in abrupt if _unread(connection, role)]
    if len(unread) == 1:
        return Verdict(unread[0], _left_unread(connection, unread[0]))
    if patient and _may_still_report(connection):
        return None
    role = min(unread or abrupt, key=lambda each: connection.side(each).finished)
    why = f"{reasons.farewell(connection, role)}, and both ends vanished without a FIN or a TIME_WAIT"
    return Verdict(role, f"{why}: only a RST does that")


def _unread(connection: Connection, role: Role) -> int:
    """How many bytes `role`'s program had not received when it left: by its queue, or by what calls reported."""
    here, there = connection.side(role), connection.side(other(role))
    return max(here.unread, there.offered - here.taken if here.who and here.closed else 0)


def _judge_without_reports(connection: Connection) -> Verdict | None:
    """The same from queues and states alone, for sockets whose calls nobody reports."""
    orphan = _orphan(connection)
    if orphan is not None:
        survivor = connection.side(other(orphan))
        if survivor.unread or survivor.closed or _ran_out(connection.side(orphan)):
            return None
        why = f"the {other(orphan)}'s end vanished from {survivor.state} without a FIN of its own"
        return Verdict(orphan, f"{why}: a RST came in", answers=True)
    unread = [role for role in ROLES if connection.side(role).unread]
    if len(unread) == 1 and connection.side(unread[0]).state in SYNCHRONIZED:
        return Verdict(unread[0], _left_unread(connection, unread[0]))
    return None


def _may_still_report(connection: Connection) -> bool:
    sides = [connection.side(role) for role in ROLES]
    return any(side.who and not side.closed for side in sides)


def _orphan(connection: Connection) -> Role | None:
    """The end that has sent its FIN while the other has not; its socket has nobody who could read."""
    said = [role for role in ROLES if connection.side(role).told.fin]
    return said[0] if len(said) == 1 else None


def _ran_out(side: Side) -> bool:
    """Whether its timer ended it (60 s for an orphan in FIN_WAIT2): then nothing crossed."""
    return side.expires is not None and side.gone_at is not None and side.gone_at >= side.expires - 0.25


def _was_forgotten(connection: Connection, ledger: Ledger) -> bool:
    server = connection.conversation.server
    never_accepted = connection.server.inode == 0 and not connection.server.who
    return never_accepted and not any(matches(each.local, server) for each in ledger.listeners)


def _left_unread(connection: Connection, role: Role) -> str:
    how = reasons.farewell(connection, role) or f"the {role}'s socket is gone"
    unread = _unread(connection, role)
    many = f"{unread} {'byte' if unread == 1 else 'bytes'}"
    return f"{how} with {many} unread, and both ends vanished: the kernel sends a RST then"


def _tell_last_bytes(draft: Draft, role: Role) -> None:
    """What `role` sent just before the RST, after its counters were last read: a send that succeeds sends at once."""
    side = draft.side(role)
    size = side.offered - side.told.sent
    kept_back = side.counters is not None and side.counters.bytes_sent < side.offered_then
    if 0 < size <= ONE_SEGMENT and side.chunks and not kept_back:
        data = b"".join(each.data for each in side.chunks)
        why = f"a send took {size} {'byte' if size == 1 else 'bytes'} while the connection was there, before the RST"
        draft.data(role, size, data[:size], why, push=True)


# --- connection refused


def tell_refusal(ledger: Ledger, event: CallReturned, started: CallStarted | None) -> tuple[Draft, Conversation] | None:
    """The SYN and its RST, where connect() failed with ECONNREFUSED and both addresses are known."""
    if not _is_refused(event) or event.socket is None or event.socket.transport != "tcp":
        return None
    server = event.peer or _destination(started.arguments if started else "")
    if server is None or event.socket.local is None:
        return None
    server = reached(server)
    if not is_loopback(server):
        return None
    conversation = Conversation("tcp", source_for(event.socket.local, server), server)
    known = ledger.connections.get(conversation)
    fresh = known is None or known.opened or known.over
    draft = Draft(Connection(conversation=conversation, born=event.at) if known is None or fresh else known, event.at)
    because = f"{event.name}() failed with ECONNREFUSED"
    if not draft.connection.syn_arrived:
        draft.syn(f"{because}: the SYN got to a port where nothing listens")
    draft.refuse(f"{because}: a RST came back")
    return draft, conversation


def _is_refused(event: CallReturned) -> bool:
    if event.error is not None:
        return event.name == "connect" and event.error.name == "ECONNREFUSED"
    return event.name == "connect_ex" and event.result == str(errno.ECONNREFUSED)


def _destination(arguments: str) -> Address | None:
    """The address in connect()'s arguments as Python writes them; None for what was shortened or is no address."""
    try:
        address = literal_eval(arguments.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(address, tuple) or len(address) < 2:
        return None
    host, port = address[:2]
    return Address(host, port) if isinstance(host, str) and isinstance(port, int) else None
