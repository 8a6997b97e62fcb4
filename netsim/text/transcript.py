"""The transcript: each step as lines of plain words, for pipes, screen readers, handouts and bug reports."""

from __future__ import annotations

from netsim.model.events import (
    AnyEvent,
    CallError,
    CallReturned,
    CallSlept,
    CallStarted,
    CommandRefused,
    ExtraLineRan,
    PacketDropped,
    PacketReleased,
    ProcessExited,
    ProgramPrinted,
)
from netsim.model.fold import mark_text
from netsim.model.gate_events import PacketObserved
from netsim.model.packet import Packet
from netsim.model.rows import row_name
from netsim.model.world import Endpoint, Row, World
from netsim.story.callers import side
from netsim.story.calls import plural, speaker
from netsim.story.narrator import narrate
from netsim.text.arrows import packet_label
from netsim.text.charset import UNICODE, visible

LABEL_ROOM = 60  # columns for a packet's label: its payload is cut there


def step_lines(world: World, packets_before: int) -> list[str]:
    """What the last step did, line by line; `packets_before`: how many packets had been told already."""
    new = world.packets[packets_before:]
    came = {event.number for event in world.since if isinstance(event, PacketObserved)}
    # What a timer of the kernel's has sent since the step before comes first: this step may deliver it.
    earlier = [packet for packet in new if packet.evidence in ("held", "seen") and packet.number not in came]
    lines = [packet_line(packet, world) for packet in earlier]
    lines += [line for event in world.since for line in event_lines(world, event)]
    lines += [packet_line(packet, world) for packet in new if packet not in earlier]
    lines += [row_line(slot.row) for slot in world.slots if slot.row and row_name(slot.row.key) in world.changed]
    return [*lines, visible(narrate(world))]


def packet_line(packet: Packet, world: World) -> str:
    """One packet in words: who sent it, what it is, how it is known."""
    caller = side(world, packet.conversation, "client")
    client = "client" if caller.ours else visible(caller.long)
    there = f"{client} to server" if packet.sender == "client" else f"server to {client}"
    how = packet.evidence if packet.fate != "lost" else f"{packet.evidence}, lost"
    return f"packet {packet.number} ({how}): {there}, {packet_label(packet, LABEL_ROOM, UNICODE)}"


def row_line(row: Row) -> str:
    """One row of the port table in words."""
    peer = f" with port {row.key.peer.port}" if row.key.peer else ""
    state = f" {row.state}" if row.state else ""
    if row.pids:
        owner = f"PID {', '.join(map(str, row.pids))} ({visible(row.name)})"
        if row.former_pid is not None:
            owner += f", was PID {row.former_pid}"
    elif row.whose == "kernel":
        owner = "no PID: the kernel's"
    else:
        owner = "PID not known"
    waiting = f", {plural(row.waiting, 'connection')} waiting" if row.waiting else ""
    return f"port {row.key.port}/{row.key.transport}{state}{peer}: {owner}{waiting}"


def event_lines(world: World, event: AnyEvent) -> list[str]:
    """One event of a step in words; most have none. `world`: after it, or after the whole step."""
    match event:
        case CommandRefused(why=why):
            return [f"not done: {why}"]
        case PacketReleased(number=number):
            return [f"packet {number}: delivered"]
        case PacketDropped(number=number):
            return [f"packet {number}: lost"]
        case _:
            pass
    endpoint = world.endpoints.get(getattr(event, "who", ""))
    if endpoint is None:
        return []
    who = speaker(endpoint, world)
    match event:
        case CallReturned():
            in_text = 0 < event.line <= len(endpoint.source)
            source = endpoint.source[event.line - 1].strip() if in_text else f"{event.name}()"
            return [f"{who}: {visible(source)}   {_outcome(event.error, mark_text(event, source))}"]
        case CallSlept():
            name = _name_of_call(world, event, endpoint)  # of a call that is over and began long ago it is not known
            return [f"{who}: asleep in {name}()"] if name else []
        case ExtraLineRan():
            return [f"{who}: >>> {visible(event.source)}   {_outcome(event.error, event.result)}"]
        case ProgramPrinted():
            return [f"{who} printed: {visible(line)}" for line in event.text.splitlines() if line]
        case ProcessExited():
            return [f"{who}: PID {event.pid} has ended"]
        case _:
            return []


def _name_of_call(world: World, slept: CallSlept, endpoint: Endpoint) -> str:
    """The call that it slept in, also where that has come back in the same step; "" if it is not known."""
    for event in reversed(world.since):
        if isinstance(event, CallStarted | CallReturned) and (event.who, event.call) == (slept.who, slept.call):
            return event.name
    return endpoint.call.name if endpoint.call else ""


def _outcome(error: CallError | None, otherwise: str) -> str:
    return visible(f"{error.type}: {error.message}" if error else otherwise)
