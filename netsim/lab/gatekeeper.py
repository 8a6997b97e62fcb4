"""The gate in the host's loop: its packets become events, its orders are carried out or refused, its failure is told.

Law: what is told of the gate has happened, in that order, and the kernel's sockets are looked at right after. So an
order gives CommandAccepted, PacketReleased, SocketsObserved, then the packet that answers, then what programs report.
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypedDict, assert_never

from netsim.lab import linux
from netsim.model.address import Conversation, Role
from netsim.model.commands import CloseGate, DropPacket, OpenGate, ReleasePacket, RestartGate
from netsim.model.events import (
    CopyCounted,
    GateClosed,
    GateFailed,
    GateOpened,
    GateRestarted,
    PacketDropped,
    PacketHeld,
    PacketReleased,
    PacketSeen,
    PacketsLeftOut,
    PacketsMissed,
)

if TYPE_CHECKING:
    from netsim.lab.gate import Gate, Order
    from netsim.lab.host import Host
    from netsim.model.happenings import GatePacket, Happening

GateOrder = ReleasePacket | DropPacket | OpenGate | CloseGate | RestartGate
TIMER_SET = 0.005  # seconds after a copy was sent: by then its sender's timer has been set anew, and that is all
COUNTED = 1.0  # seconds between two tellings of how many packets of a flood were left out
SETTLED = 0.02  # seconds after packets have passed the open gate: then the sockets are looked at


class Refused(Exception):
    """Why a command is not carried out, in one sentence."""


class _Fields(TypedDict):
    number: int
    raw: bytes
    conversation: Conversation | None
    sender: Role | None
    seq: int | None
    ack: int | None
    repeats: bool
    copy_of: int | None


class GateKeeper:
    """Keeps the gate of a private net, if there is one. `way`: how packets are held; `because`: why they can't be."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._gate: Gate | None = None
        self._failed = False
        self._newest = 0  # number of a packet
        self._missed = (0, 0)
        self._left_out = (0, 0)
        self._counted = 0  # packets that had come when that was looked at last
        self._counting = False  # a telling of what was left out or lost is due
        self._told_at = -COUNTED
        self._looking = False  # a look after passing packets is due
        self.way: Literal["", "nft", "xt"] = ""
        self.because = ""

    def install(self) -> None:
        """Build the gate, closed. Without one the net goes on, and `because` says why."""
        from netsim.lab.crowd import Crowd
        from netsim.lab.gate import Gate  # only in a private net: 20 ms
        from netsim.lab.nftables import GateError

        crowd = Crowd(self._host.strangers.sent_by_us, self._host.timers.clock)
        self._host.strangers.waiting = crowd.waiting
        try:
            self._gate = Gate.install(crowd=crowd)
        except GateError as error:
            self.because = error.brief
            return
        self.way = "nft" if self._gate.installed.way == "nft queue" else "xt"
        for family, number in self._gate.installed.missing:
            self.because = f"not for {family}: {errno.errorcode.get(number, number)}"
        self._host.watch(self._gate, self.take, turn=0)

    def take(self) -> None:
        """Tell what has come to the gate until now."""
        if self._gate is None or self._failed:
            return
        try:
            happenings = self._gate.read()
        except OSError as error:
            self._fail(error)
            return
        self._count()
        if happenings:
            self._tell(happenings)
            if self._gate.is_open:
                self._look_soon()
            elif _are_copies(happenings):
                self._host.timers.after(TIMER_SET, self._host.sampler.look)
            else:
                self._look()

    def ready_for(self, order: GateOrder) -> Callable[[], None]:
        """What carries the order out, or Refused; what has come before it is told first."""
        self.take()
        gate = self._gate
        if gate is None:
            raise Refused("This net has no gate: packets can't be held here.")
        if isinstance(order, RestartGate):
            if not self._failed:
                raise Refused("The gate works: there is nothing to restart.")
            return functools.partial(self._restart, gate)
        if self._failed:
            raise Refused("The gate has failed and packets pass: restart it first.")
        match order:
            case ReleasePacket(number=number) | DropPacket(number=number):
                if number > self._newest or number < 1:
                    raise Refused(f"There is no packet {number}.")
                if number not in gate.held:
                    raise Refused(f"Packet {number} is not held any more.")
            case OpenGate():
                if gate.is_open:
                    raise Refused("The gate is open already: packets pass.")
            case CloseGate():
                if not gate.is_open:
                    raise Refused("The gate is closed already: each packet is held.")
            case _:
                assert_never(order)
        return functools.partial(self._obey, gate, order)

    def _obey(self, gate: Gate, order: ReleasePacket | DropPacket | OpenGate | CloseGate) -> None:
        try:
            happenings = gate.obey(_order(order))
        except OSError as error:
            self._fail(error)
            return
        self._tell(happenings)
        self._look()
        self._host.family.poll()  # an ICMP error makes a socket readable, and no list of the kernel's shows it
        self.take()  # the answer

    def _restart(self, gate: Gate) -> None:
        from netsim.lab.nftables import GateError

        try:
            happenings = gate.restart()
        except GateError as error:
            self._host.emit(GateFailed(at=self._host.now(), reason=_reason(error.brief)))
            return
        self._failed = False
        self._tell(happenings)
        self._host.emit(GateRestarted(at=self._host.now()))
        if gate.is_open:
            self._host.emit(GateOpened(at=self._host.now()))
        self._host.watch(gate, self.take, turn=0)
        self._look()

    def _fail(self, error: OSError) -> None:
        """The queue can't be read: close it, so that packets pass, and tell."""
        gate = self._gate
        if gate is not None:
            self._failed = True
            self._host.forget(gate)
            self._tell(gate.give_up())
            self._host.emit(GateFailed(at=self._host.now(), reason=_reason(linux.error_name(error))))
            self._look()

    # --- telling

    def _tell(self, happenings: list[Happening]) -> None:
        for each in happenings:
            self._tell_one(each)

    def _tell_one(self, happening: Happening) -> None:
        from netsim.model import happenings

        host, at = self._host, self._host.now()
        match happening:
            case happenings.Held(packet=packet, was_waiting=was_waiting):
                self._newest = packet.number
                host.emit(PacketHeld(at=at, was_waiting=was_waiting, **_fields(packet)))
            case happenings.Seen(packet=packet):
                self._newest = packet.number
                host.emit(PacketSeen(at=at, **_fields(packet)))
            case happenings.Released(number=number):
                host.emit(PacketReleased(at=at, number=number))
            case happenings.Dropped(number=number, by=by):
                host.emit(PacketDropped(at=at, number=number, by=by))
            case happenings.CopyCounted(number=number, copies=copies, reason=reason):
                host.emit(CopyCounted(at=at, number=number, copies=copies, reason=reason))
            case happenings.Opened():
                host.emit(GateOpened(at=at))
            case happenings.Closed():
                host.emit(GateClosed(at=at))
            case happenings.Overran():
                pass  # counted among the losses
            case _:
                assert_never(happening)

    def _count(self) -> None:
        """Tell what was left out, and what was lost for want of room: at once, and in a flood once a second.

        Where no packet has come since, nothing is new, and the kernel is not asked: that takes longer than all the rest
        of `take`, which every line that a program reports calls.
        """
        gate = self._gate
        if gate is None or self._failed or self._counting or gate.taken == self._counted:
            return
        unread, too_many = gate.losses()
        missed, left_out = (unread, too_many or 0), gate.left_out
        now = self._host.now()
        if (missed, left_out) != (self._missed, self._left_out) and now < self._told_at + COUNTED:
            self._counting = True
            self._host.timers.after(self._told_at + COUNTED - now, self._count_late)
            return
        self._counted = gate.taken
        if missed != self._missed:
            self._missed, self._told_at = missed, now
            self._host.emit(PacketsMissed(at=now, unread=unread, too_many=too_many or 0))
        if left_out != self._left_out:
            self._left_out, self._told_at = left_out, now
            count, ours = left_out
            self._host.emit(PacketsLeftOut(at=now, count=count, ours=ours))

    def _count_late(self) -> None:
        self._counting = False
        self._count()

    # --- looking at the kernel's sockets

    def _look(self) -> None:
        self._count()
        self._host.sampler.look()
        self._host.sampler.stir()

    def _look_soon(self) -> None:
        """Not for each of a thousand packets that pass."""
        if not self._looking:
            self._looking = True
            self._host.timers.after(SETTLED, self._look_now)

    def _look_now(self) -> None:
        rest = self._host.sampler.rest
        if rest > SETTLED:  # ten thousand sockets: not all of the time may go into looking at them
            self._host.timers.after(rest, self._look_now)
            return
        self._looking = False
        self._look()
        self._host.family.poll()


def _are_copies(happened: list[Happening]) -> bool:
    from netsim.model.happenings import CopyCounted

    return all(isinstance(each, CopyCounted) for each in happened)


def _order(order: ReleasePacket | DropPacket | OpenGate | CloseGate) -> Order:
    from netsim.lab import gate

    match order:
        case ReleasePacket(number=number):
            return gate.Release(number)
        case DropPacket(number=number):
            return gate.Drop(number)
        case OpenGate():
            return gate.Open()
        case CloseGate():
            return gate.Close()


def _fields(packet: GatePacket) -> _Fields:
    """What the events tell of a packet: all but its decoded content, which is in its bytes."""
    return {
        "number": packet.number,
        "raw": packet.raw,
        "conversation": packet.conversation,
        "sender": packet.sender,
        "seq": packet.seq,
        "ack": packet.ack,
        "repeats": packet.repeats,
        "copy_of": packet.copy_of,
    }


def _reason(why: str) -> str:
    return f"The gate's queue can't be read any more ({why}): packets pass unseen until the gate is restarted."
