"""What was really tried while the case is made: servers, connects, probes, and what the programs did, in their order.

Law: an entry is made of an event or of a probe's answer, never of what was to be expected.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallStarted,
    EndpointStarted,
    PacketReleased,
    ProcessExited,
)
from netsim.model.fold import mark_text
from netsim.model.machine import Probed
from netsim.model.packet import Packet
from netsim.model.world import World

HERE, THERE = "here", "there"  # the case's two machines
TOLD = frozenset({"bind", "connect", "accept", "recv", "close"})  # calls that are shown; and every one that failed
_PORT = re.compile(r",\s*(\d+)\)")  # in the arguments of connect(): "('127.0.0.1', 8888)"
_DEEDS_KEPT = 200


class Server(Struct, frozen=True):
    """One process of a server. `forked_from`: the process that forked it, by name."""

    lab: str
    exhibit: int
    who: str
    pid: int
    inner_pid: int
    program: str
    forked_from: str = ""
    ended: bool = False


class Attempt(Struct, frozen=True):
    """One connect(). `error` "" if it succeeded; `said`: the first bytes that came back."""

    lab: str
    exhibit: int
    step: int
    client: int
    port: int
    local: int = 0
    error: str = ""
    said: str = ""


class Accept(Struct, frozen=True):
    """One accept(): which process of a server took the connection that came from `port`."""

    lab: str
    exhibit: int
    pid: int
    port: int


class Bind(Struct, frozen=True):
    """One bind() of a server's. `error` "" if it has the port."""

    exhibit: int
    pid: int
    port: int
    error: str = ""


class Deed(Struct, frozen=True):
    """A line of what ran: who, its PID, the program's line, what came of it; `step`: of the case.

    `flag`: it is a packet with this one ("SYN", "FIN", "RST") instead, and `pid` 0.
    """

    step: int
    who: str
    pid: int
    text: str
    result: str
    lab: str = HERE
    flag: str = ""


