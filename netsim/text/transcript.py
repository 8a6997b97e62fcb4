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
    PacketsLeftOut,
    PacketsMissed,
    ProcessContinued,
    ProcessExited,
    ProcessPaused,
    ProgramPrinted,
    SocketsObserved,
)
from netsim.model.fold import mark_text
from netsim.model.gate_events import PacketObserved
from netsim.model.packet import Packet
from netsim.model.rows import row_name
from netsim.model.strangers import is_strangers
from netsim.model.threads import call_of
from netsim.model.views import CROWD
from netsim.model.world import Endpoint, Row, World
from netsim.story import crowds
from netsim.story.callers import side
from netsim.story.calls import plural, speaker
from netsim.story.narrator import narrate
from netsim.text.arrows import packet_label
from netsim.text.charset import UNICODE, visible

LABEL_ROOM = 60  # columns for a packet's label: its payload is cut there


def step_lines(world: World, packets_before: int) -> list[str]:
    """What the last step did, line by line; `packets_before`: how many packets had been told already."""
    new, unsaid = _first_of_a_crowd(world, world.packets_after(packets_before))
    came = {event.number for event in world.since if isinstance(event, PacketObserved)}
    # What a timer of the kernel's has sent since the step before comes first: this step may deliver it.
    earlier = [packet for packet in new if packet.evidence in ("held", "seen") and packet.number not in came]
    lines = [packet_line(packet, world) for packet in earlier]
    last = {type(event): event for event in world.since}
    lines += [
        line
        for event in world.since
        if not isinstance(event, PacketsLeftOut | PacketsMissed) or last[type(event)] is event  # it counts on
        for line in event_lines(world, event)
    ]
    lines += [packet_line(packet, world) for packet in new if packet not in earlier]
    lines += [f"and {plural(unsaid, 'more packet')} of other programs"] if unsaid else []
    ours = {pid for each in world.endpoints.values() for pid in (each.pid, *each.former_pids)}
    changed = [slot.row for slot in world.slots if slot.row and row_name(slot.row.key) in world.changed]
    strange = [row for row in changed if row.former_pid not in ours and ours.isdisjoint(row.pids)]
    lines += [row_line(row) for row in changed if row not in strange[CROWD:]]
    more = len(strange[CROWD:])
    lines += [f"and {plural(more, 'more row')} of other programs"] if more else []
    if any(isinstance(event, SocketsObserved) and event.left_out for event in world.since) and world.sockets_left_out:
        lines.append(crowds.sockets_left_out(world))
    return [*lines, visible(narrate(world))]


def _first_of_a_crowd(world: World, packets: tuple[Packet, ...]) -> tuple[list[Packet], int]:
    """All of ours and the first of strangers', and how many are not among them: nobody reads sixty lines of those."""
    if len(packets) <= CROWD:
        return list(packets), 0
    found: list[Packet] = []
    strange = 0
    for packet in packets:
        theirs = is_strangers(world, packet.conversation)
        strange += theirs
        if not theirs or strange <= CROWD:
            found.append(packet)
    return found, max(0, strange - CROWD)


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
        case PacketsLeftOut(count=count, ours=ours):
            return [crowds.passed(count, ours)]
        case PacketsMissed():
            return [crowds.dropped(event)]
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
            who += f", thread {event.thread}" if event.thread else ""
            source = endpoint.text(event.line).strip() or f"{event.name}()"
            return [f"{who}: {visible(source)}   {_outcome(event.error, mark_text(event, source))}"]
        case CallSlept():
            thread = call_of(endpoint.threads, event.call)
            who += f", thread {thread.thread}" if thread is not None else ""
            name = _name_of_call(world, event, endpoint)  # of a call that is over and began long ago it is not known
            return [f"{who}: asleep in {name}()"] if name else []
        case ExtraLineRan():
            return [f"{who}: >>> {visible(event.source)}   {_outcome(event.error, event.result)}"]
        case ProgramPrinted():
            return [f"{who} printed: {visible(line)}" for line in event.text.splitlines() if line]
        case ProcessPaused():
            return [f"{who}: stopped by {event.signal}"]
        case ProcessContinued():
            return [f"{who}: goes on (SIGCONT)"]
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
