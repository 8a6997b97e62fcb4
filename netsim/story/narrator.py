"""The narrator: one true sentence about what just happened and why, of at most 77 columns.

It says only what was observed: what a call returned, what the kernel's states and queues are now.
"""

from __future__ import annotations

from collections.abc import Iterable

from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallSlept,
    CallStarted,
    CommandRefused,
    EndpointStarted,
    ExtraLineRan,
    OwnersObserved,
    PacketHeld,
    PacketSeen,
    ProcessContinued,
    ProcessExited,
    ProcessPaused,
    ProcessSlept,
    ProcessSpun,
    ProgramEnded,
    ProgramPrinted,
    ReadinessChanged,
    SocketsObserved,
)
from netsim.model.threads import call_of
from netsim.model.views import listener
from netsim.model.world import Endpoint, World
from netsim.story.callers import WIDTH, fitting
from netsim.story.calls import opening, speaker, the
from netsim.story.crowds import narrate_flood
from netsim.story.errors import ending, explain
from netsim.story.gate_narrator import narrate_gate
from netsim.story.own import came_to, paused, spins, waits, welcome
from netsim.story.packets import packet_name
from netsim.story.returned import is_private, returned

ASKING = frozenset(("getsockname", "getpeername", "getsockopt", "setsockopt", "settimeout", "setblocking", "detach"))
ALL_PRINTED = "O shows it."  # after a message that is cut: the key for all that was printed
SIGKILL = 9  # signal(7); the number, because this room asks no system


def narrate(world: World) -> str:
    """What the why line says about the world now; never longer than WIDTH."""
    sentence = _sentence(world)
    return sentence if len(sentence) <= WIDTH else sentence[: WIDTH - 2].rstrip() + " …"


def _sentence(world: World) -> str:
    if world.ended is not None:
        return ending(world.ended.reason)
    signalled = _signalled(world.since)
    if world.gate != "none" and signalled is None:
        told = narrate_flood(world) or narrate_gate(world)
        if told is not None:
            return told
    event = signalled or _telling(world)
    if event is None:
        return welcome(world) or _started(world) or came_to(world) or _opening(world)
    if isinstance(event, CommandRefused):
        return event.why
    endpoint = world.endpoints.get(event.who)
    if endpoint is None:
        return _opening(world)
    match event:
        case CallReturned():
            return _at_its_line(returned(event, endpoint, world), event, endpoint)
        case CallSlept():
            return _slept(event, endpoint, world)
        case ProcessSlept():
            return waits(endpoint, speaker(endpoint, world))
        case ProcessSpun():
            return spins(speaker(endpoint, world))
        case ProcessPaused():
            return paused(endpoint, speaker(endpoint, world))
        case ProcessContinued():
            return f"SIGCONT: {the(speaker(endpoint, world))} goes on from where it was."
        case ExtraLineRan():
            failed = _call_that_failed(event, world)
            if failed is not None:
                return returned(failed, endpoint, world)
            if event.error is not None:
                return explain(event.error, "", _port(world), private=is_private(world))
            return f"One line more than the program has was run in it: {event.source}"
        case ProgramEnded():
            return _program_ended(event, endpoint, world)
        case ProcessExited():
            return _exited(event, endpoint, world)


Telling = (
    CallReturned | CallSlept | ProcessSlept | ProcessSpun | ProcessPaused | ProcessContinued | ExtraLineRan
    | ProgramEnded | ProcessExited | CommandRefused
)  # fmt: skip


def _signalled(since: Iterable[AnyEvent]) -> ProcessPaused | ProcessContinued | ProcessExited | None:
    """A signal from outside that came after all that matters: nobody has asked for it here, so it is told first.

    What its kernel sends for one that a signal has ended comes after it.
    """
    for event in reversed(tuple(since)):
        match event:
            case ProcessPaused() | ProcessContinued():
                return event
            case ProcessExited() if event.killed_by:
                return event
            case SocketsObserved() | OwnersObserved() | ReadinessChanged() | ProgramPrinted():
                pass
            case PacketHeld() | PacketSeen():
                pass
            case _:
                return None
    return None


