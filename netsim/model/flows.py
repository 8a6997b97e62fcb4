"""Which conversation a packet belongs to, which side sent it, and its numbers counted from that side's first.

Remembers at most `FLOWS` four-tuples, the longest unused forgotten first. Who called is known from the SYN; where none
was seen it is a guess: for UDP the sender of the first datagram, for TCP the side with the higher port.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from netsim.model import wire
from netsim.model.address import Address, Conversation, Role, Transport
from netsim.model.wire import Datagram, Decoded, Fragment, Icmp, Segment

FLOWS = 1024
PIECES = 64

Pair = tuple[Transport, Address, Address]  # both ends, the smaller first: the same for either direction


def pair_of(transport: Transport, one: Address, other: Address) -> Pair:
    """A four-tuple without a direction."""
    return (transport, one, other) if one <= other else (transport, other, one)


class Place(Struct, frozen=True):
    """Where a packet belongs. None: not to be known (another protocol, a first sequence number that was not seen).

    `seq` and `ack` are relative: the SYN has 0. An ICMP error belongs to the conversation that it quotes.
    """

    conversation: Conversation | None = None
    sender: Role | None = None
    seq: int | None = None
    ack: int | None = None


class _Flow:
    """What is remembered of one four-tuple: who called, and the first sequence number of each end."""

    __slots__ = ("conversation", "first")

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.first: dict[Address, int] = {}


class Flows:
    """The memory. `place` is to be given every packet once, in the order in which they came."""

    def __init__(self) -> None:
        self._flows: OrderedDict[Pair, _Flow] = OrderedDict()
        self._pieces: OrderedDict[tuple[str, str, int], tuple[Transport, Address, Address]] = OrderedDict()

    def place(self, packet: Decoded) -> Place:
        """Where this packet belongs; a SYN or a first datagram makes a new conversation known."""
        match packet:
            case Segment():
                return self._segment(packet)
            case Datagram():
                return _side(self._flow("udp", packet.source, packet.destination), packet.source)
            case Icmp() if packet.about is not None:
                about = packet.about
                return _side(self._flow(about.transport, about.source, about.destination), about.destination)
            case Fragment():
                return self._fragment(packet)
            case _:
                return Place()

    def _segment(self, segment: Segment) -> Place:
        flow = self._flow("tcp", segment.source, segment.destination, guess=not segment.bits & wire.SYN)
        if segment.bits & wire.SYN:
            if not segment.bits & wire.ACK and _is_new(flow, segment):
                flow.first.clear()
                flow.conversation = Conversation("tcp", segment.source, segment.destination)
            elif segment.bits & wire.ACK and not flow.first:  # its SYN was not seen
                flow.conversation = Conversation("tcp", segment.destination, segment.source)
            flow.first[segment.source] = segment.seq
        here = flow.first.get(segment.source)
        there = flow.first.get(segment.destination) if segment.bits & wire.ACK else None
        place = _side(flow, segment.source)
        return Place(place.conversation, place.sender, _relative(segment.seq, here), _relative(segment.ack, there))

    def _fragment(self, piece: Fragment) -> Place:
        """Later pieces have no ports: they belong where the first with the same identification went."""
        name = (piece.ip.source, piece.ip.destination, piece.identification)
        if piece.source is not None and piece.destination is not None:
            transport: Transport = "tcp" if piece.ip.protocol == wire.TCP else "udp"
            self._pieces[name] = (transport, piece.source, piece.destination)
            if len(self._pieces) > PIECES:
                self._pieces.popitem(last=False)
        if name not in self._pieces:
            return Place()
        transport, source, destination = self._pieces[name]
        return _side(self._flow(transport, source, destination), source)

    def _flow(self, transport: Transport, source: Address, destination: Address, *, guess: bool = True) -> _Flow:
        pair = pair_of(transport, source, destination)
        flow = self._flows.get(pair)
        if flow is None:
            called = source
            if transport == "tcp" and guess and destination.port > source.port:
                called = destination
            other = destination if called == source else source
            flow = self._flows[pair] = _Flow(Conversation(transport, called, other))
            if len(self._flows) > FLOWS:
                self._flows.popitem(last=False)
        else:
            self._flows.move_to_end(pair)
        return flow


def _is_new(flow: _Flow, syn: Segment) -> bool:
    """A SYN that is no copy: the four-tuple's first, or its next life. A SYN from the called side while the caller's
    own is not answered yet is neither: both call at once (RFC 9293, figure 7)."""
    if flow.first.get(syn.source) == syn.seq:
        return False
    return not (list(flow.first) == [flow.conversation.client] and syn.source == flow.conversation.server)


def _side(flow: _Flow, sender: Address) -> Place:
    return Place(flow.conversation, "client" if sender == flow.conversation.client else "server")


def _relative(number: int, first: int | None) -> int | None:
    return None if first is None else (number - first) & 0xFFFF_FFFF
