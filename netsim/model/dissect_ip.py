"""IPv4's and IPv6's headers, field by field (RFC 791; RFC 8200). Extension headers are skipped, and can be seen."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from netsim.model.checksums import verify
from netsim.model.reader import Reader, StopReadingError

PROTOCOLS = {
    0: "hop-by-hop options",
    1: "ICMP",
    2: "IGMP",
    6: "TCP",
    17: "UDP",
    41: "IPv6",
    43: "routing",
    44: "fragment",
    47: "GRE",
    50: "ESP",
    51: "authentication",
    58: "ICMPv6",
    59: "nothing",
    60: "destination options",
    132: "SCTP",
}  # fmt: skip  (linux/in.h, linux/in6.h; IANA's protocol numbers)
_EXTENSIONS = frozenset({0, 43, 44, 51, 60})
_FRAGMENT, _AUTHENTICATION = 44, 51
_MOST_EXTENSIONS = 8
_IPV4_SIZE = 20


class Carried(NamedTuple):
    """What an IP header says of what it carries. `end`: the byte behind the packet, by its header."""

    version: int
    protocol: int
    end: int
    source: bytes
    destination: bytes
    offset: int = 0  # of a fragment
    more: bool = False

    @property
    def is_piece(self) -> bool:
        """Whether it is a fragment of a packet."""
        return bool(self.offset) or self.more


def read_ip(reader: Reader) -> Carried:
    """The IP header that begins here; afterwards the reader stands at what it carries."""
    start = reader.at
    version = reader.raw[start] >> 4 if reader.left else 0
    if version == 4:
        return _ipv4(reader, start)
    if version == 6:
        return _ipv6(reader)
    raise StopReadingError("version")


def protocol_name(number: int) -> str:
    """ "6 = TCP"."""
    return f"{number} = {PROTOCOLS[number]}" if number in PROTOCOLS else str(number)


def _ipv4(reader: Reader, start: int) -> Carried:
    reader.begin("IPv4")
    reader.number("ip.version", 4)
    header = reader.number("ip.hdr_len", 4, lambda words: f"{words * 4} bytes") * 4
    with reader.group("ip.dsfield"):
        reader.number("ip.dsfield.dscp", 6)
        reader.number("ip.dsfield.ecn", 2, _ecn)
    reader.amend("ip.dsfield", shown=f"0x{reader.raw[start + 1]:02x}")
    total = reader.number("ip.len", 16, lambda size: f"{size} bytes")
    reader.number("ip.id", 16, lambda number: f"0x{number:04x}")
    with reader.group("ip.flags"):
        reader.number("ip.flags.rb", 1)
        unfragmented = reader.number("ip.flags.df", 1, _yes)
        more = reader.number("ip.flags.mf", 1, _yes)
    reader.amend("ip.flags", shown=" ".join(["DF"] * unfragmented + ["MF"] * more) or "none")
    offset = reader.number("ip.frag_offset", 13, lambda units: f"{units * 8} bytes") * 8
    reader.number("ip.ttl", 8)
    protocol = reader.number("ip.proto", 8, protocol_name)
    reader.number("ip.checksum", 16, lambda number: f"0x{number:04x}")
    source, destination = _address(reader, "ip.src", 4), _address(reader, "ip.dst", 4)
    if header < _IPV4_SIZE or total < header or start + header > reader.limit:
        raise StopReadingError("header length")
    check, expected = verify(reader.raw[start : start + header], 10)
    reader.amend("ip.checksum", check=check, expected=expected)
    if header > _IPV4_SIZE:
        _ipv4_options(reader, start + header)
    return Carried(4, protocol, start + total, source, destination, offset, bool(more))


def _ipv4_options(reader: Reader, end: int) -> None:
    """RFC 791, 3.1: kinds 0 and 1 are one byte, all others say their length."""
    limit, reader.limit = reader.limit, end
    while reader.left:
        kind = reader.raw[reader.at]
        size = reader.raw[reader.at + 1] if reader.left > 1 else 0
        if kind == 0:
            reader.number("ip.opt.eol", 8, "end")
            reader.content("ip.opt.padding", reader.left)
        elif kind == 1:
            reader.number("ip.opt.nop", 8, "no operation")
        elif 2 <= size <= reader.left:
            with reader.group("ip.opt"):
                reader.number("ip.opt.type", 8)
                reader.number("ip.opt.len", 8)
                reader.content("ip.opt.data", size - 2)
        else:
            reader.content("ip.opt.bad", reader.left)
    reader.limit = limit


def _ipv6(reader: Reader) -> Carried:
    reader.begin("IPv6")
    reader.number("ipv6.version", 4)
    with reader.group("ipv6.tclass"):
        service = reader.number("ipv6.tclass.dscp", 6)
        congestion = reader.number("ipv6.tclass.ecn", 2, _ecn)
    reader.amend("ipv6.tclass", shown=f"0x{service << 2 | congestion:02x}")
    reader.number("ipv6.flow", 20, lambda number: f"0x{number:05x}")
    length = reader.number("ipv6.plen", 16, lambda size: f"{size} bytes")
    protocol = reader.number("ipv6.nxt", 8, protocol_name)
    reader.number("ipv6.hlim", 8)
    source, destination = _address(reader, "ipv6.src", 16), _address(reader, "ipv6.dst", 16)
    carried = Carried(6, protocol, reader.at + length, source, destination)
    for _ in range(_MOST_EXTENSIONS):
        if carried.protocol not in _EXTENSIONS:
            return carried
        carried = _extension(reader, carried)
        if carried.offset:
            return carried  # a later piece: what follows is the middle of something
    raise StopReadingError("too many extension headers")


def _extension(reader: Reader, carried: Carried) -> Carried:
    limit, reader.limit = reader.limit, min(reader.limit, carried.end)
    reader.begin("extension")
    if reader.left < 8:
        raise StopReadingError("extension header")
    is_fragment = carried.protocol == _FRAGMENT
    following = reader.number(f"ipv6.{'fraghdr' if is_fragment else 'ext'}.nxt", 8, protocol_name)
    offset, more = carried.offset, carried.more
    if is_fragment:
        reader.number("ipv6.fraghdr.reserved_octet", 8)
        offset = reader.number("ipv6.fraghdr.offset", 13, lambda units: f"{units * 8} bytes") * 8
        reader.number("ipv6.fraghdr.reserved_bits", 2)
        more = bool(reader.number("ipv6.fraghdr.more", 1, _yes))
        reader.number("ipv6.fraghdr.ident", 32, lambda number: f"0x{number:08x}")
    else:
        unit, first = (4, 2) if carried.protocol == _AUTHENTICATION else (8, 1)
        words = reader.number("ipv6.ext.len", 8, lambda units: f"{(units + first) * unit} bytes")
        size = (words + first) * unit - 2
        if size > reader.left:
            raise StopReadingError("extension header")
        reader.content("ipv6.ext.data", size)
    reader.limit = limit
    return carried._replace(protocol=following, offset=offset, more=more)


def _address(reader: Reader, name: str, size: int) -> bytes:
    at = reader.at
    reader.number(name, size * 8, lambda number: str(ipaddress.ip_address(number.to_bytes(size, "big"))))
    return reader.raw[at : at + size]


def _ecn(number: int) -> str:
    return ("0 = not used", "1 = ECT(1)", "2 = ECT(0)", "3 = congestion")[number]


def _yes(bit: int) -> str:
    return "1 = yes" if bit else "0 = no"
