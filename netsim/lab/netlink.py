"""Netlink's framing, as bytes: messages and the attributes in them. No socket and no meaning; who asks knows those.

Everything is in the machine's byte order and padded to four bytes (linux/netlink.h, netlink(7)).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

NLM_F_REQUEST = 0x1
NLM_F_DUMP_INTR = 0x10  # in a reply: the list changed while it was being read
NLM_F_DUMP = 0x300
NLMSG_ERROR = 2
NLMSG_DONE = 3

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence number, port id
_ATTRIBUTE = struct.Struct("=HH")  # nlattr: length with this header, type
_ERRNO = struct.Struct("=i")
_TYPE_MASK = 0x3FFF  # the upper two bits of an attribute's type are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER)


class Message(NamedTuple):
    """One message of a reply; `body` starts after the header."""

    type: int
    flags: int
    sequence: int
    body: memoryview


def message(type_: int, flags: int, sequence: int, body: bytes) -> bytes:
    """One message with its header, from port id 0 (the kernel fills in ours)."""
    return _HEADER.pack(_HEADER.size + len(body), type_, flags, sequence, 0) + body


def messages(buffer: bytes) -> Iterator[Message]:
    """The messages in what one recv() of a netlink socket gave; a cut-off one at the end is an OSError."""
    view, offset = memoryview(buffer), 0
    while offset < len(view):
        if offset + _HEADER.size > len(view):
            raise OSError("netlink: half a header")
        length, type_, flags, sequence, _ = _HEADER.unpack_from(view, offset)
        if length < _HEADER.size or offset + length > len(view):
            raise OSError("netlink: half a message")
        yield Message(type_, flags, sequence, view[offset + _HEADER.size : offset + length])
        offset += _padded(length)


def attributes(body: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(type, value) of each attribute; stops at the first that is not whole, as the kernel's own parser does."""
    offset = 0
    while offset + _ATTRIBUTE.size <= len(body):
        length, type_ = _ATTRIBUTE.unpack_from(body, offset)
        if length < _ATTRIBUTE.size or offset + length > len(body):
            return
        yield type_ & _TYPE_MASK, body[offset + _ATTRIBUTE.size : offset + length]
        offset += _padded(length)


def raise_error(message_: Message) -> None:
    """Raise the OSError that an NLMSG_ERROR message carries; one that carries 0 is an acknowledgement."""
    (number,) = _ERRNO.unpack_from(message_.body) if len(message_.body) >= _ERRNO.size else (0,)
    if number:
        raise OSError(-number, f"netlink: {os.strerror(-number)}")


def _padded(length: int) -> int:
    return (length + 3) & ~3
