"""Events of the gate of a private net: the real packets, as they were held, seen, delivered and lost."""

from __future__ import annotations

from typing import Literal

from netsim.model.address import Conversation, Role
from netsim.model.event import Event


class PacketObserved(Event, frozen=True):
    """A packet at the gate. `number` counts from 1 over the gate's life, orders name it; `raw`: the whole IP packet.

    `conversation` and `sender` are None for what belongs to none. `seq` and `ack` are relative (the SYN has 0), None
    where they can't be known. `repeats`: it was sent before, as packet `copy_of` (None if that is no longer known).
    """

    number: int
    raw: bytes
    conversation: Conversation | None
    sender: Role | None
    seq: int | None = None
    ack: int | None = None
    repeats: bool = False
    copy_of: int | None = None


class PacketHeld(PacketObserved, frozen=True):
    """It was stopped at the closed gate. `was_waiting`: a copy that lay under a packet that was just dropped."""

    was_waiting: bool = False


class PacketSeen(PacketObserved, frozen=True):
    """It passed the open gate."""


class PacketReleased(Event, frozen=True):
    """A held packet was delivered."""

    number: int


class PacketDropped(Event, frozen=True):
    """A held packet was thrown away: on an order, or by the kernel because the queue was lost."""

    number: int
    by: Literal["order", "queue"] = "order"


class CopyCounted(Event, frozen=True):
    """A copy of packet `number` was taken off the wire unshown; `copies` so far, this one included.

    Of a packet that is `held`: its sender's timer fired. Of a `delivered` one: its answer is held. An `answer`: an
    acknowledgement that such a copy provoked and that repeats packet `number`'s.
    """

    number: int
    copies: int
    reason: Literal["held", "delivered", "answer"]


class GateOpened(Event, frozen=True):
    """From now on packets pass; what was held has been released."""


class GateClosed(Event, frozen=True):
    """From now on each packet is held."""


class GateFailed(Event, frozen=True):
    """The gate's queue is lost: packets pass unseen until it is restarted. `reason` is one sentence."""

    reason: str


class GateRestarted(Event, frozen=True):
    """A new queue is there: packets are held (or seen) again."""


class PacketsMissed(Event, frozen=True):
    """Packets that the gate itself lost so far for want of room: thrown away because too many were held, or unread."""

    unread: int
    too_many: int


class PacketsLeftOut(Event, frozen=True):
    """So many packets have passed the open gate untold so far: there were too many to tell them all, one by one.

    `ours`: how many of them were no strangers'. None is left out for a stranger's: there have to be thousands of ours.
    """

    count: int
    ours: int = 0
