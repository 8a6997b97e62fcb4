"""What is said where the past or a recording is shown: what came next, and why no key acts there.

Law: it tells what was observed. It never says what a press would do: in the past a press only shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallSlept,
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
from netsim.model.packet import Packet
from netsim.model.visible import kind_of
from netsim.model.world import World
from netsim.story.calls import speaker, the
from netsim.story.packets import packet_name

NO_ACTING = "This is the past: it can be looked at, not changed. end goes back to now."
NO_ACTING_RECORDED = "A recording can't be changed: space goes forward, , goes back, q quits."


def what_comes(before: World, events: Iterable[AnyEvent]) -> str:
    """In a few words, what was seen next: of the events between two moments the one that can be seen.

    `before`: the world at the first of them. "" where nothing of it can be seen.
    """
    world = before
    for event in events:
        following = fold(world, event)
        if kind_of(world, event, following) in ("visible", "states"):
            return _said(world, event, following)
        world = following
    return ""


def _said(before: World, event: AnyEvent, world: World) -> str:
    match event:
        case CallReturned():
            return f"{event.name}() of {the(_who(world, event.who))} {'fails' if event.error else 'returns'}"
        case CallSlept():
            endpoint = world.endpoints.get(event.who)
            call = f"{endpoint.call.name}()" if endpoint and endpoint.call else "a call"
            return f"{the(_who(world, event.who))} sleeps in {call}"
        case ExtraLineRan():
            return f"one line more is run in {the(_who(world, event.who))}"
        case EndpointStarted():
            return f"a new process, PID {event.pid}: {the(_who(world, event.who))}"
        case ProcessPaused():
            return f"{event.signal} stops {the(_who(world, event.who))}"
        case ProcessContinued():
            return f"SIGCONT lets {the(_who(world, event.who))} go on"
        case ProgramEnded() | ProcessExited():
            return f"{the(_who(world, event.who))} ends"
        case PacketReleased(number=number):
            return f"{_packet(world, number)} is delivered"
        case PacketDropped(number=number):
            return f"{_packet(world, number)} is lost"
        case CopyCounted(number=number):
            return f"{_packet(world, number)} is sent again"
        case GateOpened():
            return "the gate is opened"
        case GateClosed() | GateRestarted():
            return "the gate is closed"
        case GateFailed():
            return "the gate fails"
        case CommandRefused():
            return "the lab refuses to do it"
        case LabStarted():
            return "a fresh lab"
        case LabEnded():
            return "the lab ends"
        case _:
            pass
    fresh = world.packets_after(before.packet_count)
    if fresh:
        there = " comes to the gate" if world.gate == "closed" else ""
        return f"{_named(fresh[0])} from the {fresh[0].sender}{there}"
    return "the kernel's states change"


def _who(world: World, who: str) -> str:
    endpoint = world.endpoints.get(who)
    return speaker(endpoint, world) if endpoint else who


def _packet(world: World, number: int) -> str:
    packet = next((each for each in world.packets if each.number == number), None)
    return _named(packet) if packet else f"packet {number}"


def _named(packet: Packet) -> str:
    name = packet_name(packet)
    if packet.length and packet.transport == "tcp" and name not in ("SYN", "SYN-ACK", "FIN", "RST"):
        return f"the segment with {name}"
    return f"the {name}"
