"""What of all that happens can be seen: where a person who goes through time stops.

Law: a moment is the world after one visible thing (a call that returned or sleeps, a packet, a kernel state) and all
that came with it unseen, up to the next one. A sample that shows nothing new is no moment, and states that follow at
once from a call or a packet are not another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallSlept,
    CallStarted,
    CommandAccepted,
    CommandRefused,
    CopyCounted,
    EndpointStarted,
    ExtraLineRan,
    GateClosed,
    GateFailed,
    GateOpened,
    GateRestarted,
    LabEnded,
    LabStarted,
    PacketDropped,
    PacketReleased,
    ProcessContinued,
    ProcessExited,
    ProcessPaused,
    ProgramEnded,
)
from netsim.model.fold import fold
from netsim.model.world import World

Kind = Literal["visible", "states", "beginning", "unseen"]
AT_ONCE = 0.05  # seconds: so long after a call or a packet the lab looks for what it has changed

_ALWAYS = (
    LabStarted, LabEnded, CommandRefused, CallReturned, CallSlept, ExtraLineRan, ProcessPaused, ProcessContinued,
    ProcessExited, PacketReleased, PacketDropped, CopyCounted, GateOpened, GateClosed, GateFailed, GateRestarted,
)  # fmt: skip


def kind_of(before: World, event: AnyEvent, after: World) -> Kind:
    """How an event looks on the screen: it is seen (`states`: only the kernel's states are new), or it begins
    something that will be seen later, or it is not seen.

    The opening's programs are there when one begins to look: they are no moments of their own.
    """
    match event:
        case CommandAccepted() | CallStarted():
            return "beginning" if after.step else "unseen"
        case EndpointStarted():
            return "visible" if after.step else "unseen"
        case ProgramEnded():
            return "visible" if event.error is not None else "unseen"
        case _:
            pass
    if isinstance(event, _ALWAYS) or after.packet_count != before.packet_count:
        return "visible"
    if after.kernel is not before.kernel and _states(after) != _states(before):
        return "states"
    return "unseen"


class Moments:
    """The moments so far, found while the events come: each a number of events, the world after which it is."""

    def __init__(self) -> None:
        self.ends: list[int] = []  # where the moments end that are over, oldest first
        self._seen = False  # whether the one that is not over yet has something to see
        self._at = 0.0  # when that was

    def take(self, count: int, kind: Kind, at: float) -> None:
        """One event more; `count` came before it."""
        if kind == "states":
            kind = "unseen" if self._seen and at <= self._at + AT_ONCE else "visible"
        if kind != "unseen" and self._seen:
            self.ends.append(count)
            self._seen = False
        if kind == "visible":
            self._seen, self._at = True, at

    def forget(self, count: int) -> None:
        """The worlds after fewer than `count` events can't be shown any more."""
        self.ends = [end for end in self.ends if end >= count]


def moments(events: Iterable[AnyEvent]) -> list[int]:
    """After how many of these events there is a moment; the last is the present, however much of it is to come."""
    found, world, count = Moments(), World(), 0
    for event in events:
        after = fold(world, event)
        found.take(count, kind_of(world, event, after), event.at)
        world, count = after, count + 1
    return [*found.ends, count]


def _states(world: World) -> frozenset[object]:
    return frozenset((each.transport, each.state, each.local, each.remote) for each in world.kernel)