def _telling(world: World) -> Telling | None:
    """The event of this step that matters most to a person: the last call's outcome, or how a program ended.

    A program that ends well after its last call has said all with that call; so has a call under an extra line.
    """
    best: Telling | None = None
    for event in world.since:
        match event:
            case CallSlept() if isinstance(best, CallReturned) and _is_a_threads(event, world):
                pass  # it waits again for what comes next
            case CallReturned(error=None, name=name) if name in ASKING and isinstance(best, CallReturned):
                pass  # what a library asks behind its back is no outcome
            case CallReturned() | CallSlept() | CommandRefused():
                best = event
            case ProcessSpun() | ProcessPaused() | ProcessContinued():
                best = event
            case ProcessSlept():
                asked = isinstance(best, CallReturned) and best.error is None and best.name in ASKING
                if best is None or asked or isinstance(best, ProcessSlept | ProcessSpun):
                    best = event
            case ExtraLineRan():
                if event.error is not None or not isinstance(best, CallReturned):
                    best = event
            case ProgramEnded():
                if event.error is not None and not (isinstance(best, CallReturned) and best.error is not None):
                    best = event
            case ProcessExited():
                if event.killed_by or best is None:
                    best = event
            case CallStarted(name=name, thread=thread):
                best = best if name in ASKING or thread else None
            case _:
                pass
    return best


def _is_a_threads(event: CallSlept, world: World) -> bool:
    endpoint = world.endpoints.get(event.who)
    return endpoint is not None and call_of(endpoint.threads, event.call) is not None


def _call_that_failed(event: ExtraLineRan, world: World) -> CallReturned | None:
    """The call of this line whose error has ended it."""
    failed = (
        each
        for each in reversed(world.since)
        if isinstance(each, CallReturned) and each.who == event.who and each.error is not None
    )
    last = next(failed, None)
    return last if last is not None and last.error == event.error else None


def _started(world: World) -> str:
    """What there is to say of a process that was started in this step: again, or one client more."""
    started = [event.who for event in world.since if isinstance(event, EndpointStarted)]
    endpoint = world.endpoints.get(started[-1]) if started else None
    if endpoint is None:
        return ""
    if endpoint.forked_from:
        return f"fork(): PID {endpoint.pid} is a child, with all open files. It runs on by itself."
    if endpoint.former_pids:
        return f"The same program again, in a new process: PID {endpoint.pid}, was {endpoint.former_pids[-1]}."
    if endpoint.role == "client" and endpoint.number > 1:
        return f"One more client: the same program, in a process of its own, PID {endpoint.pid}."
    return ""


def _opening(world: World) -> str:
    running = [endpoint for endpoint in world.endpoints.values() if endpoint.status != "ended"]
    for_udp = [endpoint for endpoint in running if endpoint.transport == "udp"]
    if any(not endpoint.marks for endpoint in for_udp):
        if len(for_udp) == 1:
            return "One more program, for UDP."
        port = _port(world)
        return f"Two more programs, for UDP. Port {port} of UDP is not port {port} of TCP."
    if not running:
        return "A lab of real processes and real sockets is starting."
    if len(running) == 1:
        return "One program is running and stopped; the other is starting."
    if world.packets:  # a moment within a step: the call that sent it has not returned yet
        return f"The newest packet: {packet_name(world.packets[-1])}, from the {world.packets[-1].sender}."
    return "Two programs, two PIDs, and no way to talk yet. Press space to begin."


