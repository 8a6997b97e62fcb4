"""TCP's states as data: what each says about the two FINs (RFC 9293, 3.3.2 and figure 5), and small arithmetic on them.

Everything here is a lower bound: a state says what must have happened, never that nothing more did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from netsim.model.address import Address, Role
from netsim.model.events import KernelSocket, TcpState
from netsim.model.ledger import Side


class Says(NamedTuple):
    """What an end's state says: its FIN was sent, its FIN was acknowledged, the other end's FIN was received."""

    fin_sent: bool = False
    fin_acked: bool = False
    fin_received: bool = False


SAYS: Mapping[TcpState | None, Says] = {
    None: Says(),
    "CLOSE": Says(),
    "LISTEN": Says(),
    "SYN_SENT": Says(),
    "SYN_RECV": Says(),
    "ESTABLISHED": Says(),
    "FIN_WAIT1": Says(fin_sent=True),
    "FIN_WAIT2": Says(fin_sent=True, fin_acked=True),
    "CLOSE_WAIT": Says(fin_received=True),
    "CLOSING": Says(fin_sent=True, fin_received=True),
    "LAST_ACK": Says(fin_sent=True, fin_received=True),
    "TIME_WAIT": Says(fin_sent=True, fin_acked=True, fin_received=True),
}

BEGINNING: frozenset[TcpState | None] = frozenset(("SYN_SENT", "SYN_RECV", "ESTABLISHED"))
SYNCHRONIZED: frozenset[TcpState | None] = frozenset(
    ("ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT")
)
WILDCARDS = ("0.0.0.0", "::")
ROLES: tuple[Role, Role] = ("client", "server")


def other(role: Role) -> Role:
    """The other end."""
    return "server" if role == "client" else "client"


def matches(bound: Address, wanted: Address) -> bool:
    """Whether a socket bound to `bound` gets what is sent to `wanted`; "::" takes IPv4 too, by default (ipv6(7))."""
    if bound.port != wanted.port:
        return False
    return bound.host in (wanted.host, "::") or (bound.host == "0.0.0.0" and ":" not in wanted.host)


def source_for(local: Address, destination: Address) -> Address:
    """Where a loopback packet to `destination` comes from when the socket is bound to a wildcard address (ip(7))."""
    if local.host not in WILDCARDS:
        return local
    return Address("::1" if ":" in destination.host else "127.0.0.1", local.port)


def reached(destination: Address) -> Address:
    """Where a packet to the wildcard address really goes: to loopback, on Linux."""
    if destination.host in ("", "0.0.0.0", "localhost"):
        return Address("127.0.0.1", destination.port)
    return Address("::1", destination.port) if destination.host == "::" else destination


def is_loopback(address: Address) -> bool:
    """Whether it is this machine's own, so that what arrives there can be seen here."""
    return address.host.startswith("127.") or address.host == "::1"


def acknowledgement(side: Side) -> int:
    """The acknowledgement number that covers all that packets tell of `side`'s sending; the SYN counts as one."""
    return 1 + side.told.sent + side.told.fin


def begins_anew(before: Side, now: KernelSocket) -> bool:
    """Whether `now` can't be the same connection as before: another inode, smaller counters, a state from its youth."""
    if before.last is None:
        return False
    if now.inode and before.inode and now.inode != before.inode:
        return True
    if now.state in BEGINNING and SAYS[before.state].fin_sent:
        return True
    if before.counters is None or now.counters is None:
        return before.seen is None and now.state in BEGINNING and before.counters is not None
    return now.counters.segs_in < before.counters.segs_in or now.counters.segs_out < before.counters.segs_out
