"""How TCP is to behave towards the loopback's own addresses: metrics of the routes in table `local`.

127.0.0.0/8, 127.0.0.1 and ::1 each have a route of their own there; it is replaced by the same one with metrics.
Sources: linux/rtnetlink.h, rtnetlink(7); the kernel's own routes as `ip route show table local` lists them.
"""

from __future__ import annotations

import errno
import ipaddress
import struct

from netsim.lab import asking
from netsim.lab.asking import attribute, nested

_NEWROUTE, _DELROUTE = 24, 25
_AF_INET, _AF_INET6 = 2, 10
_TABLE_LOCAL, _PROTOCOL_KERNEL, _TYPE_LOCAL = 255, 2, 2
_SCOPE_HOST, _SCOPE_UNIVERSE = 254, 0
_DST, _OIF, _PREFSRC, _METRICS = 1, 4, 7, 8
_RTAX_LOCK, _RTAX_RTO_MIN, _RTAX_QUICKACK = 1, 13, 15
_LOOPBACK_INDEX = 1  # in every network namespace

ROUTES = ("127.0.0.0/8", "127.0.0.1/32", "::1/128")


def set_metrics(route: str, rto_min: int) -> None:
    """Least time before a retransmission, in ms, and no delayed ACKs, for connections to `route`; raises OSError.

    New connections have it; those that are there keep what they had.
    """
    network = ipaddress.ip_network(route)
    with asking.open_socket(asking.NETLINK_ROUTE) as asked:
        if network.version == 4:
            flags = asking.NLM_F_CREATE | asking.NLM_F_REPLACE
            asking.ask(asked, _NEWROUTE, flags, local_route(route, rto_min))
            return
        # The kernel's own IPv6 route has priority 0, ours gets 1024: it would stand behind it and not in its place.
        try:
            asking.ask(asked, _DELROUTE, 0, local_route(route, None))
        except OSError as error:
            if error.errno != errno.ESRCH:
                raise
            raise OSError(errno.EADDRNOTAVAIL, f"there is no route to {route}") from error
        try:
            asking.ask(asked, _NEWROUTE, asking.NLM_F_CREATE, local_route(route, rto_min))
        except OSError:
            asking.ask(asked, _NEWROUTE, asking.NLM_F_CREATE, local_route(route, None))
            raise


def local_route(route: str, rto_min: int | None) -> bytes:
    """The body of a message about a local route: rtmsg and its attributes; with metrics unless `rto_min` is None.

    RTAX_RTO_MIN counts only with its bit in RTAX_LOCK (tcp_rto_min in net/ipv4/tcp.c).
    """
    network = ipaddress.ip_network(route)
    family, scope = (_AF_INET, _SCOPE_HOST) if network.version == 4 else (_AF_INET6, _SCOPE_UNIVERSE)
    header = (family, network.prefixlen, 0, 0, _TABLE_LOCAL, _PROTOCOL_KERNEL, scope, _TYPE_LOCAL, 0)
    parts = [attribute(_DST, network.network_address.packed), attribute(_OIF, struct.pack("=I", _LOOPBACK_INDEX))]
    if network.version == 4:
        parts.append(attribute(_PREFSRC, ipaddress.ip_address("127.0.0.1").packed))
    if rto_min is not None:
        metrics = ((_RTAX_LOCK, 1 << _RTAX_RTO_MIN), (_RTAX_RTO_MIN, rto_min), (_RTAX_QUICKACK, 1))
        parts.append(nested(_METRICS, *(attribute(kind, struct.pack("=I", value)) for kind, value in metrics)))
    return struct.pack("=BBBBBBBBI", *header) + b"".join(parts)
