"""What counters, states and calls together prove of a connection: bytes that arrived, FINs, acknowledgements, segments.

Every number is a lower bound, because a list of sockets is not atomic: one socket is read a moment before the other,
and a socket's state a moment before its counters.
"""

from __future__ import annotations

from netsim.model.address import Role
from netsim.model.ledger import Connection, Side
from netsim.model.tcp import SAYS, other


def fin_arrived(connection: Connection, sender: Role) -> bool:
    """`sender`'s FIN got to the other end."""
    here, there = connection.side(sender), connection.side(other(sender))
    if here.told.fin or SAYS[there.state].fin_received or SAYS[here.state].fin_acked:
        return True
    # recv() returned b''. Where its socket is listed, a newer list will say the same, and what came before the FIN.
    return there.ended and not there.reset and there.current is None


def fin_acknowledged(connection: Connection, sender: Role) -> bool:
    """The acknowledgement of `sender`'s FIN got back to it."""
    here, there = connection.side(sender), connection.side(other(sender))
    if SAYS[here.state].fin_acked:
        return True
    # It has left LAST_ACK (seen or not), and the other end is where it only comes to by acknowledging.
    return here.seen is None and there.state == "TIME_WAIT" and fin_arrived(connection, sender)


def bytes_arrived(connection: Connection, sender: Role) -> int:
    """How many payload bytes of `sender` the other end has received."""
    here, there = connection.side(sender), connection.side(other(sender))
    if here.told.fin:
        return here.told.sent
    best = max(here.told.sent, bytes_acknowledged(connection, sender))
    if there.counters is not None:
        count = there.counters.bytes_received
        if SAYS[there.counted].fin_received:
            count -= 1  # a FIN counts as one byte (net/ipv4/tcp_input.c, tcp_fin)
        elif here.current is not None and not repeats(connection, sender):
            count = min(count, here.current.bytes_sent)  # which a FIN does not count in
        elif SAYS[here.state].fin_sent or here.seen is None:
            count -= 1  # it could be a FIN that the state does not show yet
        best = max(best, count)
    if there.current is None:
        best = max(best, min(there.taken, here.offered) if here.who else there.taken)
    if fin_arrived(connection, sender):
        best = max(best, here.offered)  # a FIN is only taken after everything before it
    return best


def bytes_acknowledged(connection: Connection, sender: Role) -> int:
    """How many payload bytes of `sender` it knows to be acknowledged."""
    here = connection.side(sender)
    best = max(here.told.sent, here.offered) if fin_acknowledged(connection, sender) else 0
    if here.counters is None:
        return best
    acked = here.counters.bytes_acked - (sender == "client")  # the client's SYN counts as one byte
    if repeats(connection, sender) and SAYS[here.counted].fin_sent:
        acked -= 1  # perhaps the FIN's; bytes_sent counts bytes twice that were sent twice, and is no help
    return max(best, min(acked, here.counters.bytes_sent))


def acknowledged(connection: Connection, sender: Role) -> int:
    """The highest acknowledgement number that `sender` is known to have got, FIN included; 1 after the handshake."""
    told = connection.side(sender).told
    everything = 1 + max(told.sent, bytes_arrived(connection, sender))
    if fin_acknowledged(connection, sender):
        return everything + 1
    return min(everything, 1 + bytes_acknowledged(connection, sender))


def repeats(connection: Connection, sender: Role) -> int:
    """How many of `sender`'s segments the kernel counts as sent again since the handshake.

    tcpi_total_retrans counts the SYN's (and, for the server's end, the SYN-ACK's) repeats too.
    """
    counters = connection.side(sender).counters
    if counters is None:
        return 0
    return max(0, counters.retransmits - (max(0, connection.syns - 1) if sender == "client" else 0))


def repeated_bytes(connection: Connection, sender: Role) -> int:
    """How many bytes those repeats carried: what was sent and is neither received nor lost by being new."""
    here, there = connection.side(sender), connection.side(other(sender))
    if here.counters is None or there.current is None or not repeats(connection, sender):
        return 0
    return max(0, here.counters.bytes_sent - bytes_arrived(connection, sender))


def data_segments(connection: Connection, sender: Role) -> int | None:
    """In how many segments `sender`'s bytes arrived, since the handshake; None where nobody counts them (now)."""
    here, there = connection.side(sender), connection.side(other(sender))
    if repeats(connection, sender):
        return None
    if there.current is not None:
        return there.current.data_segs_in
    return here.current.data_segs_out if here.current is not None else None


def pure_acks(connection: Connection, sender: Role) -> tuple[int | None, bool]:
    """How many segments without data, SYN or FIN `sender` has sent, by its own count and by what the other end got.

    None where nobody counts (now). The second value: both ends count the same and neither may hide a FIN, so that even
    a segment that acknowledges nothing new (a window update) is no mistake.
    """
    here, there = connection.side(sender), connection.side(other(sender))
    own, got = _own_pure(connection, sender, here), _got_pure(here, there)
    if own is None or got is None:
        return (own if got is None else got), False
    open_ = not SAYS[here.state].fin_sent and not SAYS[there.state].fin_received
    return min(own, got), own == got and open_


def _own_pure(connection: Connection, sender: Role, here: Side) -> int | None:
    counters = here.current
    if counters is None:
        return None
    fin = SAYS[here.counted].fin_sent and here.told.fin_alone
    if fin and repeats(connection, sender):
        return None  # a FIN sent again counts like an acknowledgement
    syns = max(1, connection.syns) if sender == "client" else 0  # the kernel does not count the SYN-ACK (tcp_output.c)
    return counters.segs_out - counters.data_segs_out - syns - fin


def _got_pure(here: Side, there: Side) -> int | None:
    counters = there.current
    if counters is None:
        return None
    fin = SAYS[there.counted].fin_received and here.told.fin_alone
    return counters.segs_in - counters.data_segs_in - 1 - fin  # the SYN, or for the client the SYN-ACK
