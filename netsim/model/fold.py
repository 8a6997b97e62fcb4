"""The fold: one world and one event make the next world. The only place where a world comes from another.

A new kind of event does not type-check until it is folded here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Literal, assert_never

from msgspec.structs import replace

from netsim.model import threads
from netsim.model.address import Address, Conversation
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
    FocusMoved,
    GateClosed,
    GateFailed,
    GateOpened,
    GateRestarted,
    LabEnded,
    LabStarted,
    LineTyped,
    ModuleRead,
    OwnersObserved,
    PacketDropped,
    PacketHeld,
    PacketReleased,
    PacketSeen,
    PacketsLeftOut,
    PacketsMissed,
    ProcessContinued,
    ProcessExited,
    ProcessPaused,
    ProcessSlept,
    ProcessSpun,
    ProgramEnded,
    ProgramPrinted,
    ProgramStopped,
    ReadinessChanged,
    SocketRef,
    SocketsObserved,
)
from netsim.model.focus import follow_held_late, turn_to, turn_to_conversation, turn_to_stranger
from netsim.model.forgetting import forget_holders, forget_packets
from netsim.model.gate_fold import fold_gate
from netsim.model.inference import infer
from netsim.model.rows import compact, update_rows
from netsim.model.threads import Threads
from netsim.model.world import Endpoint, Mark, World

SINCE_KEPT = 400  # events since the last command: enough for any one step, bounded for a program that floods
LONGEST_INSTEAD = 8  # columns of a typed message beside its line
PRINTED_KEPT = 200  # lines of a program's output
LONGEST_PRINTED = 4000  # characters of one of them, its last ones


def fold(world: World, event: AnyEvent) -> World:
    """The world after `event`."""
    world = _apply(world, event)
    ledger, packets = infer(world.ledger, event)
    if packets and world.gate == "none":  # where the real ones are seen, none is inferred
        first = world.packet_count + 1
        numbered = tuple(replace(packet, number=first + i) for i, packet in enumerate(packets))
        names = {f"packet {packet.number}" for packet in numbered}
        world = forget_packets(replace(world, packets=world.packets + numbered, changed=world.changed | names))
    return replace(world, at=event.at, ledger=ledger, since=(*world.since, event)[-SINCE_KEPT:])


def fold_all(world: World, events: Iterable[AnyEvent]) -> World:
    """The world after all of them."""
    return reduce(fold, events, world)


def _apply(world: World, event: AnyEvent) -> World:
    match event:
        case LabStarted():
            gate: Literal["none", "closed"] = "closed" if event.gate else "none"
            # A fresh lab is a fresh world: a recording may go on over several.
            return World(lab=event, kernel_complete=event.sock_diag, gate=gate)
        case LabEnded():
            return replace(world, ended=event)
        case CommandAccepted():
            return _begin_step(world, event)
        case CommandRefused():
            return world
        case EndpointStarted():
            return _start(world, event)
        case ProgramStopped():
            return _change(
                world, event.who, status="stopped", line=event.line, ahead=event.ahead, readable=frozenset(),
                ready_at=None, call=None, syscall=None, sleeps_on=None, spins=False,
            )  # fmt: skip
        case ReadinessChanged():
            endpoint = world.endpoints.get(event.who)
            if endpoint is None:
                return world
            fds = endpoint.readable | {event.fd} if event.readable else endpoint.readable - {event.fd}
            ready_at = (endpoint.ready_at or event.at) if fds else None
            return _change(world, event.who, readable=fds, ready_at=ready_at)
        case CallStarted():
            if event.thread:
                return _change_threads(world, event.who, lambda known: threads.begin(known, event))
            return _change(world, event.who, status="running", call=event, spins=False, line=event.line or None)
        case CallSlept():
            endpoint = world.endpoints.get(event.who)
            if endpoint is None or endpoint.call is None or endpoint.call.call != event.call:
                return _change_threads(world, event.who, lambda known: threads.sleep(known, event))
            return _change(world, event.who, status="asleep", syscall=event.syscall)
        case CallReturned():
            return _return(world, event)
        case ProcessSlept():
            return _change(
                world, event.who, status="asleep", call=None, syscall=event.syscall, sleeps_on=event.fd, spins=False,
                line=event.line or None,
            )  # fmt: skip
        case ProcessSpun():
            return _change(world, event.who, status="running", spins=True, line=event.line or None)
        case ModuleRead():
            return _read_module(world, event)
        case ProcessPaused():
            return _change(world, event.who, paused_by=event.signal, spins=False)
        case ProcessContinued():
            return _change(world, event.who, paused_by="")
        case LineTyped():
            return _type(world, event)
        case ExtraLineRan():
            return _change(world, event.who, extra=event.source, extra_result=event.result, extra_error=event.error)
        case ProgramPrinted():
            return _print(world, event)
        case ProgramEnded():
            return _change(
                world, event.who, line=event.line or None, error=event.error, traceback=event.traceback, call=None
            )
        case ProcessExited():
            world = _change(
                world, event.who, status="ended", exit_status=event.status, sockets=(), call=None, ahead=(),
                readable=frozenset(), syscall=None, sleeps_on=None, spins=False, paused_by="", threads={},
            )  # fmt: skip
            return _rows(replace(world, under_way=world.under_way - {event.who}))
        case SocketsObserved():
            changed = replace(
                world, kernel=event.sockets, kernel_complete=event.complete, observed_at=event.at,
                sockets_left_out=event.left_out,
            )  # fmt: skip
            return follow_held_late(_rows(changed))
        case OwnersObserved():
            return _rows(replace(world, owners=event.owners))
        case (
            PacketHeld() | PacketSeen() | PacketReleased() | PacketDropped() | CopyCounted()
            | GateOpened() | GateClosed() | GateFailed() | GateRestarted() | PacketsMissed()
            | PacketsLeftOut()
        ):  # fmt: skip
            return fold_gate(world, event)
        case FocusMoved():
            if event.stranger is not None:
                return turn_to_stranger(world, event.stranger, take_role=True)
            return turn_to(world, event.who, take_role=True)
        case _:
            assert_never(event)


RUNNING = ("Step", "StepLine", "RunToLine", "RunExtraLine")  # what lets a stopped program run


def _begin_step(world: World, event: CommandAccepted) -> World:
    world = replace(
        world,
        step=world.step + (event.kind != "StartEndpoint"),
        since=(),
        changed=frozenset(),
        slots=compact(world.slots),
        mover=world.mover if event.kind == "StartEndpoint" else event.who,
    )
    endpoint = world.endpoints.get(event.who)
    if endpoint is not None and endpoint.extra:
        quiet = replace(endpoint, extra="", extra_result="", extra_error=None)
        world = replace(world, endpoints={**world.endpoints, event.who: quiet})
    if event.kind in ("StartEndpoint", "Kill"):
        world = replace(world, under_way=world.under_way | {event.who})
    elif endpoint is not None and endpoint.status == "stopped" and event.kind in RUNNING:
        world = _change(world, event.who, status="running", spins=False)
    return turn_to(world, event.who, take_role=False)


def _start(world: World, event: EndpointStarted) -> World:
    before = world.endpoints.get(event.who)
    parent = world.endpoints.get(event.forked_from)
    endpoint = Endpoint(
        who=event.who,
        role=event.role,
        transport=event.transport,
        number=event.number,
        program=event.program,
        source=event.source,
        pid=event.pid,
        inner_pid=event.inner_pid,
        former_pids=(*before.former_pids, before.pid) if before else (),
        forked_from=event.forked_from,
        own=event.own,
        sockets=parent.sockets if parent else (),  # fork(2): the child has every open file of its parent
    )
    world = replace(
        world,
        endpoints={**world.endpoints, event.who: endpoint},
        changed=world.changed | {event.who},
        under_way=world.under_way - {event.who},
    )
    return turn_to(world, event.who, take_role=False)


def _return(world: World, event: CallReturned) -> World:
    endpoint = world.endpoints.get(event.who)
    if endpoint is None:
        return world
    sockets = _sockets_after(endpoint.sockets, event)
    changes: dict[str, object] = {"sockets": sockets}
    if not event.thread:
        changes |= {"status": "running", "call": None, "syscall": None}
    if event.name in ("connect", "connect_ex") and (event.error is not None or event.result != "0"):
        changes["refused"] = endpoint.refused or _was_refused(event)
    if event.thread:
        changes["threads"] = threads.come_back(endpoint.threads, event.thread, event.call, mark_text(event))
    if event.line:
        mark = Mark(mark_text(event, endpoint.text(event.line)), event.error is None, event.name, event.thread)
        changes["marks"] = {**endpoint.marks, event.line: mark}
    world = _change(world, event.who, **changes)
    if event.accepted is not None and event.accepted.remote is not None:
        here = event.accepted.local or Address("", 0)
        world = turn_to_conversation(world, Conversation(endpoint.transport, event.accepted.remote, here))
    return _rows(world) if sockets != endpoint.sockets else world


def _was_refused(event: CallReturned) -> bool:
    if event.error is not None:
        return event.error.name == "ECONNREFUSED"
    return event.name == "connect_ex" and event.result in ("111", "61")  # Linux, macOS


def mark_text(event: CallReturned, line: str = "") -> str:
    """What stands beside the line: "→ fd 3", "→ 19", "ok", or the error's name.

    Where a typed message went out in place of the line's own it is named: "'hi' → 2".
    """
    if event.error is not None:
        return event.error.name or event.error.type
    if event.accepted is not None:
        return f"→ fd {event.accepted.fd}"
    if event.name == "socket" and event.socket is not None:
        return f"→ fd {event.socket.fd}"
    if event.size == 0 and event.name.startswith("recv"):
        return "→ b''"
    if event.name == "sendall":  # it returns None; the size is what it was given
        return f"{_instead(event, line)}ok"
    if event.size is not None:
        return f"{_instead(event, line)}→ {event.size}"
    return "ok"


def _instead(event: CallReturned, line: str) -> str:
    """The bytes that were sent, where they are not the ones that the line spells out."""
    if event.data is None or not event.name.startswith("send") or not re.search("b?(['\"]).*\\1", line):
        return ""
    if event.data.decode("utf-8", "replace") in line and (event.data or re.search("''|\"\"", line)):
        return ""
    text = repr(event.data)[1:]  # without its b: there is little room
    return f"{text if len(text) <= LONGEST_INSTEAD else text[: LONGEST_INSTEAD - 3] + '..' + text[-1]} "


def _sockets_after(sockets: tuple[SocketRef, ...], event: CallReturned) -> tuple[SocketRef, ...]:
    """The process's open sockets, by fd, after a call: one more, one fewer, or with new addresses."""
    table = {ref.fd: ref for ref in sockets}
    if event.socket is not None:
        if event.name in ("close", "detach") and event.error is None:
            table.pop(event.socket.fd, None)
        else:
            table[event.socket.fd] = event.socket
    if event.accepted is not None:
        table[event.accepted.fd] = event.accepted
    return tuple(table[fd] for fd in sorted(table))


