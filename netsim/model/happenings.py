"""What came of a packet at the gate, and of an order to the gate: small values, in the past tense, without a clock."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from netsim.model.address import Conversation, Role
from netsim.model.wire import Decoded


class GatePacket(Struct, frozen=True, kw_only=True):
    """A packet that the gate has shown. `number` counts from 1 over the gate's life: orders name a packet by it.

    `repeats`: it was sent before, as packet `copy_of` (None if that is no longer known). `seq` and `ack` are relative,
    None where they can't be known.
    """

    number: int
    content: Decoded
    conversation: Conversation | None
    sender: Role | None
    seq: int | None
    ack: int | None
    repeats: bool
    copy_of: int | None
    raw: bytes  # the whole IP packet, as it was handed over


class Held(Struct, frozen=True, tag=True):
    """A packet stopped at the closed gate. `was_waiting`: a copy that lay under a packet that was just dropped."""

    packet: GatePacket
    was_waiting: bool = False


class Seen(Struct, frozen=True, tag=True):
    """A packet passed the open gate."""

    packet: GatePacket


class Released(Struct, frozen=True, tag=True):
    """A held packet was delivered; its copies were thrown away."""

    number: int


class Dropped(Struct, frozen=True, tag=True):
    """A held packet was thrown away, on order, or by the kernel because the queue was closed."""

    number: int
    by: Literal["order", "queue"] = "order"


class CopyCounted(Struct, frozen=True, tag=True):
    """The gate took a copy off the wire without showing it; `copies` of packet `number` so far, this one included.

    Of a packet that is `held`: its sender's timer fired, the copy lies under it (the newest; older ones are thrown
    away). Of a `delivered` packet: its answer is held. `answer`: an acknowledgement that repeats packet `number`'s.
    """

    number: int
    copies: int
    reason: Literal["held", "delivered", "answer"]


class Overran(Struct, frozen=True, tag=True):
    """The closed gate holds as many packets as it can: one more was thrown away, `packets` so far."""

    packets: int


class Opened(Struct, frozen=True, tag=True):
    """From now on packets pass; what was held has been released."""


class Closed(Struct, frozen=True, tag=True):
    """From now on each packet is held."""


Happening = Held | Seen | Released | Dropped | CopyCounted | Overran | Opened | Closed
