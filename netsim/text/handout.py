"""A recording as text: system calls and packets in one list, each with its time, for handouts, bug reports and screen
readers.

Law: one line each, in the order in which it happened, and whatever came from outside is spelled out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netsim.model.events import (
    AnyEvent,
    CommandAccepted,
    EndpointStarted,
    GateClosed,
    GateFailed,
    GateOpened,
    GateRestarted,
    LabEnded,
    LabStarted,
)
from netsim.model.fold import fold
from netsim.model.rows import row_name
from netsim.model.world import World
from netsim.story.calls import speaker
from netsim.story.narrator import narrate
from netsim.text.charset import CUT, Charset
from netsim.text.transcript import event_lines, packet_line, row_line

TIME = 9  # columns of "  2.728 s"


def handout(events: Iterable[AnyEvent], charset: Charset) -> Iterator[str]:
    """The lines, as they come."""
    world, told = World(), 0  # packets told
    for event in events:
        begins = isinstance(event, CommandAccepted | LabStarted)
        if begins and world.since and world.lab is not None:
            yield from _told(_step_end(world), charset, None)
        before, world = world, fold(world, event)
        if isinstance(event, LabStarted):
            told = 0
            yield charset.visible(_head(event))
            continue
        if isinstance(event, CommandAccepted) and world.step != before.step:
            yield f"[{world.step}]"
        yield from _told(_lines(world, event), charset, event.at)
        yield from _told([packet_line(packet, world) for packet in world.packets_after(told)], charset, event.at)
        told = world.packet_count
    if world.lab is not None:
        yield from _told(_step_end(world), charset, None)


def _lines(world: World, event: AnyEvent) -> list[str]:
    match event:
        case EndpointStarted(who=who):
            return [f"{speaker(world.endpoints[who], world)}: PID {event.pid} runs {event.program}"]
        case GateOpened():
            return ["the gate is open: packets pass"]
        case GateClosed() | GateRestarted():
            return ["the gate is closed: packets are held"]
        case GateFailed(reason=reason):
            return [f"the gate has failed: {reason}"]
        case LabEnded(reason=reason):
            return [f"the lab has ended: {reason}"]
        case _:
            return event_lines(world, event)


def _step_end(world: World) -> list[str]:
    """What is so after a step: rows of the port table that it changed, and why."""
    rows = [row_line(slot.row) for slot in world.slots if slot.row and row_name(slot.row.key) in world.changed]
    return [*rows, f"why: {narrate(world)}"] if world.step else rows


def _head(event: LabStarted) -> str:
    how = "packets were held at a gate" if event.gate else "packets were inferred from the kernel's counters"
    return f"{event.net} net, port {event.port}, {event.system}, Python {event.python}; {how}"


def _told(lines: Iterable[str], charset: Charset, at: float | None) -> Iterator[str]:
    time = f"{at:{TIME - 2}.3f} s" if at is not None else " " * TIME
    for line in lines:
        yield f"{time}  {charset.visible(line.replace('…', CUT))}"