def _print(world: World, event: ProgramPrinted) -> World:
    endpoint = world.endpoints.get(event.who)
    if endpoint is None or event.pid in endpoint.former_pids:  # what an earlier one of that name has started, and left
        return world
    return _change(world, event.who, printed=_output(endpoint, event.text))


def _output(endpoint: Endpoint, text: str) -> tuple[str, ...]:
    """The last lines of its output with this behind them; the last one is what has no end yet."""
    last = endpoint.printed[-1] if endpoint.printed else ""
    lines = [line[-LONGEST_PRINTED:] for line in f"{last}{text}".split("\n")[-PRINTED_KEPT:]]
    return (*endpoint.printed[:-1], *lines)[-PRINTED_KEPT:]


def _type(world: World, event: LineTyped) -> World:
    """What was typed stands behind what the program has printed, as in a terminal; who waited for it runs on."""
    endpoint = world.endpoints.get(event.who)
    if endpoint is None:
        return world
    world = _change(world, event.who, printed=_output(endpoint, "" if event.end else f"{event.text}\n"))
    if endpoint.reads_input:
        world = _change(world, event.who, status="running", syscall=None, sleeps_on=None)
    return world


def _change(world: World, who: str, **changes: object) -> World:
    """The world with one endpoint changed; `line=None` leaves its line as it was."""
    endpoint = world.endpoints.get(who)
    if endpoint is None:
        return world
    if changes.get("line", 0) is None:
        del changes["line"]
    changed = replace(endpoint, **changes)
    if changed == endpoint:
        return world
    return replace(world, endpoints={**world.endpoints, who: changed}, changed=world.changed | {who})


def _read_module(world: World, event: ModuleRead) -> World:
    endpoint = world.endpoints.get(event.who)
    if endpoint is None or event.first != len(endpoint.source) + 1:
        return world
    source = (*endpoint.source, f"# {event.module}", *event.source)
    return _change(world, event.who, source=source, modules=(*endpoint.modules, (event.first, event.module)))


def _change_threads(world: World, who: str, change: Callable[[Threads], Threads]) -> World:
    endpoint = world.endpoints.get(who)
    return world if endpoint is None else _change(world, who, threads=change(endpoint.threads))


def _rows(world: World) -> World:
    slots, remembered, changed = update_rows(world)
    return forget_holders(replace(world, slots=slots, remembered=remembered, changed=world.changed | changed))
