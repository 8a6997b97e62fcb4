"""Packets in the format that Wireshark and tshark read: pcapng (IETF, draft-ietf-opsawg-pcapng).

Law: bytes go out as they crossed the gate, from the IP header on; nothing is made up around them. The time of a packet
is the seconds since its lab was started, so that the first ones are a moment after the beginning of 1970.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from netsim.story.captions import Caption

SECTION_HEADER, INTERFACE, ENHANCED_PACKET = 0x0A0D0D0A, 1, 6  # block types; sections 4.1, 4.2, 4.3
BYTE_ORDER = 0x1A2B3C4D
RAW = 101  # LINKTYPE_RAW: the packet begins with its IPv4 or IPv6 header
WHOLE = 0  # snapshot length: no limit
COMMENT, USER_APPLICATION, NAME, DESCRIPTION, RESOLUTION = 1, 4, 2, 3, 9  # option codes
NANOSECONDS = 9  # if_tsresol: ten to the minus nine
LONGEST_COMMENT = 60_000  # bytes; an option's length is 16 bits


def written(packets: Sequence[Caption]) -> bytes:
    """A whole file: one section, an interface for each lab that packets come from, and the packets in their order."""
    labs = sorted({packet.lab for packet in packets})
    blocks = [_section(), *(_interface(lab, len(labs)) for lab in labs)]
    blocks += [_packet(packet, labs.index(packet.lab)) for packet in packets]
    return b"".join(blocks)


def _section() -> bytes:
    unknown = -1  # the section's length
    options = _option(USER_APPLICATION, b"netsim") + _text(COMMENT, "times are seconds since the lab was started")
    return _block(SECTION_HEADER, struct.pack("<IHHq", BYTE_ORDER, 1, 0, unknown) + options + _END)


def _interface(lab: int, of: int) -> bytes:
    name = "lo" if of == 1 else f"lo, lab {lab}"
    options = _text(NAME, name) + _text(DESCRIPTION, "loopback of a lab's own net, at netsim's gate")
    return _block(INTERFACE, struct.pack("<HHI", RAW, 0, WHOLE) + options + _option(RESOLUTION, b"\x09") + _END)


def _packet(packet: Caption, interface: int) -> bytes:
    nanoseconds = max(0, round(packet.at * 10**NANOSECONDS))
    size = len(packet.raw)
    head = struct.pack("<IIIII", interface, nanoseconds >> 32, nanoseconds & 0xFFFF_FFFF, size, size)
    return _block(ENHANCED_PACKET, head + _padded(packet.raw) + _text(COMMENT, packet.comment) + _END)


def _block(kind: int, body: bytes) -> bytes:
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _text(code: int, text: str) -> bytes:
    cut = text.encode("utf-8", "replace")[:LONGEST_COMMENT]
    return _option(code, cut.decode("utf-8", "ignore").encode())


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(value: bytes) -> bytes:
    """To a multiple of four bytes."""
    return value + bytes(-len(value) % 4)


_END = _option(0, b"")