class Record(Struct, frozen=True):
    """All of it, oldest first. `calling`: who is in connect() or bind() (lab, PID), and the port that it names."""

    servers: tuple[Server, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    accepts: tuple[Accept, ...] = ()
    binds: tuple[Bind, ...] = ()
    deeds: tuple[Deed, ...] = ()
    probes: tuple[Probed, ...] = ()
    calling: tuple[tuple[str, int, int], ...] = ()

    def probe_of(self, pid: int) -> Probed | None:
        """The last answer about a PID."""
        return next((each for each in reversed(self.probes) if each.pid == pid), None)

    def served_by(self, attempt: Attempt) -> int | None:
        """Who accepted that connection; None if nobody has, or it was not told yet."""
        return next(
            (
                each.pid
                for each in reversed(self.accepts)
                if (each.lab, each.exhibit, each.port) == (attempt.lab, attempt.exhibit, attempt.local)
            ),
            None,
        )

    def began(self, pid: int) -> float | None:
        """When the process of this number began, as the first answer said."""
        return next((each.started for each in self.probes if each.pid == pid and each.started is not None), None)


def is_alive(answer: Probed) -> bool:
    """Whether it is the process that was asked for, and runs: not a zombie, not a later one of the same number."""
    return answer.errno in ("", "EPERM") and not answer.failure and not answer.zombie and answer.same is not False


def is_gone(answer: Probed) -> bool:
    """Whether nobody is there by that number, or a stranger that was given it since."""
    return answer.errno == "ESRCH" or (answer.same is False and not answer.failure)


def note(record: Record, event: AnyEvent, before: World, after: World, *, lab: str, exhibit: int, step: int) -> Record:
    """The record after an event of a lab; the worlds are that lab's, before and after it was folded."""

    def add(who: str, pid: int, text: str, result: str, flag: str = "") -> Record:
        return replace(record, deeds=(*record.deeds, Deed(step, who, pid, text, result, lab, flag))[-_DEEDS_KEPT:])

    for packet in after.packets_after(before.packet_count):
        flag = _flag(packet)
        if flag:
            record = add("packet", 0, _words(packet, flag), packet.evidence, flag)
    match event:
        case PacketReleased(number=number):
            for packet in after.packets:
                if packet.number == number and (flag := _flag(packet)):
                    record = add("packet", 0, _words(packet, flag), "delivered", flag)
        case EndpointStarted():
            record = add(event.who, event.pid, event.program, "forked" if event.forked_from else "started")
            if event.role == "server":
                server = Server(lab, exhibit, event.who, event.pid, event.inner_pid, event.program, event.forked_from)
                record = replace(record, servers=(*record.servers, server))
        case ProcessExited():
            status = "unknown" if event.status is None else event.status
            result = "killed, reaped" if status == -9 else f"ended with {status}"
            record = add(event.who, event.pid, "", result)
            servers = tuple(
                replace(each, ended=True) if (each.lab, each.pid) == (lab, event.pid) else each
                for each in record.servers
            )
            record = replace(record, servers=servers)
        case CallStarted() if event.name in ("connect", "bind"):
            found = _PORT.search(event.arguments)
            port = int(found[1]) if found else 0
            record = replace(record, calling=(*record.calling, (lab, event.pid, port)))
        case CallReturned():
            if event.name in TOLD or event.error is not None:
                record = add(event.who, event.pid, *_line(event, after))
            record = _returned(record, event, after, lab, exhibit, step)
        case _:
            pass
    return record


def _returned(record: Record, event: CallReturned, world: World, lab: str, exhibit: int, step: int) -> Record:
    endpoint = world.endpoints.get(event.who)
    error = (event.error.name or event.error.type) if event.error else ""
    match event.name:
        case "connect" | "bind":
            port = next((port for where, pid, port in record.calling if (where, pid) == (lab, event.pid)), 0)
            record = replace(record, calling=tuple(each for each in record.calling if each[:2] != (lab, event.pid)))
            if event.name == "bind":
                return replace(record, binds=(*record.binds, Bind(exhibit, event.pid, port, error)))
            local = event.socket.local.port if event.socket and event.socket.local and not event.error else 0
            return replace(
                record, attempts=(*record.attempts, Attempt(lab, exhibit, step, event.pid, port, local, error))
            )
        case "recv" if endpoint is not None and endpoint.role == "client" and event.data:
            said = event.data.decode("utf-8", "backslashreplace")
            last = max((i for i, each in enumerate(record.attempts) if each.client == event.pid), default=-1)
            if last < 0 or record.attempts[last].said:
                return record
            attempts = list(record.attempts)
            attempts[last] = replace(attempts[last], said=said)
            return replace(record, attempts=tuple(attempts))
        case "accept" if event.accepted is not None and event.accepted.remote is not None:
            accept = Accept(lab, exhibit, event.pid, event.accepted.remote.port)
            return replace(record, accepts=(*record.accepts, accept))
        case _:
            return record


def _line(event: CallReturned, world: World) -> tuple[str, str]:
    """The program's line of a call, without its indent, and what stands beside it."""
    endpoint = world.endpoints.get(event.who)
    text = (endpoint.text(event.line).strip() if endpoint else "") or f"{event.name}()"
    mark = mark_text(event, text)
    if event.name == "bind" and event.error is None and event.socket is not None and event.socket.local is not None:
        port = str(event.socket.local.port)
        mark = mark if port in text else f"ok, {port}"
    return text, mark


def _flag(packet: Packet) -> str:
    """Which of the three it has that begin or end a connection; "" for a copy, and for the answer to a SYN."""
    if packet.repeats or packet.flags > {"SYN"}:
        return ""
    return next((each for each in ("RST", "FIN", "SYN") if each in packet.flags), "")


def _words(packet: Packet, flag: str) -> str:
    sent, to = packet.conversation.client, packet.conversation.server
    if packet.sender == "server":
        sent, to = to, sent
    return f"{flag}  {sent} to {to}"
