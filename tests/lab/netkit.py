"""A lab in a private net, for tests: its gate by name, and its sockets as somebody outside of it sees them.

Nothing waits for a time to pass: it waits for events, and a kernel timer that has to fire does so within PATIENCE.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from netsim.lab.client import LabClient
from netsim.model.commands import CloseGate, DropPacket, GateCommand, OpenGate, ReleasePacket, Step
from netsim.model.decode import decode
from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallSlept,
    CommandAccepted,
    CommandRefused,
    CopyCounted,
    EndpointEvent,
    ExtraLineRan,
    KernelSocket,
    LabEnded,
    LabStarted,
    OwnersObserved,
    PacketDropped,
    PacketHeld,
    PacketObserved,
    PacketReleased,
    ProgramStopped,
    SocketsObserved,
)
from netsim.model.wire import Icmp, Segment
from tests.lab.gate_lab import STATES
from tests.lab.hostkit import Lab

PORT = 8888


class NetLab(Lab):
    """A lab whose net is private, with a gate that is closed."""

    def __init__(self, port: int = PORT, client: LabClient | None = None) -> None:
        super().__init__(client or LabClient(port, "private"))
        self.port = port
        self._asked_for = 0  # held packets

    def __enter__(self) -> NetLab:
        super().__enter__()
        first = self.wait(LabStarted | LabEnded)  # type: ignore[arg-type]
        if isinstance(first, LabEnded) or not first.gate:
            self.client.close()
            pytest.skip(first.reason if isinstance(first, LabEnded) else f"no gate here: {first.gate_because}")
        return self

    # --- the gate

    def held(self) -> PacketHeld:
        """The next packet that is held, after those that were asked for before; it may have come long ago."""
        self._asked_for += 1
        while len(self.all_held) < self._asked_for:
            self.wait(PacketHeld)
        return self.all_held[self._asked_for - 1]

    @property
    def all_held(self) -> list[PacketHeld]:
        """Every packet that was held."""
        return [each for each in self.seen if isinstance(each, PacketHeld)]

    def order(self, command: GateCommand) -> None:
        """Give the gate an order that it takes."""
        answer = self.ask(command)
        assert isinstance(answer, CommandAccepted), answer

    def release(self, number: int) -> None:
        """Deliver a held packet."""
        self.order(ReleasePacket(number=number))
        self.wait(PacketReleased, number=number)

    def drop(self, number: int) -> None:
        """Lose a held packet."""
        self.order(DropPacket(number=number))
        self.wait(PacketDropped, number=number)

    def pass_on(self) -> PacketHeld:
        """The next held packet, delivered."""
        packet = self.held()
        self.release(packet.number)
        return packet

    def refusal(self, command: GateCommand) -> str:
        """Why an order is refused."""
        answer = self.ask(command)
        assert isinstance(answer, CommandRefused), answer
        return answer.why

    # --- programs

    def listen(self) -> int:
        """A server that listens and stands before accept(); returns its PID."""
        server = self.begin("server")
        self.step_past("server", "listen")
        return server.pid

    def begin_connect(self, who: str = "client1") -> None:
        """A client that is let into connect()."""
        self.begin(who)
        self.step_past(who, "socket")
        self.send(Step(who=who))

    def connect(self) -> int:
        """A connection, made with the gate open, and the gate closed again; returns the server's PID."""
        self.order(OpenGate())
        pid = self.listen()
        self.begin("client1")
        self.step_past("client1", "connect")
        self.step_past("server", "accept")
        self.settle()
        self.order(CloseGate())
        return pid

    def run_line(self, who: str, source: str) -> ExtraLineRan:
        """Run a line in a stopped program, to its end."""
        self.extra(who, source)
        ran = self.wait(ExtraLineRan, who=who)
        self.wait(ProgramStopped, who=who)
        return ran

    def slept(self, who: str = "client1") -> CallSlept:
        """Wait until a program sleeps in a call."""
        return self.wait(CallSlept, who=who)

    def has_returned(self, who: str, name: str) -> bool:
        """Whether that call has come back by now."""
        return any(isinstance(each, CallReturned) and (each.who, each.name) == (who, name) for each in self.seen)

    # --- looks

    @property
    def told_states(self) -> list[str]:
        """The TCP sockets as they were told last: "server LISTEN", "client SYN_SENT", sorted."""
        assert self.sockets is not None
        return sorted(state_line(each, self.port) for each in self.sockets.sockets if each.transport == "tcp")

    def expect(self, *states: str) -> None:
        """Wait until these are the states that were told last."""
        while self.sockets is None or self.told_states != sorted(states):
            self.wait(SocketsObserved)

    def row(self, state: str) -> KernelSocket:
        """The only socket in that state, as it was told last."""
        assert self.sockets is not None
        (found,) = [each for each in self.sockets.sockets if each.state == state]
        return found

    def story(self, start: int = 0) -> list[str]:
        """What has happened, an event a word or two, without what a timer or psutil may bring in at any moment."""
        lines: list[str] = []
        states = ""
        for event in self.seen[start:]:
            if isinstance(event, SocketsObserved):
                line = ", ".join(sorted(state_line(each, self.port) for each in event.sockets))
                if line == states:
                    continue
                states = line
                lines.append(f"SocketsObserved {line}")
            elif not isinstance(event, OwnersObserved | CopyCounted):
                lines.append(told(event))
        return lines


