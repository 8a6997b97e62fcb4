"""The gate's rule: hand every packet that comes in to a queue, and let it pass if nobody reads that queue.

At INPUT (NF_INET_LOCAL_IN), where a packet that is thrown away is one that the wire lost. The native nft expression
`queue` in one table for IPv4 and IPv6; where the kernel has none, the xt target NFQUEUE in a table for each of them.
Sources: linux/netfilter.h, linux/netfilter/{nfnetlink,nf_tables,nf_tables_compat,xt_NFQUEUE}.h; nft --debug=mnl.
"""

from __future__ import annotations

import errno
import struct
from typing import Literal, NamedTuple

from netsim.lab import asking, loopback, netlink
from netsim.lab.asking import attribute, nested, netfilter, text
from netsim.lab.steps import StepError, step

Way = Literal["nft queue", "xt NFQUEUE"]
Family = Literal["inet", "ip", "ip6"]

TABLE, CHAIN = "netsim", "gate"
QUEUE_BYPASS = 1  # NFT_QUEUE_FLAG_BYPASS, NFQ_FLAG_BYPASS: without a reader packets pass

_FAMILIES: dict[Family, int] = {"inet": 1, "ip": 2, "ip6": 10}  # NFPROTO_INET, _IPV4, _IPV6
_LOCAL_IN = 1  # NF_INET_LOCAL_IN
_PRIORITY = 0  # NF_IP_PRI_FILTER
_SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_NEWTABLE, _NEWCHAIN, _NEWRULE = 0, 3, 6


class GateError(StepError):
    """The gate can't be had: the step that failed, and its errno."""


class Installed(NamedTuple):
    """Which way worked, and in which tables; `missing`: families that this kernel has not, with the errno."""

    way: Way
    families: tuple[Family, ...]
    missing: tuple[tuple[Family, int], ...] = ()


def install(queue: int = 0) -> Installed:
    """Send this network namespace's incoming packets to queue number `queue`, with bypass.

    Raises GateError; then nothing has changed. Refused (EBUSY) where anything but the loopback is up: in the machine's
    own net the rule would hold the machine's own traffic. EEXIST: it is there already.
    """
    with step("look at the interfaces", GateError):
        others = [name for name in loopback.interfaces_up() if name != loopback.LOOPBACK]
    if others:
        raise GateError(f"not a private net: {', '.join(others)} is up", errno.EBUSY)
    try:
        _transact("inet", queue, "nft queue")
        return Installed("nft queue", ("inet",))
    except GateError as native:
        if native.errno not in (errno.ENOENT, errno.EAFNOSUPPORT):
            raise
        return _install_target(queue, native)


def _install_target(queue: int, native: GateError) -> Installed:
    try:
        _transact("ip", queue, "xt NFQUEUE")
    except GateError as error:
        raise error from native
    try:
        _transact("ip6", queue, "xt NFQUEUE")
    except GateError as error:  # a kernel without IPv6 has no ::1 either
        return Installed("xt NFQUEUE", ("ip",), (("ip6", error.errno),))
    return Installed("xt NFQUEUE", ("ip", "ip6"))


# --- the messages


def table(family: Family, sequence: int) -> bytes:
    """NFT_MSG_NEWTABLE; EEXIST if it is there."""
    return _message(_NEWTABLE, asking.NLM_F_CREATE | asking.NLM_F_EXCL, family, sequence, attribute(1, text(TABLE)))


def chain(family: Family, sequence: int) -> bytes:
    """NFT_MSG_NEWCHAIN: a filter at INPUT."""
    return _message(
        _NEWCHAIN,
        asking.NLM_F_CREATE,
        family,
        sequence,
        attribute(1, text(TABLE)),
        attribute(3, text(CHAIN)),
        attribute(7, text("filter")),
        nested(4, attribute(1, struct.pack(">I", _LOCAL_IN)), attribute(2, struct.pack(">i", _PRIORITY))),
    )


def rule(family: Family, sequence: int, queue: int, way: Way) -> bytes:
    """NFT_MSG_NEWRULE with one expression: everything goes to the queue."""
    expression = queue_expression(queue) if way == "nft queue" else target_expression(queue)
    return _message(
        _NEWRULE,
        asking.NLM_F_CREATE | asking.NLM_F_APPEND,
        family,
        sequence,
        attribute(1, text(TABLE)),
        attribute(2, text(CHAIN)),
        nested(4, nested(1, expression)),
    )


def queue_expression(queue: int) -> bytes:
    """The attributes of `queue flags bypass to N`: NFTA_QUEUE_NUM, _TOTAL, _FLAGS, each 16 bits in network order."""
    numbers = ((1, queue), (2, 1), (3, QUEUE_BYPASS))
    return attribute(1, text("queue")) + nested(2, *(attribute(each, struct.pack(">H", n)) for each, n in numbers))


def target_expression(queue: int) -> bytes:
    """The attributes of xt's NFQUEUE: NFTA_TARGET_NAME, _REV 3, _INFO: xt_NFQ_info_v3 in the machine's order."""
    info = struct.pack("=HHHH", queue, 1, QUEUE_BYPASS, 0)
    return attribute(1, text("target")) + nested(
        2, attribute(1, text("NFQUEUE")), attribute(2, struct.pack(">I", 3)), attribute(3, info)
    )


def _message(number: int, flags: int, family: Family, sequence: int, *attributes: bytes) -> bytes:
    flags |= netlink.NLM_F_REQUEST | asking.NLM_F_ACK
    body = netfilter(_FAMILIES[family], 0, *attributes)
    return netlink.message(_SUBSYSTEM << 8 | number, flags, sequence, body)


def _transact(family: Family, queue: int, way: Way) -> None:
    """Table, chain and rule in one batch: all of it, or nothing and a GateError of the step that failed."""
    steps = {
        1: "nft batch",  # the kernel has no nf_tables, or this user has no say in this net
        2: f"nft table {family}",
        3: f"nft chain {family}",
        4: f"nft rule {family} ({way})",
    }
    batch = netlink.message(_BATCH_BEGIN, netlink.NLM_F_REQUEST, 1, netfilter(0, _SUBSYSTEM))
    batch += table(family, 2) + chain(family, 3) + rule(family, 4, queue, way)
    batch += netlink.message(_BATCH_END, netlink.NLM_F_REQUEST, 5, netfilter(0, _SUBSYSTEM))
    with step("nft socket", GateError), asking.open_socket(asking.NETLINK_NETFILTER) as asked:
        asked.send(batch)
        answered = asking.answers(asked)
    for sequence, name in steps.items():
        number = answered.get(sequence, 0 if sequence == 1 else errno.ENODATA)
        if number:
            raise GateError(name, number)
