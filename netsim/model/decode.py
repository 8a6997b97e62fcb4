"""Bytes to headers: IPv4, IPv6, TCP, UDP, ICMP. Whatever the bytes are, there is an answer and never an exception.

A packet that contradicts itself is Malformed with the reason. One that was captured only in part is decoded as far as
its headers reach; nothing is computed that the bytes don't say, and checksums are not judged.
"""

from __future__ import annotations

import ipaddress
import struct
from functools import lru_cache
from typing import NamedTuple

from netsim.model import wire
from netsim.model.address import Address, Transport
from netsim.model.packet import Flag
from netsim.model.wire import (
    About,
    Datagram,
    Decoded,
    Fragment,
    Icmp,
    Ip,
    Malformed,
    Other,
    Segment,
    TcpOption,
)

_IPV4 = struct.Struct(">BBHHHBBH4s4s")  # RFC 791: version+words, service, length, id, fragment, hops, protocol, sum
_IPV6 = struct.Struct(">IHBB16s16s")  # RFC 8200: version+class+flow, payload length, next header, hops
_FRAGMENT = struct.Struct(">BBHI")  # RFC 8200, 4.5: next header, -, offset and more, identification
_TCP = struct.Struct(">HHIIHHHH")  # RFC 9293: ports, seq, ack, words+flags, window, checksum, urgent
_UDP = struct.Struct(">HHHH")  # RFC 768: ports, length, checksum
_PORTS = struct.Struct(">HH")
_PORTS_SEQ = struct.Struct(">HHI")
_ICMP_HEADER = 8  # RFC 792, RFC 4443: type, code, checksum, four bytes of the type's own

_HOP_BY_HOP, _ROUTING, _FRAGMENT_HEADER, _AUTHENTICATION, _DESTINATION = 0, 43, 44, 51, 60  # linux/in6.h
_MOST_EXTENSIONS = 8  # one machine sends none or one; a hostile packet could chain hundreds
_WITH_PORTS: dict[int, Transport] = {wire.TCP: "tcp", wire.UDP: "udp"}
_ICMP_ERRORS = {4: frozenset({3, 4, 5, 11, 12}), 6: frozenset({1, 2, 3, 4})}
_OPTION_END, _OPTION_PADDING = 0, 1
_FLAGS: tuple[tuple[int, Flag], ...] = (
    (wire.FIN, "FIN"),
    (wire.SYN, "SYN"),
    (wire.RST, "RST"),
    (wire.PSH, "PSH"),
    (wire.ACK, "ACK"),
)


class _BadPacketError(Exception):
    """Why decoding stopped; never leaves this module."""


def decode(packet: bytes) -> Decoded:
    """What one IP packet says, from the first byte of its IP header. Never raises."""
    try:
        return _transport(packet, *_network(packet))
    except _BadPacketError as bad:
        return Malformed(str(bad))


# --- IP


class _Piece(NamedTuple):
    """What says that a packet is a fragment of another; the offset in bytes."""

    identification: int
    offset: int
    more: bool


def _network(packet: bytes) -> tuple[Ip, _Piece | None]:
    """The IP header, and the piece if the packet is one."""
    if not packet:
        raise _BadPacketError("there are no bytes")
    version = packet[0] >> 4
    if version == 4:
        return _ipv4(packet)
    if version == 6:
        return _ipv6(packet)
    raise _BadPacketError(f"the IP version is {version}")