def _slept(event: CallSlept, endpoint: Endpoint, world: World) -> str:
    call = endpoint.call.name if endpoint.call else "its call"
    who = speaker(endpoint, world)
    thread = call_of(endpoint.threads, event.call)
    if thread is not None:
        return f"Thread {thread.thread} of {the(who)} sleeps in {thread.name}(): the kernel will wake it."
    match call:
        case "accept":
            return f"{opening(who)} sleeps in accept(): the kernel wakes it when somebody connects."
        case "connect":
            return _unanswered(who, world)
        case "recvfrom":
            return f"{opening(who)} sleeps in recvfrom(): a datagram will wake it."
        case "recv" | "recv_into" | "recvmsg":
            return f"{opening(who)} sleeps in {call}(): the kernel wakes it when bytes come."
        case _:
            return f"{opening(who)} sleeps in {call}(): the kernel will wake it."


def _unanswered(who: str, world: World) -> str:
    server = world.endpoints.get("server")
    queue = listener(world, server) if server is not None else None
    if queue is not None and queue.receive_queue > queue.send_queue:
        full = f"{queue.receive_queue} wait, backlog {queue.send_queue}"
        return f"The queue is full ({full}): the kernel ignores this SYN."
    return f"{opening(who)} sleeps in connect(): the kernel waits for an answer to its SYN."


def _program_ended(event: ProgramEnded, endpoint: Endpoint, world: World) -> str:
    if event.error is None:
        return f"{opening(speaker(endpoint, world))}'s program has come to its end."
    if event.error.name in ("EAI_AGAIN", "EAI_NONAME"):  # asked before there was a socket
        return explain(event.error, "connect", _port(world), private=is_private(world))
    place = f" at {endpoint.place(event.line)}" if event.line else ""
    message = " ".join(event.error.message.split())
    what = f"{event.error.type}: {message}" if message else f"{event.error.type}."
    whole = f"{opening(speaker(endpoint, world))} ended{place} with {what}"
    if len(whole) <= WIDTH or endpoint.own is None:
        return whole
    more = f" {ALL_PRINTED}"
    room = WIDTH - len(more)
    return (whole if len(whole) <= room else whole[: room - 2].rstrip() + "..") + more


def _at_its_line(told: str, event: CallReturned, endpoint: Endpoint) -> str:
    """The same, led in by the line at which the call's error has ended the person's own program."""
    if endpoint.own is None or event.error is None or endpoint.error != event.error or not event.line:
        return told
    place = endpoint.place(event.line)
    led = (f"{place[0].upper()}{place[1:]}: {each}" for each in (told, told.replace(" at once.", ".")))
    return fitting(*led, told)


def _why_reset(endpoint: Endpoint, world: World) -> str:
    """A connection ends with an RST where its bytes were not read, and where no program had accepted it."""
    if endpoint.role == "server":
        accepted = any(mark.call == "accept" for mark in endpoint.marks.values())
        if endpoint.own is None and not accepted:
            return ": nobody had accepted, so"
        if not accepted or len({packet.conversation for packet in world.packets if packet.transport == "tcp"}) > 1:
            return ": unread bytes, or no accept(), so"
    return " with bytes unread: the kernel sends"


def _exited(event: ProcessExited, endpoint: Endpoint, world: World) -> str:
    who = speaker(endpoint, world)
    if event.killed_by == SIGKILL:
        goodbye = [packet for packet in world.packets if f"packet {packet.number}" in world.changed]
        resets, fins = (any(flag in packet.flags for packet in goodbye) for flag in ("RST", "FIN"))
        if resets and fins:
            return f"{opening(who)} was killed: a FIN where all was accepted and read, else an RST."
        if resets:
            return f"{opening(who)} was killed{_why_reset(endpoint, world)} an RST, no goodbye."
        if fins:
            return f"{opening(who)} was killed. The kernel says goodbye for it, with a FIN."
        return f"{opening(who)} (PID {event.pid}) was killed: the kernel closes its sockets for it."
    if event.status is None:
        return f"{opening(who)} (PID {event.pid}) has ended; its exit status is not known here."
    if event.killed_by:
        return f"{opening(who)} (PID {event.pid}) was ended by signal {event.killed_by}."
    return f"{opening(who)} (PID {event.pid}) has ended, and its PID with it."


def _port(world: World) -> int:
    return world.lab.port if world.lab else 8888