def told(event: AnyEvent) -> str:
    """One event in a few words: "PacketHeld 1 client SYN"."""
    words: list[object] = [type(event).__name__]
    match event:
        case PacketObserved(number=number, sender=sender):
            words += [number, sender, what(event)]
        case PacketReleased(number=number) | PacketDropped(number=number):
            words += [number]
        case CommandAccepted(kind=kind):
            words += [kind]
        case EndpointEvent(who=who):
            words += [who, *([name] if (name := getattr(event, "name", "")) else [])]
    return " ".join(str(word) for word in words)


def what(packet: PacketObserved) -> str:
    """What kind of packet it is: "ACK+SYN", "Datagram"."""
    content = decode(packet.raw)
    match content:
        case Segment(flags=flags):
            return "+".join(sorted(flags))
        case Icmp(kind=kind, code=code):
            return f"ICMP {kind}/{code}"
        case _:
            return type(content).__name__


def state_line(each: KernelSocket, port: int) -> str:
    """A socket's side and state."""
    return f"{'server' if each.local.port == port else 'client'} {each.state}"


def by_proc(pid: int, port: int = PORT) -> list[str]:
    """The TCP sockets of a process's net, as /proc has them for anybody outside: "client SYN_SENT", sorted."""
    found = []
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        found.append(f"{'server' if int(local.rpartition(':')[2], 16) == port else 'client'} {STATES[state]}")
    return sorted(found)


_SPELLED = {"ESTAB": "ESTABLISHED", "UNCONN": "CLOSE", "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2"}


def by_ss(pid: int, port: int = PORT) -> list[str]:
    """The same as ss tells it, run inside."""
    found = []
    for line in run_inside(pid, "ss", "-tanH").splitlines():
        state, _, _, local, *_ = line.split()
        side = "server" if local.rpartition(":")[2] == str(port) else "client"
        found.append(f"{side} {_SPELLED.get(state, state.replace('-', '_'))}")
    return sorted(found)


def command_inside(pid: int, *command: str) -> list[str]:
    """A command line that runs a command in a process's net, and in its user namespace if that is another."""
    user = [] if in_our("user", pid) else ["--user", "--preserve-credentials"]
    return ["nsenter", "--target", str(pid), "--net", *user, *command]


def run_inside(pid: int, *command: str) -> str:
    """What a command prints in a process's net."""
    return subprocess.run(command_inside(pid, *command), capture_output=True, text=True, check=True).stdout


def in_our(kind: str, pid: int) -> bool:
    """Whether a process is in our namespace of this kind."""
    return os.readlink(f"/proc/{pid}/ns/{kind}") == os.readlink(f"/proc/self/ns/{kind}")
