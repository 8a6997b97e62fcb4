"""The gate: the kernel's queue, judged by the gate's rules. What it reports has happened: verdicts go out first.

One owner, one thread: whoever polls `fileno()`, calls `read()` when it is readable, and gives the orders.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from msgspec import Struct

from netsim.lab import nftables
from netsim.lab.crowd import Crowd
from netsim.lab.nftables import Installed
from netsim.lab.packetqueue import LENGTH, Losses, PacketQueue
from netsim.model.gate_rules import GateRules, Outcome
from netsim.model.happenings import Dropped, Happening, Held, Released, Seen


class Release(Struct, frozen=True, tag=True):
    """Deliver a held packet."""

    number: int


class Drop(Struct, frozen=True, tag=True):
    """Throw a held packet away."""

    number: int


class ReleaseAll(Struct, frozen=True, tag=True):
    """Deliver all that is held, oldest first; the gate stays closed."""


class Open(Struct, frozen=True, tag=True):
    """Deliver all that is held and let everything pass from now on."""


class Close(Struct, frozen=True, tag=True):
    """Hold each packet from now on."""


Order = Release | Drop | ReleaseAll | Open | Close


class Gate:
    """A gate in this network namespace. `installed` says which way the kernel was asked; `taken`: packets so far.

    `crowd` says which packets of strangers are told one by one; without one all are.
    """

    def __init__(self, installed: Installed, queue: PacketQueue, rules: GateRules, crowd: Crowd | None = None) -> None:
        self.installed = installed
        self.taken = 0
        self._crowd = crowd
        self._queue = queue
        self._rules = rules
        self._lost_before = Losses(0, 0)
        self._untold: list[Happening] = []

    @classmethod
    def install(cls, *, queue: int = 0, is_open: bool = False, crowd: Crowd | None = None) -> Gate:
        """Build a gate, closed unless said otherwise. Raises GateError; then packets pass as before."""
        reader = PacketQueue(queue)  # first: between rule and reader packets would pass unseen
        try:
            installed = nftables.install(queue)
        except BaseException:
            reader.close()
            raise
        return cls(installed, reader, GateRules(is_open=is_open), crowd)

    def fileno(self) -> int:
        """For select() and poll()."""
        return self._queue.fileno()

    @property
    def is_open(self) -> bool:
        """Whether packets pass."""
        return self._rules.is_open

    @property
    def held(self) -> tuple[int, ...]:
        """The numbers of the held packets, in the order in which they would be released."""
        return self._rules.held

    def read(self, most: int = 256) -> list[Happening]:
        """Take in the packets that have come, at most so many, without waiting. Raises OSError if the queue is lost.

        What had happened until then is told by the next call, of `restart` too.
        """
        self._take(most)
        return self._tell()

    def obey(self, order: Order) -> list[Happening]:
        """Carry out an order, after what has come before it. Raises NotHeldError, or OSError as `read` does.

        What has come first: else a copy that was sent while its original was held would be judged as if it had been
        sent later. What the order provokes (the answer to a segment) is for the next `read`.
        """
        told: list[Happening] = []
        for _ in range(LENGTH // 256):  # bounded: packets may come faster than they are read
            came = self._take(256)
            told += self._tell()
            if not came:
                break
        self._untold = told  # the order may raise
        match order:
            case Release():
                self._carry_out(self._rules.release(order.number))
            case Drop():
                self._carry_out(self._rules.drop(order.number))
            case ReleaseAll():
                self._release_all()
            case Open():
                self._release_all()
                self._carry_out(self._rules.open())
            case Close():
                self._carry_out(self._rules.close())
        return self._tell()

    def losses(self) -> Losses:
        """What the queue itself has lost since the gate was built, for want of room; ought to be zeros."""
        lost = self._lost()
        dropped = self._crowd.dropped if self._crowd is not None else 0
        return Losses(lost.unread, (lost.too_many or 0) + self._rules.overruns + dropped)

    @property
    def left_out(self) -> tuple[int, int]:
        """How many packets have passed the open gate untold, and how many of them were ours."""
        return (self._crowd.passed, self._crowd.ours_passed) if self._crowd is not None else (0, 0)

    def restart(self) -> list[Happening]:
        """A new queue in place of one that failed. What it held, the kernel has dropped. Raises GateError.

        After a GateError nothing is held and packets pass; it can be tried again.
        """
        with contextlib.suppress(OSError):  # it may be closed already
            self._lost_before = self._lost()
        self._queue.close()
        self._carry_out(self._rules.lose_queue())
        self._queue = PacketQueue(self._queue.number)
        return self._tell()

    def give_up(self) -> list[Happening]:
        """Stop after an OSError: the kernel drops what is held, and packets pass until `restart`."""
        with contextlib.suppress(OSError):
            self._lost_before = self._lost()
        self._queue.close()
        self._carry_out(self._rules.lose_queue())
        return self._tell()

    def close(self) -> None:
        """Stop: the kernel drops what is held, and packets pass from now on."""
        self._queue.close()

    def _take(self, most: int) -> int:
        """Judge the packets that have come; how many."""
        packets = self._queue.read(most)
        self.taken += len(packets)
        for packet in packets:
            if self._crowd is None or self._crowd.lets(packet.payload, is_open=self._rules.is_open):
                self._carry_out(self._rules.arrive(packet.id, packet.payload))
            elif self._rules.is_open:
                self._queue.accept(packet.id)
            else:
                self._queue.drop(packet.id)
        return len(packets)

    def _release_all(self) -> None:
        for number in self._rules.held:
            self._carry_out(self._rules.release(number))

    def _lost(self) -> Losses:
        now, before = self._queue.dropped(), self._lost_before
        return Losses(before.unread + now.unread, (before.too_many or 0) + (now.too_many or 0))

    def _carry_out(self, outcome: Outcome) -> None:
        """Send the verdicts about one packet and note what happened. If the first can't be sent it did not happen."""
        sent = 0
        try:
            for verdict in outcome.verdicts:
                if verdict.accept:
                    self._queue.accept(verdict.id)
                else:
                    self._queue.drop(verdict.id)
                sent += 1
        finally:
            failed = outcome.verdicts and not sent
            happenings = _thwarted(outcome.happenings) if failed else outcome.happenings
            self._untold += happenings
            if self._crowd is not None:
                _count(self._crowd, happenings)

    def _tell(self) -> list[Happening]:
        told, self._untold = self._untold, []
        return told


def _count(crowd: Crowd, happenings: Iterable[Happening]) -> None:
    """Tell the crowd what is held and what no more."""
    for each in happenings:
        if isinstance(each, Held):
            crowd.held(each.packet.number, each.packet.raw)
        elif isinstance(each, Released | Dropped):
            crowd.gone(each.number)


def _thwarted(happenings: tuple[Happening, ...]) -> list[Happening]:
    """What came of it when the queue was lost before the verdict: the kernel drops the packet."""
    told: list[Happening] = []
    for each in happenings:
        if isinstance(each, Released):
            told.append(Dropped(each.number, by="queue"))
        elif not isinstance(each, Seen):
            told.append(each)
    return told
