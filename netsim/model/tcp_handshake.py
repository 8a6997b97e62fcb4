"""The three segments of the handshake, and SYNs that got no answer (RFC 9293, 3.5)."""

from __future__ import annotations

from netsim.model import tcp_reasons as reasons
from netsim.model.address import Role
from netsim.model.ledger import Connection, Ledger
from netsim.model.tcp import ROLES, SAYS, SYNCHRONIZED, matches
from netsim.model.tcp_draft import Draft
from netsim.model.tcp_facts import bytes_arrived


def tell_handshake(draft: Draft, ledger: Ledger) -> None:
    """SYN, SYN-ACK, ACK, as far as the two ends' states and counters show them (RFC 9293, 3.5).

    Where no list has the connection (any more), what connect() or accept() returned is all that there will be.
    """
    connection = draft.connection
    if connection.opened:
        return
    client, server = connection.client, connection.server
    unlisted = client.seen is None and server.seen is None
    by_call = connection.connected and (unlisted or not ledger.complete)
    server_open = (
        server.state in SYNCHRONIZED
        or bool(server.who)  # accept() only hands over what is there
        or SAYS[client.state].fin_acked
        or any(bytes_arrived(connection, role) for role in ROLES)
    )
    client_open = client.state in SYNCHRONIZED or by_call
    _tell_lost_syns(draft, ledger, opening=client_open or server_open)
    if not draft.connection.syn_arrived and (client_open or server_open or server.state == "SYN_RECV"):
        seen: Role = "server" if server.state == "SYN_RECV" and not client_open else "client"
        draft.syn(reasons.handshake(connection, seen))
    if not connection.syn_ack and (client_open or server_open):
        draft.syn_ack(reasons.handshake(connection, "client"))
    if server_open or (client_open and (unlisted or not ledger.complete)):
        draft.ack("client", 1, reasons.handshake(connection, "server"))
        draft.change(opened=True)


def _tell_lost_syns(draft: Draft, ledger: Ledger, *, opening: bool) -> None:
    client, server = draft.side("client"), draft.side("server")
    if draft.connection.syn_arrived or client.counters is None:
        return
    again = client.counters.retransmits
    if opening and (client.counters.data_segs_out or SAYS[client.counted].fin_sent):
        return  # what was sent again may be other than a SYN
    elif opening:
        lost = again  # the last one was answered
    elif client.state == "SYN_SENT" and server.state is None:
        lost = again + (_full(ledger, draft.connection) is not None)
    else:
        return
    full = _full(ledger, draft.connection)
    for _ in range(lost - draft.connection.syns):
        if draft.connection.syns:
            what = f"the kernel, client side, counts {again} SYN{'s' if again > 1 else ''} sent again"
        else:
            what = "the client's end is in SYN_SENT"
        draft.syn(f"{what}{f': {full}' if full else ', so no answer came'}", "lost")


def _full(ledger: Ledger, connection: Connection) -> str | None:
    """In words, that the listener's accept queue takes no more: Linux ignores a SYN then (tcp_conn_request)."""
    for each in ledger.listeners:
        if matches(each.local, connection.conversation.server) and each.receive_queue > each.send_queue:
            waiting, limit = each.receive_queue, each.send_queue
            return f"the accept queue is full ({waiting} wait, limit {limit}), the kernel ignored the SYN"
    return None
