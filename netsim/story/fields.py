"""What each field of a packet is for: its name, one sentence, and where it is defined. Pure data.

The keys are the names that Wireshark's display filters use: what is learned here can be typed there.
"""

from __future__ import annotations

from typing import NamedTuple

MACHINE, SERVICE, CALLER = "finds the machine", "finds the service", "finds the caller"
NO_PID = "An address finds a machine, a port finds a service. No field is a PID."


class Meaning(NamedTuple):
    """`title`: at most 18 columns. `what`: one sentence. `source`: the RFC and the section. `star`: what it finds."""

    title: str
    what: str
    source: str
    star: str = ""


_V4, _V6, _TCP, _UDP = "RFC 791, section 3.1", "RFC 8200, section 3", "RFC 9293, section 3.1", "RFC 768, Fields"
_ECN, _OPTIONS = "RFC 3168, section 5", "RFC 9293, section 3.2"
_FRAGMENT = "RFC 8200, section 4.5"
_ICMP, _ICMP6 = "RFC 792, Message Formats", "RFC 4443, section 2.1"

MEANINGS: dict[str, Meaning] = {
    # --- IPv4
    "ip.version": Meaning("version", "Which IP this is: 4. Everything behind it is laid out accordingly.", _V4),
    "ip.hdr_len": Meaning("header length",
        "How long this header is, counted in words of 4 bytes; behind it TCP or UDP begins.", _V4),
    "ip.dsfield": Meaning("service",
        "How urgent the packet is, and whether a router on its way was congested.", "RFC 2474, section 3"),
    "ip.dsfield.dscp": Meaning("DSCP",
        "A class of service that routers may honour; 0 is: like everybody.", "RFC 2474, section 3"),
    "ip.dsfield.ecn": Meaning("ECN",
        "Routers can say here that they are congested, instead of dropping the packet.", _ECN),
    "ip.len": Meaning("total length", "The whole packet in bytes: this header, and all that it carries.", _V4),
    "ip.id": Meaning("identification",
        "If the packet is cut into fragments they all keep this number, so that they can be put "
        "together again.", "RFC 6864, section 4"),
    "ip.flags": Meaning("flags", "Three bits about fragments.", _V4),
    "ip.flags.rb": Meaning("reserved", "It must be 0.", _V4),
    "ip.flags.df": Meaning("don't fragment",
        "A router that would have to cut the packet must drop it, and say so.", _V4),
    "ip.flags.mf": Meaning("more fragments", "This is a piece of a packet, and not the last one.", _V4),
    "ip.frag_offset": Meaning("fragment offset",
        "Where in the whole packet this piece belongs, in units of 8 bytes.", _V4),
    "ip.ttl": Meaning("time to live",
        "Each router takes one off; at 0 the packet is thrown away, so that none goes round for ever.", _V4),
    "ip.proto": Meaning("protocol", "To whom the kernel hands what follows: 6 is TCP, 17 is UDP, 1 is ICMP.", _V4),
    "ip.checksum": Meaning("header checksum",
        "A sum over this header alone: a damaged address must not be believed.", _V4),
    "ip.src": Meaning("source address", "From which machine the packet comes: there the answer goes.", _V4, MACHINE),
    "ip.dst": Meaning("destination",
        "It finds the machine: routers look at this, and at nothing behind it.", _V4, MACHINE),
    "ip.opt": Meaning("option", "An option of the IP header; hardly ever used.", _V4),
    "ip.opt.type": Meaning("option type", "Which option it is.", _V4),
    "ip.opt.len": Meaning("option length", "How many bytes the option has, this and the type among them.", _V4),
    "ip.opt.data": Meaning("option data", "What the option says; not taken apart here.", _V4),
    "ip.opt.nop": Meaning("no operation", "A byte of nothing, between options.", _V4),
    "ip.opt.eol": Meaning("end of options", "Here the options end.", _V4),
    "ip.opt.padding": Meaning("padding", "Bytes of nothing, so that the header is a multiple of 4 bytes.", _V4),
    "ip.opt.bad": Meaning("unreadable option", "Its length is impossible: what follows can't be read.", _V4),
    # --- IPv6
    "ipv6.version": Meaning("version", "Which IP this is: 6. Everything behind it is laid out accordingly.", _V6),
    "ipv6.tclass": Meaning("traffic class",
        "How urgent the packet is, and whether a router was congested.", "RFC 8200, section 7"),
    "ipv6.tclass.dscp": Meaning("DSCP",
        "A class of service that routers may honour; 0 is: like everybody.", "RFC 2474, section 3"),
    "ipv6.tclass.ecn": Meaning("ECN",
        "Routers can say here that they are congested, instead of dropping the packet.", _ECN),
    "ipv6.flow": Meaning("flow label",
        "Packets of one conversation have the same label, so that routers can keep them on one "
        "path.", "RFC 6437, section 2"),
    "ipv6.plen": Meaning("payload length", "How many bytes follow this header of 40.", _V6),
    "ipv6.nxt": Meaning("next header",
        "What follows: 6 is TCP, 17 is UDP, 58 is ICMPv6, others are extension headers.", _V6),
    "ipv6.hlim": Meaning("hop limit", "Each router takes one off; at 0 the packet is thrown away.", _V6),
    "ipv6.src": Meaning("source address",
        "From which machine the packet comes: there the answer goes.", _V6, MACHINE),
    "ipv6.dst": Meaning("destination",
        "It finds the machine: routers look at this, and at nothing behind it.", _V6, MACHINE),
    "ipv6.ext.nxt": Meaning("next header", "What follows this extension header.", "RFC 8200, section 4"),
    "ipv6.ext.len": Meaning("extension length", "How long this extension header is.", "RFC 8200, section 4"),
    "ipv6.ext.data": Meaning("extension data",
        "What the extension header says; it is skipped here, not taken apart.", "RFC 8200, section 4"),
    "ipv6.fraghdr.nxt": Meaning("next header", "What the whole packet carries.", _FRAGMENT),
    "ipv6.fraghdr.reserved_octet": Meaning("reserved", "It must be 0.", _FRAGMENT),
    "ipv6.fraghdr.offset": Meaning("fragment offset",
        "Where in the whole packet this piece belongs, in units of 8 bytes.", _FRAGMENT),
    "ipv6.fraghdr.reserved_bits": Meaning("reserved", "They must be 0.", _FRAGMENT),
    "ipv6.fraghdr.more": Meaning("more fragments", "This is a piece of a packet, and not the last one.", _FRAGMENT),
    "ipv6.fraghdr.ident": Meaning("identification", "All pieces of a packet have the same number.", _FRAGMENT),
    # --- TCP
    "tcp.srcport": Meaning("source port",
        "Which socket of the sending machine it comes from: there the answer goes.", _TCP, SERVICE),
    "tcp.dstport": Meaning("destination port",
        "With it the receiving kernel finds the socket. Two bytes, so 0 to 65535.", _TCP, SERVICE),
    "tcp.seq_raw": Meaning("sequence number",
        "The place of the first byte in the sender's stream. The SYN takes one place itself; the "
        "first number is picked unguessably.", "RFC 9293, section 3.4"),
    "tcp.ack_raw": Meaning("acknowledgment",
        "The next byte that is expected from the other side: all before it has come to the "
        "kernel. Only with the ACK bit.", "RFC 9293, section 3.4"),
    "tcp.hdr_len": Meaning("header length",
        "How long this header is, counted in words of 4 bytes; what is above 20 bytes are options.", _TCP),
    "tcp.flags": Meaning("flags", "What kind of segment this is; each flag is one bit.", _TCP),
    "tcp.flags.res": Meaning("reserved", "Bits without a use yet: they must be 0.", _TCP),
    "tcp.flags.ae": Meaning("AE",
        "A better report of congestion; the bit was reserved before.", "RFC 9768, section 3.1"),
    "tcp.flags.cwr": Meaning("CWR",
        "Congestion window reduced: the sender has heard of the congestion, and slowed down.", "RFC 3168, section 6.1"),
    "tcp.flags.ece": Meaning("ECE",
        "ECN echo: a packet came that a router had marked as congested.", "RFC 3168, section 6.1"),
    "tcp.flags.urg": Meaning("URG",
        "The urgent pointer means something. New programs should not use it.", "RFC 9293, section 3.8.5"),
    "tcp.flags.ack": Meaning("ACK",
        "The acknowledgment number means something. Only the first SYN and some RSTs are without it.", _TCP),
    "tcp.flags.push": Meaning("PSH",
        "Push: give it to the program now, do not wait for more.", "RFC 9293, section 3.9.1"),
    "tcp.flags.reset": Meaning("RST",
        "Reset: there is no such connection, or it is over at once.", "RFC 9293, section 3.5.2"),
    "tcp.flags.syn": Meaning("SYN",
        "Synchronize: a connection begins, and this is my first sequence number.", "RFC 9293, section 3.5"),
    "tcp.flags.fin": Meaning("FIN",
        "Finish: the sender will send no more bytes; it can still receive.", "RFC 9293, section 3.6"),
    "tcp.window_size_value": Meaning("window",
        "How many bytes the other side may send before it hears again: the room that is free in "
        "the buffer.", "RFC 9293, section 3.8.6"),
    "tcp.checksum": Meaning("checksum",
        "A sum over this header, the message, and the addresses of the IP header.", _TCP),
    "tcp.urgent_pointer": Meaning("urgent pointer",
        "Where the urgent bytes end; only with the URG bit.", "RFC 9293, section 3.8.5"),
    "tcp.options": Meaning("options", "What does not fit in the 20 bytes that every TCP header has.", _OPTIONS),
    "tcp.options.mss": Meaning("option MSS",
        "Maximum segment size: the longest message that I take in one segment.", "RFC 9293, section 3.7.1"),
    "tcp.options.mss_val": Meaning("MSS",
        "Maximum segment size: the longest message that I take in one segment.", "RFC 9293, section 3.7.1"),
    "tcp.options.sack_perm": Meaning("option SACK perm.",
        "SACK permitted: you may tell me which bytes came behind a gap.", "RFC 2018, section 2"),
    "tcp.options.sack": Meaning("option SACK",
        "These bytes have come, though some before them are missing.", "RFC 2018, section 3"),
    "tcp.options.sack_le": Meaning("left edge", "The first byte of a block that has come.", "RFC 2018, section 3"),
    "tcp.options.sack_re": Meaning("right edge", "The byte behind a block that has come.", "RFC 2018, section 3"),
    "tcp.options.timestamp": Meaning("option times",
        "Two clocks: with them the way there and back is timed, and old segments are told from "
        "new ones.", "RFC 7323, section 3.2"),
    "tcp.options.timestamp.tsval": Meaning("timestamp",
        "The sender's clock, begun at a random number.", "RFC 7323, section 3.2"),
    "tcp.options.timestamp.tsecr": Meaning("timestamp echo",
        "The other side's clock, as it came last: 0 if none came.", "RFC 7323, section 3.2"),
    "tcp.options.wscale": Meaning("option scale",
        "From the handshake on my windows count in units of so many bytes.", "RFC 7323, section 2.2"),
    "tcp.options.wscale.shift": Meaning("window scale",
        "By how many bits the window is to be shifted to the left.", "RFC 7323, section 2.2"),
    "tcp.options.nop": Meaning("no operation",
        "A byte of nothing, so that the next option begins at an even place.", _OPTIONS),
    "tcp.options.eol": Meaning("end of options", "Here the options end.", _OPTIONS),
    "tcp.options.padding": Meaning("padding",
        "Bytes of nothing, so that the header is a multiple of 4 bytes.", _OPTIONS),
    "tcp.options.unknown": Meaning("unknown option", "An option that is skipped: its length says how far.", _OPTIONS),
    "tcp.options.data": Meaning("option data", "What the option says; not taken apart here.", _OPTIONS),
    "tcp.options.bad": Meaning("unreadable option",
        "Its length is impossible: what follows can't be read.", _OPTIONS),
    "tcp.option_kind": Meaning("option kind", "Which option it is.", _OPTIONS),
    "tcp.option_len": Meaning("option length",
        "How many bytes the option has, this and the kind among them.", _OPTIONS),
    "tcp.payload": Meaning("message",
        "The bytes of the program's stream: TCP does not know what they mean.", "RFC 9293, section 3.8"),
    # --- UDP
    "udp.srcport": Meaning("source port",
        "Which socket of the sending machine it comes from; 0 if no answer is wanted.", _UDP, SERVICE),
    "udp.dstport": Meaning("destination port",
        "With it the receiving kernel finds the socket. Two bytes, so 0 to 65535.", _UDP, SERVICE),
    "udp.length": Meaning("length", "This header of 8 bytes and the message.", _UDP),
    "udp.checksum": Meaning("checksum",
        "A sum over this header, the message, and the addresses of the IP header.", _UDP),
    "udp.payload": Meaning("message", "The datagram's bytes: one sendto(), one recvfrom().", "RFC 768, Introduction"),
    # --- ICMP
    "icmp.type": Meaning("type", "What the kernel of the other side says: 3 is, it could not be delivered.", _ICMP),
    "icmp.code": Meaning("code",
        "Why: of type 3, code 3 is, nobody has that port.", "RFC 792, Destination Unreachable"),
    "icmp.checksum": Meaning("checksum", "A sum over the whole ICMP message.", _ICMP),
    "icmp.unused": Meaning("unused",
        "Four bytes that this kind of message has no use for.", "RFC 792, Destination Unreachable"),
    "icmp.ident": Meaning("identifier", "Which ping it belongs to.", "RFC 792, Echo"),
    "icmp.seq": Meaning("sequence number", "The how manyth ping it is.", "RFC 792, Echo"),
    "icmpv6.type": Meaning("type",
        "What the kernel of the other side says: 1 is, it could not be delivered.", _ICMP6),
    "icmpv6.code": Meaning("code", "Why: of type 1, code 4 is, nobody has that port.", "RFC 4443, section 3.1"),
    "icmpv6.checksum": Meaning("checksum",
        "A sum over the whole message and the addresses.", "RFC 4443, section 2.3"),
    "icmpv6.reserved": Meaning("unused",
        "Four bytes that this kind of message has no use for.", "RFC 4443, section 3.1"),
    "icmpv6.echo.identifier": Meaning("identifier", "Which ping it belongs to.", "RFC 4443, section 4.1"),
    "icmpv6.echo.sequence_number": Meaning("sequence number", "The how manyth ping it is.", "RFC 4443, section 4.1"),
    # --- what is none of these
    "data.data": Meaning("data", "What the packet carries; it is not taken apart here.", _V4),
    "trailer": Meaning("behind the packet", "Bytes behind the packet's end: they do not belong to it.", _V4),
    "unread": Meaning("not read", "The packet is damaged or cut: what stands here can't be known.", _V4),
}  # fmt: skip

_QUOTED_PORT = (
    "Whose packet it was that could not be delivered: with this port the kernel finds the socket that had sent it."
)
QUOTED: dict[str, Meaning] = {  # of the packet that an ICMP error quotes, where it is for something else there
    name: MEANINGS[name]._replace(what=_QUOTED_PORT) for name in ("tcp.srcport", "udp.srcport")
}


def meaning(name: str, *, quoted: bool = False) -> Meaning:
    """What a field is for."""
    return (QUOTED.get(name) if quoted else None) or MEANINGS[name]
