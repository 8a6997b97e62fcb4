"""Bytes to fields: an IP packet taken apart to its last bit. Whatever the bytes are, there is an answer, no exception.

What is malformed is said by `decode`, in its words; the fields in front of the damage are there, the rest is "unread".
"""

from __future__ import annotations

from netsim.model import wire
from netsim.model.decode import decode
from netsim.model.dissect_ip import Carried, read_ip
from netsim.model.dissect_transport import Numbers, read_icmp, read_tcp, read_udp
from netsim.model.fields import Dissection
from netsim.model.reader import Reader, StopReadingError
from netsim.model.wire import Malformed, Segment

NO_NUMBERS = Numbers()


def dissect(raw: bytes, numbers: Numbers = NO_NUMBERS) -> Dissection:
    """All fields of one IP packet, from the first byte of its IP header. Never raises.

    `numbers`: what is known from the packets before it: the relative numbers, and the window's scale.
    """
    reader = Reader(raw)
    missing = 0
    try:
        missing = _packet(reader, numbers)
    except StopReadingError:
        pass
    problem = _problem(raw)
    reader.limit = len(raw)
    reader.align("unread")
    if reader.left:
        reader.begin("unread")
        reader.content("unread" if problem else "trailer", reader.left)
    reader.end_layer()
    return Dissection(
        raw=raw, layers=tuple(reader.layers), fields=tuple(reader.fields), problem=problem, missing=missing
    )


def _problem(raw: bytes) -> str:
    found = decode(raw)
    if isinstance(found, Malformed):
        return found.because
    if isinstance(found, Segment) and not found.options_whole:
        return "a TCP option has an impossible length"
    return ""


def _packet(reader: Reader, numbers: Numbers) -> int:
    """The IP packet that begins here; returns how many of its bytes were not captured."""
    carried = read_ip(reader)
    outer_limit, reader.limit = reader.limit, min(reader.limit, carried.end)
    _carried(reader, carried, numbers)
    reader.limit = outer_limit
    return max(0, carried.end - len(reader.raw))


def _carried(reader: Reader, carried: Carried, numbers: Numbers) -> None:
    if carried.is_piece:
        _piece(reader, carried)
        return
    match carried.protocol:
        case wire.TCP:
            read_tcp(reader, carried, numbers)
        case wire.UDP:
            read_udp(reader, carried)
        case wire.ICMP if carried.version == 4:
            read_icmp(reader, carried, _quoted)
        case wire.ICMPV6 if carried.version == 6:
            read_icmp(reader, carried, _quoted)
        case _:
            reader.begin("other")
            reader.content("data.data", reader.left)


def _quoted(reader: Reader) -> None:
    """The packet that an ICMP error quotes, as far as it is quoted. It is not taken apart within another quotation."""
    if reader.quoted:
        reader.begin("payload")
        reader.content("data.data", reader.left)
        return
    reader.quoted = True
    limit = reader.limit
    try:
        _packet(reader, NO_NUMBERS)
    except StopReadingError:
        pass
    reader.limit = limit
    reader.align("unread")
    if reader.left:
        reader.begin("unread")
        reader.content("unread", reader.left)
    reader.quoted = False


def _piece(reader: Reader, carried: Carried) -> None:
    """A fragment: the first one has the ports, the later ones begin anywhere in the message."""
    reader.begin("piece")
    if carried.offset == 0 and carried.protocol in (wire.TCP, wire.UDP) and reader.left >= 4:
        name = "tcp" if carried.protocol == wire.TCP else "udp"
        reader.number(f"{name}.srcport", 16)
        reader.number(f"{name}.dstport", 16)
    reader.content("data.data", reader.left)
