"""Whose packet it is, and which of strangers' packets are held or told one by one: a flood of theirs is only counted.

Law: a packet of ours is never left out for one of theirs. Ours is what a socket of ours began; whose the socket is, is
asked of the kernel when a conversation's first packet comes, and remembered. Of strangers the open gate tells all while
they are few, then so many a second, and the others pass; the closed gate holds so many, and drops the first packet of a
further conversation, as a router with a full queue does: TCP sends it again, UDP does not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from netsim.lab.budget import Budget

TOLD_AT_ONCE = 300  # packets of strangers
TOLD_A_SECOND = 20
OURS_AT_ONCE = 10_000  # packets of ours: what nobody could ever read, and a screen hardly follow
OURS_A_SECOND = 1000
HELD = 64  # packets of strangers; none of a new conversation of theirs beyond it
HELD_OF_KNOWN = 512  # the same of conversations of which one was held before
REMEMBERED = 4096  # conversations
STALE = 1.0  # seconds after which it is asked again whose an unconnected UDP socket's datagrams are

_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58
_SYN, _ACK = 0x02, 0x10
_IP4, _IP6 = 20, 40  # bytes of an IP header

End = tuple[bytes, int]  # an address as it is in a packet, and a port


class Flow(NamedTuple):
    """What can be read of a packet at a glance: protocol and both ends. `begins`: it is a SYN."""

    protocol: int
    source: End
    destination: End
    begins: bool = False

    @property
    def key(self) -> tuple[int, End, End]:
        """The same for both directions."""
        one, other = self.source, self.destination
        return (self.protocol, one, other) if one <= other else (self.protocol, other, one)


class _Known:
    """What is remembered of a conversation. `caller` sent its first packet."""

    __slots__ = ("at", "caller", "cut", "entered", "ours", "tcp")

    def __init__(self, at: float, caller: End | None, *, tcp: bool = False) -> None:
        self.at = at
        self.caller = caller
        self.ours = False
        self.tcp = tcp
        self.entered = False  # one of its packets was held
        self.cut = False  # one of its packets was left out of what is told


class Crowd:
    """`is_ours(flow)`: whether we hold the socket that sent it, None if it is not to be found; `clock` in seconds."""

    def __init__(self, is_ours: Callable[[Flow], bool | None], clock: Callable[[], float]) -> None:
        self._is_ours, self._clock = is_ours, clock
        self._budget = Budget(TOLD_AT_ONCE, TOLD_A_SECOND, clock)
        self._our_budget = Budget(OURS_AT_ONCE, OURS_A_SECOND, clock)
        self._known: OrderedDict[tuple[int, End, End], _Known] = OrderedDict()
        self._unread = _Known(0.0, None)  # all packets of which no ends can be read
        self._held: dict[int, Flow | None] = {}  # strangers' packets by number
        self.passed = 0  # packets that passed untold
        self.ours_passed = 0  # those of them that are ours
        self.dropped = 0  # packets that were thrown away, because so many of strangers' were held

    def lets(self, raw: bytes, *, is_open: bool) -> bool:
        """Whether the gate is to tell (or hold) this packet; if not, it has been counted."""
        known = self._of(raw)
        if known.ours:
            return not is_open or self._tells_ours()
        if not is_open:
            enters = len(self._held) < (HELD_OF_KNOWN if known.tcp and known.entered else HELD)
            known.entered = known.entered or enters
            self.dropped += not enters
            return enters
        if known.cut and not self._budget.is_whole:
            self.passed += 1
            return False
        known.cut = not self._budget.take()
        self.passed += known.cut
        return not known.cut

    def _tells_ours(self) -> bool:
        if self._our_budget.take():
            return True
        self.passed += 1
        self.ours_passed += 1
        return False

    def held(self, number: int, raw: bytes) -> None:
        """A packet is held, under this number."""
        if not self._of(raw).ours:
            self._held[number] = glance(raw)

    def gone(self, number: int) -> None:
        """It is not held any more."""
        self._held.pop(number, None)

    def waiting(self) -> list[Flow]:
        """The strangers' conversations of which a packet is held."""
        return [flow for flow in self._held.values() if flow is not None]

    def _of(self, raw: bytes) -> _Known:
        flow = glance(raw)
        if flow is None:
            return self._unread
        key, now = flow.key, self._clock()
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._forget()
            known = self._known[key] = _Known(now, flow.source, tcp=flow.protocol == _TCP)
            known.ours = bool(self._is_ours(flow))
            return known
        self._known.move_to_end(key)
        if flow.begins or (not known.tcp and flow.source == known.caller and now - known.at >= STALE):
            ours = self._is_ours(flow)
            if ours is not None:  # else its sender has closed it since
                known.ours, known.caller = ours, flow.source
            known.at = now
        return known

    def _forget(self) -> None:
        """The longest unused one of strangers is forgotten: of ours there are few."""
        oldest = next((key for key, each in self._known.items() if not each.ours), next(iter(self._known)))
        del self._known[oldest]


def glance(raw: bytes) -> Flow | None:
    """Protocol and ends of a TCP segment, of a UDP datagram, or of the packet that an ICMP error quotes; else None."""
    flow = _read(raw)
    if flow is not None or len(raw) < _IP4:
        return flow
    if raw[0] >> 4 == 4 and raw[9] == _ICMP:
        return _read(raw[(raw[0] & 15) * 4 + 8 :])
    if raw[0] >> 4 == 6 and raw[6] == _ICMP6:
        return _read(raw[_IP6 + 8 :])
    return None


def _read(raw: bytes) -> Flow | None:
    if len(raw) < _IP4:
        return None
    if raw[0] >> 4 == 4:
        at, protocol, source, destination = (raw[0] & 15) * 4, raw[9], raw[12:16], raw[16:20]
        if raw[6] & 0x1F or raw[7]:
            return None  # a later piece has no ports
    elif raw[0] >> 4 == 6 and len(raw) >= _IP6:
        at, protocol, source, destination = _IP6, raw[6], raw[8:24], raw[24:40]
    else:
        return None
    if protocol not in (_TCP, _UDP) or len(raw) < at + 4:
        return None
    begins = protocol == _TCP and len(raw) > at + 13 and raw[at + 13] & (_SYN | _ACK) == _SYN
    here, there = int.from_bytes(raw[at : at + 2], "big"), int.from_bytes(raw[at + 2 : at + 4], "big")
    return Flow(protocol, (source, here), (destination, there), begins)
