"""The sentences that justify packets: each names the counter, the state or the call that shows it.

One machine has one kernel: "the kernel, client side", never "the client's kernel".
"""

from __future__ import annotations

from netsim.model.address import Role
from netsim.model.ledger import Connection, Side
from netsim.model.tcp import SAYS, other
from netsim.model.tcp_facts import bytes_acknowledged


def handshake(connection: Connection, role: Role) -> str:
    """Why a segment of the handshake crossed, from what is known at `role`'s end, or else the other."""
    for each in (role, other(role)):
        side = connection.side(each)
        if side.current is not None:
            out, in_ = side.current.segs_out, side.current.segs_in
            return f"the kernel, {each} side, counts {_segments(out)} out and {in_} in"
    if connection.connected:
        return "connect() returned: the handshake's three segments had crossed"
    each = role if connection.side(role).state else other(role)
    if connection.side(each).state is None:
        return "accept() returned the connection: the handshake's three segments had crossed"
    return f"the {each}'s end was listed as {connection.side(each).state}: so the handshake was done"


def data(connection: Connection, sender: Role, size: int, segments: int, *, reported: bool) -> str:
    """Why `size` more bytes of `sender` arrived."""
    there = other(sender)
    end = connection.side(there)
    target = connection.side(sender).told.sent + size
    prefix = f"a send took {_bytes(size)}, and " if reported else ""
    if end.current is not None:
        fin = ", the FIN as one" if SAYS[end.counted].fin_received else ""
        what = f"the kernel, {there} side, counts {_bytes(end.current.bytes_received)} received{fin}"
    elif bytes_acknowledged(connection, sender) >= target:
        what = f"the kernel, {sender} side, knows them to be acknowledged ({connection.side(sender).state})"
    elif end.taken >= target:
        what = f"a receive returned them at the {there}'s end"
    else:
        what = f"the FIN that followed them was accepted ({there}'s end: {end.state or 'recv() returned the end'})"
    return f"{prefix}{what}" + (f", in {segments} segments" if segments > 1 else "")


def acknowledgement(connection: Connection, sender: Role, *, of_fin: bool) -> str:
    """Why `sender` sent a segment that only acknowledges."""
    there = other(sender)
    here, end = connection.side(sender), connection.side(there)
    if of_fin and SAYS[end.state].fin_acked:
        return f"the {there}'s end is in {end.state}: its FIN was acknowledged"
    if of_fin and here.state == "TIME_WAIT":
        return f"the {sender}'s end is in TIME_WAIT and the {there}'s is gone: both FINs were acknowledged"
    if here.current is not None:
        out, with_data = here.current.segs_out, here.current.data_segs_out
        return f"the kernel, {sender} side, counts {_segments(out)} out, {with_data} of them with data"
    if end.current is not None:
        in_, with_data = end.current.segs_in, end.current.data_segs_in
        return f"the kernel, {there} side, counts {_segments(in_)} in, {with_data} of them with data"
    return f"the {there}'s end was listed as {end.state}: what it sent was acknowledged"


def window_update(connection: Connection, sender: Role) -> str:
    """The same for one that acknowledges nothing new."""
    counted = acknowledgement(connection, sender, of_fin=False)
    return f"{counted}: one more than there was to acknowledge (a window update, or a probe)"


def fin(connection: Connection, sender: Role) -> str:
    """Why `sender`'s FIN crossed."""
    there = other(sender)
    here, end = connection.side(sender), connection.side(there)
    prefix = f"{_whose(sender, here)}, and " if here.farewell else ""
    if SAYS[end.state].fin_received:
        return f"{prefix}the {there}'s end is in {end.state}: a FIN came in"
    if SAYS[here.state].fin_acked:
        return f"{prefix}the {sender}'s end is in {here.state}: its FIN was acknowledged"
    return f"{prefix}a receive at the {there}'s end returned b'': a FIN came in"


def repeat(connection: Connection, sender: Role, count: int) -> str:
    """Why `sender` sent something again."""
    counters = connection.side(sender).counters
    total = counters.retransmits if counters else count
    return f"the kernel, {sender} side, counts {_segments(total)} sent again"


def _whose(role: Role, side: Side) -> str:
    words = side.farewell
    return f"the {role}'s {words.removeprefix('its ')}" if words.startswith("its ") else f"the {role} called {words}"


def farewell(connection: Connection, role: Role) -> str:
    """How that end was left: "the client called close()", "the server's process was killed"; "" if that isn't known."""
    side = connection.side(role)
    return _whose(role, side) if side.farewell else ""


def _bytes(count: int) -> str:
    return f"{count} byte" if count == 1 else f"{count} bytes"


def _segments(count: int) -> str:
    return f"{count} segment" if count == 1 else f"{count} segments"
