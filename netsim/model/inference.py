"""Inference: what packets must have crossed, from what the kernel counts and the calls returned; none without a reason."""

from __future__ import annotations

from msgspec import Struct

from netsim.model.events import AnyEvent
from netsim.model.packet import Packet


class Ledger(Struct, frozen=True):
    """What has been explained so far: per conversation the counters and states that packets already account for."""


def infer(ledger: Ledger, event: AnyEvent) -> tuple[Ledger, tuple[Packet, ...]]:
    """The packets that `event` shows to have crossed, each with its `because`, and the ledger that knows of them."""
    return ledger, ()