def _ipv4(packet: bytes) -> tuple[Ip, _Piece | None]:
    if len(packet) < _IPV4.size:
        raise _BadPacketError(f"the IPv4 header is cut after {len(packet)} bytes")
    first, _, total, identification, fragment, hops, protocol, _, source, destination = _IPV4.unpack_from(packet)
    header = (first & 0xF) * 4
    if header < _IPV4.size:
        raise _BadPacketError(f"the IPv4 header says that it has {header} bytes")
    if total < header:
        raise _BadPacketError(f"the IPv4 packet says that it has {total} bytes, its header alone {header}")
    if len(packet) < header:
        raise _BadPacketError(f"the IPv4 header is cut after {len(packet)} bytes")
    ip = Ip(
        version=4,
        source=_host(source),
        destination=_host(destination),
        protocol=protocol,
        hops=hops,
        transport_at=header,
        end=total,
    )
    offset, more = (fragment & 0x1FFF) * 8, bool(fragment & 0x2000)
    return ip, _Piece(identification, offset, more) if offset or more else None


def _ipv6(packet: bytes) -> tuple[Ip, _Piece | None]:
    if len(packet) < _IPV6.size:
        raise _BadPacketError(f"the IPv6 header is cut after {len(packet)} bytes")
    _, length, protocol, hops, source, destination = _IPV6.unpack_from(packet)
    end = _IPV6.size + length
    at, protocol, piece = _extensions(packet, protocol, end)
    ip = Ip(
        version=6,
        source=_host(source),
        destination=_host(destination),
        protocol=protocol,
        hops=hops,
        transport_at=at,
        end=end,
    )
    return ip, piece


def _extensions(packet: bytes, protocol: int, end: int) -> tuple[int, int, _Piece | None]:
    """Past IPv6's extension headers: where the transport starts, which it is, and the fragment header's content."""
    at = _IPV6.size
    piece: _Piece | None = None
    for _ in range(_MOST_EXTENSIONS):
        if protocol not in (_HOP_BY_HOP, _ROUTING, _FRAGMENT_HEADER, _AUTHENTICATION, _DESTINATION):
            return at, protocol, piece
        if at + _FRAGMENT.size > min(len(packet), end):
            raise _BadPacketError("an IPv6 extension header is cut")
        following, words = packet[at], packet[at + 1]
        if protocol == _FRAGMENT_HEADER:
            _, _, field, identification = _FRAGMENT.unpack_from(packet, at)
            size = _FRAGMENT.size
            if field & 0xFFF9:  # offset 0 and nothing more: an "atomic fragment" is a whole packet (RFC 6946)
                piece = _Piece(identification, field & 0xFFF8, bool(field & 1))
        else:
            size = (words + 2) * 4 if protocol == _AUTHENTICATION else (words + 1) * 8
        at, protocol = at + size, following
        if at > min(len(packet), end):
            raise _BadPacketError("an IPv6 extension header is cut")
        if piece is not None and piece.offset:
            return at, protocol, piece  # a later piece: what follows is the middle of something
    raise _BadPacketError(f"there are more than {_MOST_EXTENSIONS} IPv6 extension headers")


@lru_cache(maxsize=1024)
def _host(ip: bytes) -> str:
    return ".".join(map(str, ip)) if len(ip) == 4 else str(ipaddress.IPv6Address(ip))


# --- what IP carries


def _transport(packet: bytes, ip: Ip, piece: _Piece | None) -> Decoded:
    if piece is not None:
        return _fragment(packet, ip, piece)
    if ip.protocol == wire.TCP:
        return _tcp(packet, ip)
    if ip.protocol == wire.UDP:
        return _udp(packet, ip)
    if ip.protocol == (wire.ICMP if ip.version == 4 else wire.ICMPV6):
        return _icmp(packet, ip)
    return Other(ip=ip)


def _tcp(packet: bytes, ip: Ip) -> Segment:
    at = ip.transport_at
    _need(packet, ip, at + _TCP.size, "TCP")
    here, there, seq, ack, field, window, _, _ = _TCP.unpack_from(packet, at)
    header, bits = (field >> 12) * 4, field & 0x1FF
    if header < _TCP.size:
        raise _BadPacketError(f"the TCP header says that it has {header} bytes")
    _need(packet, ip, at + header, "TCP")
    options, whole = _options(packet, at + _TCP.size, at + header)
    return Segment(
        ip=ip,
        source=Address(ip.source, here),
        destination=Address(ip.destination, there),
        seq=seq,
        ack=ack,
        bits=bits,
        flags=_flags(bits),
        window=window,
        options=options,
        options_whole=whole,
        payload_at=at + header,
        length=ip.end - at - header,
        payload=packet[at + header : ip.end],
    )


