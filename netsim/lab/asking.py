"""Asking the kernel over netlink for something to be done: the requests' bytes, and an errno for each.

`netlink` reads what the kernel sends; this writes. Sources: linux/netlink.h, linux/netfilter/nfnetlink.h, netlink(7).
"""

from __future__ import annotations

import errno
import socket
import struct

from netsim.lab import netlink

NLM_F_ACK = 0x4
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_APPEND = 0x800
NLA_F_NESTED = 0x8000

NETLINK_ROUTE = 0
NETLINK_NETFILTER = 12
SOL_NETLINK = 270

_BUFFER = 1 << 16


def attribute(type_: int, value: bytes) -> bytes:
    """One nlattr: its length and type in the machine's order, its value, and zeros up to four bytes."""
    return struct.pack("=HH", 4 + len(value), type_) + value + bytes(-len(value) % 4)


def nested(type_: int, *attributes: bytes) -> bytes:
    """An attribute whose value is attributes."""
    return attribute(type_ | NLA_F_NESTED, b"".join(attributes))


def text(value: str) -> bytes:
    """A name as netlink wants it: with a zero behind it."""
    return value.encode() + b"\0"


def netfilter(family: int, resource: int, *attributes: bytes) -> bytes:
    """The body of a netfilter message: nfgenmsg (family, version 0, resource id in network order), attributes."""
    return struct.pack(">BBH", family, 0, resource) + b"".join(attributes)


def open_socket(protocol: int) -> socket.socket:
    """A netlink socket, bound to a port id of the kernel's choice; an OSError where there is no netlink."""
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        raise OSError(errno.EAFNOSUPPORT, "this system has no netlink")
    opened = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    try:
        opened.bind((0, 0))
    except OSError:
        opened.close()
        raise
    return opened


def answers(asked: socket.socket) -> dict[int, int]:
    """The errno (0: done) of each request that the kernel has answered, by sequence number.

    It answers while it is asked, so nothing is waited for. Messages that are no answer are lost.
    """
    found: dict[int, int] = {}
    while True:
        try:
            received = asked.recv(_BUFFER, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return found
        for message in netlink.messages(received):
            if message.type == netlink.NLMSG_ERROR:
                number, sequence = answer(message)
                found[sequence] = number


def answer(message: netlink.Message) -> tuple[int, int]:
    """What an NLMSG_ERROR message says: (errno, sequence number of the request)."""
    if len(message.body) < 16:
        return errno.EBADMSG, message.sequence
    (number,) = struct.unpack_from("=i", message.body)
    return -number, message.sequence


def ask(asked: socket.socket, type_: int, flags: int, body: bytes) -> None:
    """One request; raises OSError with the errno that the kernel answers."""
    asked.send(netlink.message(type_, netlink.NLM_F_REQUEST | NLM_F_ACK | flags, 1, body))
    number = answers(asked).get(1, errno.ENODATA)
    if number:
        raise OSError(number, f"netlink: errno {number}")
