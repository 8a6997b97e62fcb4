"""What is a copy: one connection's memory of the segments that the gate has met, and which of them were delivered.

A copy has the same sender, sequence number, SYN, FIN and ACK bits and length. A segment without SYN, FIN and payload
is an answer and no copy (but for the probe that a timer sends); nor is an RST: no timer sends it.
"""

from __future__ import annotations

from collections import OrderedDict

from netsim.model import wire
from netsim.model.address import Address
from netsim.model.wire import Segment

SEGMENTS = 256  # remembered of each connection; Linux sends 10 before it waits for the first answer
ANSWERS = 32

_Key = tuple[Address, int, int, int]  # sender, seq, bits, length
_Answer = tuple[Address, int, int, int]  # sender, seq behind it, ack, window


class Memory:
    """A segment that was sent at least once; `number` is that of its latest appearance at the gate.

    `holder` is the number under which it is held, None if it is not; `delivered`, whether any of its copies was.
    """

    __slots__ = ("copies", "delivered", "echoes", "holder", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.holder: int | None = None
        self.delivered = False
        self.copies = 0  # that came while it was held under this number
        self.echoes = 0  # that came after it had been delivered and were thrown away

    def sent_as(self, number: int) -> None:
        """It has come again, and is shown under a new number."""
        self.number, self.copies = number, 0


class Connection:
    """The memory of one four-tuple, bounded. `held` counts its packets that are held, of both directions."""

    def __init__(self) -> None:
        self.held = 0
        self._segments: OrderedDict[_Key, Memory] = OrderedDict()
        self._next: dict[Address, int] = {}  # behind the last byte that each side has sent
        self._answers: OrderedDict[_Answer, Memory] = OrderedDict()
        self._unanswered: dict[Address, int] = {}  # copies that reached this side though it had the original

    def find(self, segment: Segment) -> Memory | None:
        """What is remembered of this segment if it is a copy."""
        key = self._key(segment)
        return None if key is None else self._segments.get(key)

    def remember(self, segment: Segment, number: int, memory: Memory | None) -> Memory | None:
        """The segment is shown as packet `number`: the memory of it (a new one, if it is no copy of `memory`)."""
        key = self._key(segment)
        if key is None:
            return None
        if memory is not None:
            memory.sent_as(number)
            return memory
        if segment.bits & wire.SYN and not segment.bits & wire.ACK and segment.source in self._next:
            self._begin_again()
        memory = self._segments[key] = Memory(number)
        if len(self._segments) > SEGMENTS:
            self._forget_one()
        end = segment.end_seq
        if segment.source not in self._next or _before(self._next[segment.source], end):
            self._next[segment.source] = end
        return memory

    def repetition(self, segment: Segment, memory: Memory | None) -> tuple[bool, int | None]:
        """Whether these bytes were sent before, and as which packet (None: that one is forgotten).

        A sender may cut its bytes anew when it repeats them (tcp_retrans_collapse); such a segment is no copy, but
        it repeats the one that it overlaps.
        """
        if memory is not None:
            return True, memory.number
        end = self._next.get(segment.source)
        if not segment.length or segment.bits & wire.RST or end is None or not _before(segment.seq, end):
            return False, None
        oldest = None
        for (sender, seq, _, length), known in self._segments.items():
            if sender == segment.source:
                if _before(seq, segment.seq + segment.length) and _before(segment.seq, seq + length):
                    return True, known.number
                if oldest is None or _before(seq, oldest):
                    oldest = seq
        return oldest is not None and _before(segment.seq, oldest), None

    def deliver(self, segment: Segment, memory: Memory | None, number: int) -> None:
        """The segment reaches the other side now."""
        if memory is not None:
            if memory.delivered:
                there = segment.destination
                self._unanswered[there] = min(self._unanswered.get(there, 0) + 1, ANSWERS)
            memory.delivered = True
        if segment.bits & wire.ACK:
            self._answers[_answer(segment)] = memory or Memory(number)
            if len(self._answers) > ANSWERS:
                self._answers.popitem(last=False)

    def take_provoked(self, segment: Segment) -> Memory | None:
        """If this acknowledgement says nothing new and was drawn by a copy: the memory of what said the same before.

        Only so many are taken for that as copies went to its sender: with a segment lost, equal acknowledgements are
        news (RFC 5681, duplicate ACKs).
        """
        left = self._unanswered.get(segment.source, 0)
        if not left or self._key(segment) is not None or segment.bits & wire.RST:
            return None
        known = self._answers.get(_answer(segment))
        if known is not None:
            self._unanswered[segment.source] = left - 1
        return known

    def _key(self, segment: Segment) -> _Key | None:
        if segment.bits & wire.RST:
            return None
        if _is_bare(segment) and not self._is_probe(segment):
            return None
        return (segment.source, segment.seq, segment.bits & (wire.SYN | wire.FIN | wire.ACK), segment.length)

    def _is_probe(self, segment: Segment) -> bool:
        """A keepalive or window probe: nothing, one byte before the next (tcp_xmit_probe_skb in tcp_output.c)."""
        end = self._next.get(segment.source)
        return end is not None and segment.seq == (end - 1) & 0xFFFF_FFFF

    def _begin_again(self) -> None:
        """A SYN with another number: the four-tuple's next life. Only what is held of the last one is kept."""
        self._segments = OrderedDict((key, each) for key, each in self._segments.items() if each.holder is not None)
        self._next.clear()
        self._answers.clear()
        self._unanswered.clear()

    def _forget_one(self) -> None:
        oldest = next((key for key, each in self._segments.items() if each.holder is None), None)
        if oldest is not None:
            del self._segments[oldest]


def _is_bare(segment: Segment) -> bool:
    return not segment.length and not segment.bits & (wire.SYN | wire.FIN | wire.RST)


def _answer(segment: Segment) -> _Answer:
    return (segment.source, segment.end_seq, segment.ack, segment.window)


def _before(one: int, other: int) -> bool:
    """Whether a sequence number lies before another, around the corner at 2**32 (linux/tcp.h: before())."""
    return 0 < ((other - one) & 0xFFFF_FFFF) < 0x8000_0000
