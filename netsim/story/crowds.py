"""What is said of a flood: how many packets and sockets are not shown one by one, and what the gate had to drop.

Law: what is not shown is counted, and said wherever what is shown could be taken for all there is.
"""

from __future__ import annotations

from netsim.model.events import (
    CallReturned,
    CallSlept,
    CommandRefused,
    GateClosed,
    GateOpened,
    PacketDropped,
    PacketReleased,
    PacketsLeftOut,
    PacketsMissed,
    ProcessExited,
    ProgramEnded,
)
from netsim.model.world import World

_OTHER_NEWS = (
    CallReturned, CallSlept, CommandRefused, GateClosed, GateOpened, PacketDropped, PacketReleased, ProcessExited,
    ProgramEnded,
)  # fmt: skip


def narrate_flood(world: World) -> str | None:
    """The sentence for what has come after all else that there is to tell of this step; None if nothing has."""
    for event in reversed(world.since):
        if isinstance(event, PacketsLeftOut | PacketsMissed) and world.gate == "open":
            return _both(world) if world.missed else passed(world.packets_left_out, world.ours_left_out)
        if isinstance(event, PacketsMissed):
            return dropped(event)
        if isinstance(event, _OTHER_NEWS):
            return None
    return None


def _both(world: World) -> str:
    shown = f"{_packets(world.packets_left_out)} not shown, " if world.packets_left_out else ""
    return f"A flood: {shown}{world.missed:,} lost: too many to be read."


def passed(count: int, ours: int) -> str:
    """How many packets nobody has seen passing, and how many of them were ours."""
    whose = "" if ours else " All of ours are shown."
    return f"A flood: {_packets(count)} passed and {_are(count)} not shown.{whose}"


def dropped(event: PacketsMissed) -> str:
    """How many packets there was no room for."""
    if not event.too_many:
        return f"A flood: {_packets(event.unread)} came too fast to be read, and {_are(event.unread)} lost."
    return f"A flood: the gate is full and has dropped {_packets(event.unread + event.too_many)}. o lets all pass."


def in_title(world: World) -> list[str]:
    """What is not shown, the longest way of saying it first; empty if all is shown."""
    passed, lost = world.packets_left_out, world.missed
    if passed and lost:
        return [f"{passed:,} packets not shown, {lost:,} lost", f"{passed + lost:,} not shown"]
    if passed:
        return [f"{_packets(passed)} not shown", f"{passed:,} not shown"]
    if lost:
        return [f"{_packets(lost)} dropped", f"{lost:,} dropped"]
    return []


def sockets_left_out(world: World) -> str:
    """Behind a list of sockets: how many more there are; "" if it has all."""
    count = world.sockets_left_out
    return f"{count:,} more socket{'' if count == 1 else 's'} of other programs: not shown" if count else ""


def _packets(count: int) -> str:
    return f"{count:,} packet{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
