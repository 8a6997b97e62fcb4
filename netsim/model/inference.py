"""Inference: which packets must have crossed, from what the kernel counts and calls returned; none without a reason."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from netsim.model import udp
from netsim.model.address import Conversation
from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallSlept,
    CallStarted,
    EndpointStarted,
    LabStarted,
    ProcessExited,
    SocketsObserved,
)
from netsim.model.ledger import Connection, Ledger
from netsim.model.packet import Packet
from netsim.model.tcp_called import note_exit, note_return, note_sleep, note_start
from netsim.model.tcp_draft import Draft
from netsim.model.tcp_handshake import tell_handshake
from netsim.model.tcp_reset import tell_refusal, tell_reset
from netsim.model.tcp_seen import see
from netsim.model.tcp_told import tell_exchange, waits_for_report

__all__ = ["Ledger", "infer"]

PATIENCE = 0.05  # seconds that a call's report may come later than the list of sockets that shows what it did
LONG_CALL = 1.0  # seconds after which a connection that is gone and was never open will not be reported open any more


def infer(ledger: Ledger, event: AnyEvent) -> tuple[Ledger, tuple[Packet, ...]]:
    """The packets that `event` shows to have crossed, each with its `because`, and the ledger that knows of them.

    Their numbers go on from those of the packets before. Pure: the same events give the same packets. In a lab with a
    gate the real packets are seen, and none is inferred.
    """
    if ledger.gated and not isinstance(event, LabStarted):
        return ledger, ()
    touched: Iterable[Conversation] = ()
    packets: list[Packet] = []
    started: CallStarted | None = None
    match event:
        case LabStarted():
            return Ledger(complete=event.sock_diag, gated=bool(event.gate)), ()
        case EndpointStarted():
            ledger = replace(ledger, roles={**ledger.roles, event.who: event.role})
        case SocketsObserved():
            ledger, touched = see(ledger, event)
        case CallStarted():
            ledger, touched = note_start(ledger, event)
        case CallSlept():
            ledger, touched = note_sleep(ledger, event)
        case CallReturned():
            started = ledger.calls.get((event.who, event.call))
            ledger, touched = note_return(ledger, event)
            refused = tell_refusal(ledger, event, started)
            if refused is not None:
                draft, conversation = refused
                ledger = replace(ledger, connections={**ledger.connections, conversation: draft.connection})
                packets += draft.packets
        case ProcessExited():
            ledger, touched = note_exit(ledger, event)
        case _:
            pass
    ledger, told = _explain(ledger, event, touched)
    packets += told
    datagrams, told = udp.explain(ledger, event, started)
    packets += told
    if not packets and datagrams is ledger.datagrams:
        return ledger, ()
    numbered = tuple(replace(packet, number=ledger.count + i) for i, packet in enumerate(packets, 1))
    return replace(ledger, datagrams=datagrams, count=ledger.count + len(packets)), numbered


def _explain(ledger: Ledger, event: AnyEvent, touched: Iterable[Conversation]) -> tuple[Ledger, list[Packet]]:
    """What the touched connections show now, and those that have waited for a report long enough."""
    listed = isinstance(event, SocketsObserved)
    due = set(touched)
    for conversation, connection in ledger.connections.items():
        since = connection.held_since
        if since is not None and (listed or event.at >= since + PATIENCE):
            due.add(conversation)
    if not due:
        return ledger, []
    packets: list[Packet] = []
    connections = dict(ledger.connections)
    for conversation in sorted(due):
        connections[conversation], told = _explain_one(ledger, connections[conversation], event.at, listed=listed)
        packets += told
    return replace(ledger, connections=connections), packets


def _explain_one(ledger: Ledger, connection: Connection, at: float, *, listed: bool) -> tuple[Connection, list[Packet]]:
    if connection.over and not connection.opened and not connection.connected:
        return connection, []  # it never was one
    since = connection.held_since
    patient = since is None or at < since + PATIENCE
    draft = Draft(connection, at)
    unheard = connection.client.last is None and connection.server.last is None  # of the kernel
    held = ledger.complete and unheard and not listed and patient
    if not held:
        tell_handshake(draft, ledger)
        young = patient and at < connection.born + PATIENCE and bool(ledger.roles)
        held = patient and waits_for_report(draft.connection, young=young)
    if not held:
        tell_exchange(draft)
        held = tell_reset(draft, ledger, patient=patient)
    # psutil's lists come late: there a connection that no list has had may be yet to come.
    gone = draft.connection.missing and (ledger.complete or not unheard)
    opened = draft.connection.opened or at > connection.born + LONG_CALL
    over = draft.connection.over or (gone and opened and not held)
    # A report that came, though not the one that is missing, shows that reports are under way.
    draft.change(held_since=(at if since is None or not listed else since) if held else None, over=over)
    changed = draft.connection if draft.connection != connection else connection
    return changed, draft.packets
