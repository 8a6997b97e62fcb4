"""The gate's law: from packets and orders to verdicts and happenings. No I/O, no clock: same input, same answer.

While the gate is closed each packet is held, and what a timer sends only because a person thinks is not shown as
traffic: a copy of a held packet lies under it, a copy of a delivered one is thrown away while its connection waits.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from netsim.model.copies import Connection, Memory
from netsim.model.decode import decode
from netsim.model.flows import Flows, Pair, pair_of
from netsim.model.happenings import (
    Closed,
    CopyCounted,
    Dropped,
    GatePacket,
    Happening,
    Held,
    Opened,
    Overran,
    Released,
    Seen,
)
from netsim.model.wire import Decoded, Segment

CONNECTIONS = 256
MOST_HELD = 2048  # packets, each perhaps with a copy under it


class Verdict(NamedTuple):
    """What the kernel is to do with the queued packet `id`: deliver it, or throw it away."""

    id: int
    accept: bool


class Outcome(NamedTuple):
    """What came of one packet or order: first these verdicts, in this order; then this can be told."""

    verdicts: tuple[Verdict, ...]
    happenings: tuple[Happening, ...]


class NotHeldError(LookupError):
    """There is no held packet of that number."""


class _Waiting:
    """A held packet: the queue's id of the original, and id and bytes of its newest copy."""

    __slots__ = ("connection", "copy", "copy_id", "id", "memory", "packet")

    def __init__(self, id_: int, packet: GatePacket, connection: Connection | None, memory: Memory | None) -> None:
        self.id = id_
        self.packet = packet
        self.connection = connection
        self.memory = memory  # None for what is never a copy
        self.copy_id: int | None = None
        self.copy: tuple[bytes, Decoded] | None = None


