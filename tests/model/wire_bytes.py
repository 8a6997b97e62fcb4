"""Packets as bytes, built by hand from the RFCs' figures and not by the code under test. Checksums are right."""

from __future__ import annotations

import ipaddress
import struct

FLAGS = {name: 1 << bit for bit, name in enumerate(("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"))}


def flag_bits(names: str) -> int:
    return sum(FLAGS[name] for name in names.split())


def tcp(
    source: tuple[str, int],
    destination: tuple[str, int],
    flags: str = "",
    *,
    seq: int = 0,
    ack: int = 0,
    window: int = 512,
    options: bytes = b"",
    payload: bytes = b"",
) -> bytes:
    """An IP packet with a TCP segment; IPv6 if the addresses are. `options`: a multiple of four bytes."""
    field = (5 + len(options) // 4) << 12 | flag_bits(flags)
    header = struct.pack(">HHIIHHHH", source[1], destination[1], seq, ack, field, window, 0, 0)
    return ip(source[0], destination[0], 6, header + options + payload, checksum_at=16)


def udp(
    source: tuple[str, int], destination: tuple[str, int], payload: bytes = b"", *, size: int | None = None
) -> bytes:
    size = 8 + len(payload) if size is None else size
    return ip(
        source[0], destination[0], 17, struct.pack(">HHHH", source[1], destination[1], size, 0) + payload, checksum_at=6
    )


def icmp(source: str, destination: str, kind: int, code: int, payload: bytes) -> bytes:
    protocol = 58 if ":" in source else 1
    return ip(source, destination, protocol, struct.pack(">BBHI", kind, code, 0, 0) + payload, checksum_at=2)


def ip(source: str, destination: str, protocol: int, body: bytes, *, checksum_at: int | None = None) -> bytes:
    """An IPv4 or IPv6 header in front of `body`, whose own checksum is filled in at `checksum_at`."""
    here, there = ipaddress.ip_address(source).packed, ipaddress.ip_address(destination).packed
    if checksum_at is not None:
        pseudo = b"" if protocol == 1 else here + there + struct.pack(">II", len(body), protocol)
        found = internet_checksum(pseudo + body)
        body = body[:checksum_at] + struct.pack(">H", found) + body[checksum_at + 2 :]
    if len(here) == 16:
        return struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + here + there + body
    return ipv4_header(here, there, protocol, len(body)) + body


def ipv4_header(
    source: bytes, destination: bytes, protocol: int, length: int, *, fragment: int = 0, options: bytes = b""
) -> bytes:
    first, total = 0x45 + len(options) // 4, 20 + len(options) + length
    header = (
        struct.pack(">BBHHHBBH", first, 0, total, 0x1234, fragment, 64, protocol, 0) + source + destination + options
    )
    return header[:10] + struct.pack(">H", internet_checksum(header)) + header[12:]


def internet_checksum(data: bytes) -> int:
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