def _options(packet: bytes, at: int, end: int) -> tuple[tuple[TcpOption, ...], bool]:
    """The TCP options in packet[at:end], without end and padding; False at the end if one of them is impossible."""
    found: list[TcpOption] = []
    while at < end:
        kind = packet[at]
        if kind == _OPTION_END:
            break
        if kind == _OPTION_PADDING:
            at += 1
            continue
        size = packet[at + 1] if at + 1 < end else 0
        if size < 2 or at + size > end:
            return tuple(found), False
        found.append(TcpOption(kind, at, packet[at + 2 : at + size]))
        at += size
    return tuple(found), True


@lru_cache(maxsize=512)
def _flags(bits: int) -> frozenset[Flag]:
    return frozenset(name for bit, name in _FLAGS if bits & bit)


def _udp(packet: bytes, ip: Ip) -> Datagram:
    at = ip.transport_at
    _need(packet, ip, at + _UDP.size, "UDP")
    here, there, size, _ = _UDP.unpack_from(packet, at)
    if not _UDP.size <= size <= ip.end - at:
        raise _BadPacketError(f"the UDP header says {size} bytes, the IP header leaves it {ip.end - at}")
    return Datagram(
        ip=ip,
        source=Address(ip.source, here),
        destination=Address(ip.destination, there),
        payload_at=at + _UDP.size,
        length=size - _UDP.size,
        payload=packet[at + _UDP.size : at + size],
    )


def _icmp(packet: bytes, ip: Ip) -> Icmp:
    at = ip.transport_at
    _need(packet, ip, at + _ICMP_HEADER, "ICMP")
    payload = packet[at + _ICMP_HEADER : ip.end]
    kind = packet[at]
    return Icmp(
        ip=ip,
        kind=kind,
        code=packet[at + 1],
        about=_about(payload) if kind in _ICMP_ERRORS[ip.version] else None,
        payload_at=at + _ICMP_HEADER,
        payload=payload,
    )


def _about(quoted: bytes) -> About | None:
    """The packet that an ICMP error quotes, of which eight bytes of transport are enough; None if it has no ports."""
    try:
        ip, piece = _network(quoted)
    except _BadPacketError:
        return None
    at, transport = ip.transport_at, _WITH_PORTS.get(ip.protocol)
    if transport is None or len(quoted) < at + _PORTS_SEQ.size or (piece is not None and piece.offset):
        return None
    here, there, seq = _PORTS_SEQ.unpack_from(quoted, at)
    return About(
        transport, Address(ip.source, here), Address(ip.destination, there), seq if transport == "tcp" else None
    )


def _fragment(packet: bytes, ip: Ip, piece: _Piece) -> Fragment:
    at = ip.transport_at
    source = destination = None
    if piece.offset == 0 and _WITH_PORTS.get(ip.protocol) and at + _PORTS.size <= min(len(packet), ip.end):
        here, there = _PORTS.unpack_from(packet, at)
        source, destination = Address(ip.source, here), Address(ip.destination, there)
    return Fragment(
        ip=ip,
        identification=piece.identification,
        offset=piece.offset,
        more=piece.more,
        source=source,
        destination=destination,
        payload_at=at,
        payload=packet[at : ip.end],
    )


def _need(packet: bytes, ip: Ip, end: int, name: str) -> None:
    """A header that ends at `end` has to be there whole: within the packet, and within what was captured."""
    if end > min(len(packet), ip.end):
        raise _BadPacketError(
            f"the {name} header is cut after {max(0, min(len(packet), ip.end) - ip.transport_at)} bytes"
        )