class GateRules:
    """The gate's state. Closed at first, unless it is made open."""

    def __init__(self, *, is_open: bool = False) -> None:
        self.is_open = is_open
        self.overruns = 0  # packets thrown away because too many were held
        self._number = 0
        self._flows = Flows()
        self._connections: OrderedDict[Pair, Connection] = OrderedDict()
        self._held: dict[int, _Waiting] = {}
        self._order: list[int] = []  # the held packets' numbers; a copy that was waiting takes the dropped one's place

    @property
    def held(self) -> tuple[int, ...]:
        """The numbers of the held packets, in the order in which they would be released."""
        return tuple(self._order)

    # --- packets

    def arrive(self, id_: int, raw: bytes) -> Outcome:
        """A packet has come to the gate: `id_` is the queue's name for it, `raw` its bytes from the IP header on."""
        content = decode(raw)
        full = not self.is_open and len(self._held) >= MOST_HELD
        if not isinstance(content, Segment):
            if full:
                return self._overrun(id_)
            packet = self._packet(raw, content, repeats=False, copy_of=None)
            return self._pass(id_, packet) if self.is_open else self._hold(id_, packet, None, None)
        connection = self._connection(content)
        memory = connection.find(content)
        said_before = connection.take_provoked(content)
        if not self.is_open:
            if memory is not None and memory.holder is not None:
                return self._pile(id_, memory, raw, content)
            if connection.held and memory is not None and memory.delivered:
                memory.echoes += 1
                return _swallow(id_, CopyCounted(memory.number, memory.echoes, "delivered"))
            if connection.held and said_before is not None:
                said_before.echoes += 1
                return _swallow(id_, CopyCounted(said_before.number, said_before.echoes, "answer"))
        if full:
            return self._overrun(id_)
        repeats, copy_of = connection.repetition(content, memory)
        packet = self._packet(raw, content, repeats=repeats, copy_of=copy_of)
        memory = connection.remember(content, packet.number, memory)
        if self.is_open:
            connection.deliver(content, memory, packet.number)
            return self._pass(id_, packet)
        return self._hold(id_, packet, connection, memory)

    def _packet(self, raw: bytes, content: Decoded, *, repeats: bool, copy_of: int | None) -> GatePacket:
        place = self._flows.place(content)
        self._number += 1
        return GatePacket(
            number=self._number,
            content=content,
            conversation=place.conversation,
            sender=place.sender,
            seq=place.seq,
            ack=place.ack,
            repeats=repeats,
            copy_of=copy_of,
            raw=raw,
        )

    def _pass(self, id_: int, packet: GatePacket) -> Outcome:
        return Outcome((Verdict(id_, True),), (Seen(packet),))

    def _hold(self, id_: int, packet: GatePacket, connection: Connection | None, memory: Memory | None) -> Outcome:
        self._keep(_Waiting(id_, packet, connection, memory), len(self._order))
        return Outcome((), (Held(packet),))

    def _overrun(self, id_: int) -> Outcome:
        self.overruns += 1
        return Outcome((Verdict(id_, False),), (Overran(self.overruns),))

    def _pile(self, id_: int, memory: Memory, raw: bytes, content: Decoded) -> Outcome:
        """Under the held packet: the newest copy is kept, because it may be the one that is delivered one day."""
        assert memory.holder is not None
        waiting = self._held[memory.holder]
        older = () if waiting.copy_id is None else (Verdict(waiting.copy_id, False),)
        waiting.copy_id, waiting.copy = id_, (raw, content)
        memory.copies += 1
        return Outcome(older, (CopyCounted(memory.holder, memory.copies, "held"),))

    # --- orders

    def release(self, number: int) -> Outcome:
        """Deliver a held packet; raises NotHeldError."""
        waiting, _ = self._take(number)
        verdicts = [Verdict(waiting.id, True)]
        if waiting.copy_id is not None:
            verdicts.append(Verdict(waiting.copy_id, False))
        if waiting.connection is not None and isinstance(waiting.packet.content, Segment):
            waiting.connection.deliver(waiting.packet.content, waiting.memory, number)
        return Outcome(tuple(verdicts), (Released(number),))

    def drop(self, number: int) -> Outcome:
        """Throw a held packet away; if a copy lies under it, that is held next. Raises NotHeldError."""
        waiting, at = self._take(number)
        verdicts = (Verdict(waiting.id, False),)
        if waiting.copy_id is None or waiting.copy is None:
            return Outcome(verdicts, (Dropped(number),))
        raw, content = waiting.copy
        packet = self._packet(raw, content, repeats=True, copy_of=number)
        if waiting.memory is not None:
            waiting.memory.sent_as(packet.number)
        self._keep(_Waiting(waiting.copy_id, packet, waiting.connection, waiting.memory), at)
        return Outcome(verdicts, (Dropped(number), Held(packet, was_waiting=True)))

    def release_all(self) -> Outcome:
        """Deliver everything that is held, oldest first."""
        verdicts: list[Verdict] = []
        happenings: list[Happening] = []
        for number in self.held:
            outcome = self.release(number)
            verdicts += outcome.verdicts
            happenings += outcome.happenings
        return Outcome(tuple(verdicts), tuple(happenings))

    def open(self) -> Outcome:
        """Let everything pass that comes, after what is held."""
        if self.is_open:
            return Outcome((), ())
        released = self.release_all()
        self.is_open = True
        return Outcome(released.verdicts, (*released.happenings, Opened()))

    def close(self) -> Outcome:
        """Hold each packet that comes."""
        if not self.is_open:
            return Outcome((), ())
        self.is_open = False
        return Outcome((), (Closed(),))

    def lose_queue(self) -> Outcome:
        """The queue is gone, and the kernel has thrown away what was in it: nothing is held any more."""
        numbers = self.held
        for number in numbers:
            self._take(number)
        return Outcome((), tuple(Dropped(number, by="queue") for number in numbers))

    # --- the memory

    def _keep(self, waiting: _Waiting, at: int) -> None:
        number = waiting.packet.number
        self._held[number] = waiting
        self._order.insert(at, number)
        if waiting.connection is not None:
            waiting.connection.held += 1
        if waiting.memory is not None:
            waiting.memory.holder = number

    def _take(self, number: int) -> tuple[_Waiting, int]:
        """A held packet, no longer held, and its place in the order."""
        waiting = self._held.pop(number, None)
        if waiting is None:
            raise NotHeldError(f"packet {number} is not held")
        at = self._order.index(number)
        del self._order[at]
        if waiting.connection is not None:
            waiting.connection.held -= 1
        if waiting.memory is not None:
            waiting.memory.holder = None
        return waiting, at

    def _connection(self, segment: Segment) -> Connection:
        pair = pair_of("tcp", segment.source, segment.destination)
        connection = self._connections.get(pair)
        if connection is None:
            connection = self._connections[pair] = Connection()
            self._forget()
        else:
            self._connections.move_to_end(pair)
        return connection

    def _forget(self) -> None:
        """Keep the memory bounded: the longest unused connection goes first, but none of which something is held."""
        excess = len(self._connections) - CONNECTIONS
        if excess > 0:
            idle = [pair for pair, connection in self._connections.items() if not connection.held]
            for pair in idle[: min(excess, len(idle) - 1)]:
                del self._connections[pair]


def _swallow(id_: int, counted: CopyCounted) -> Outcome:
    return Outcome((Verdict(id_, False),), (counted,))
