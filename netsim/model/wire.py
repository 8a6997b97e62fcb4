"""What the headers of one IP packet say, as values. `decode` makes them; here is no parsing and no judgement.

Offsets count bytes from the first byte of the IP header, so that whoever has the bytes finds each part in them.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from netsim.model.address import Address, Transport
from netsim.model.packet import Flag

# The TCP header's flag bits (RFC 9293, section 3.1; linux/tcp.h)
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE = (1 << bit for bit in range(9))

# Protocol numbers (linux/in.h, linux/in6.h)
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58


class Ip(Struct, frozen=True, kw_only=True, tag=True):
    """An IPv4 or IPv6 header with what belongs to it (options, extension headers)."""

    version: Literal[4, 6]
    source: str
    destination: str
    protocol: int  # what the packet carries, behind all extension headers
    hops: int  # time to live, or hop limit
    transport_at: int  # offset of what it carries
    end: int  # where the packet ends, by its header; more than there are bytes if the capture was cut


class TcpOption(Struct, frozen=True):
    """One option of a TCP header: kind (RFC 9293; 2 MSS, 3 window scale, 5 SACK, 8 timestamps), offset, data."""

    kind: int
    at: int
    data: bytes


class Segment(Struct, frozen=True, kw_only=True, tag=True):
    """A TCP segment. `seq` and `ack` are the raw 32-bit numbers; `ack` means something only with ACK in `flags`."""

    ip: Ip
    source: Address
    destination: Address
    seq: int
    ack: int
    bits: int  # all nine flag bits
    flags: frozenset[Flag]
    window: int  # as it stands in the header, unscaled
    options: tuple[TcpOption, ...]
    options_whole: bool  # False: an option's length is impossible; those before it are listed
    payload_at: int
    length: int  # payload bytes, by the headers
    payload: bytes  # those of them that were captured

    @property
    def end_seq(self) -> int:
        """The sequence number behind this segment: SYN and FIN count as one byte each."""
        return (self.seq + self.length + bool(self.bits & SYN) + bool(self.bits & FIN)) & 0xFFFF_FFFF


class Datagram(Struct, frozen=True, kw_only=True, tag=True):
    """A UDP datagram."""

    ip: Ip
    source: Address
    destination: Address
    payload_at: int
    length: int  # payload bytes, by the UDP header
    payload: bytes  # those of them that were captured


class About(Struct, frozen=True):
    """The packet that an ICMP error quotes: what had been sent, from where to where."""

    transport: Transport
    source: Address
    destination: Address
    seq: int | None = None  # raw; TCP only


class Icmp(Struct, frozen=True, kw_only=True, tag=True):
    """An ICMP or ICMPv6 message (`ip.version` says which: their numbers differ). `about`: only in errors."""

    ip: Ip
    kind: int
    code: int
    about: About | None
    payload_at: int
    payload: bytes  # behind the eight bytes of header


class Fragment(Struct, frozen=True, kw_only=True, tag=True):
    """A piece of an IP packet. Linux puts IPv4 together before INPUT; IPv6 only after it, so there pieces are seen.

    Ports are known for the first piece only (`offset` 0) of TCP and UDP.
    """

    ip: Ip
    identification: int
    offset: int  # in bytes
    more: bool  # not the last piece
    source: Address | None
    destination: Address | None
    payload_at: int
    payload: bytes


class Other(Struct, frozen=True, kw_only=True, tag=True):
    """A packet of another protocol than TCP, UDP and ICMP."""

    ip: Ip


class Malformed(Struct, frozen=True, tag=True):
    """Bytes that are no packet, or one that contradicts itself or is cut within its headers."""

    because: str


Decoded = Segment | Datagram | Icmp | Fragment | Other | Malformed
