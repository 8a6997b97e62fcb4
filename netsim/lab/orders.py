"""Commands, carried out or refused: each is answered once, before anything of its effect is told.

A refusal is one sentence that says what is the case, so that who reads it can see what to do.
"""

from __future__ import annotations

import re
import signal
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from netsim.lab import children, own_programs, sources
from netsim.lab.children import Child
from netsim.lab.gatekeeper import Refused
from netsim.model import commands
from netsim.model.commands import (
    AnyCommand,
    CloseGate,
    DropPacket,
    Interrupt,
    Kill,
    OpenGate,
    ReleasePacket,
    RestartGate,
    RunExtraLine,
    RunToLine,
    StartEndpoint,
    Step,
    StepLine,
    TypeLine,
)
from netsim.model.events import CommandAccepted, CommandRefused, LineTyped

if TYPE_CHECKING:
    from netsim.lab.host import Host

_SENDS_ON = 0.005  # seconds
_ONE_BY_ONE = 0.3  # seconds for which a process waits for the one before to have started
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")  # of an endpoint; a dot is for what its program forks


class Orders:
    """Takes the lines of commands."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._starts: deque[tuple[StartEndpoint, float]] = deque()  # not begun yet; until when it waits, on the clock

    def carry_out(self, line: bytes) -> None:
        """Carry out the command in one line, or refuse it."""
        try:
            command = commands.decode(line)
        except msgspec.DecodeError as error:
            self._refuse(*_what_can_be_read(line), f"That is no command of this lab: {error}.")
            return
        try:
            match command:
                case StartEndpoint():
                    self._check_start(command)
                    self._starts.append((command, self._host.timers.clock() + _ONE_BY_ONE))
                    self.start_next()
                    if self._starts:
                        self._host.timers.after(_ONE_BY_ONE, self.start_next)
                case Step():
                    child = self._stopped(command.who)
                    self._let_run(child, command, do="step", message=command.message)
                case StepLine():
                    self._let_run(self._stopped(command.who), command, do="line")
                case RunToLine():
                    child = self._stopped(command.who)
                    last = child.last_line or len(own_programs.lines(child.source))
                    if not 1 <= command.line <= last:
                        raise Refused(f"{child.order.program} has the lines 1 to {last}, and no line {command.line}.")
                    self._let_run(child, command, do="to", line=command.line)
                case TypeLine():
                    self._type(self._living(command.who), command)
                case RunExtraLine():
                    self._let_run(self._stopped(command.who), command, do="extra", source=command.source)
                case Interrupt():
                    child = self._living(command.who)
                    if child.state in ("starting", "stopped"):
                        raise Refused(f"{child.who} is in no call that could be interrupted: it waits to be stepped.")
                    self._accept(command)
                    child.send_signal(signal.SIGINT)
                case Kill():
                    child = self._living(command.who)
                    self._accept(command)
                    child.send_signal(signal.SIGKILL)
                case ReleasePacket() | DropPacket() | OpenGate() | CloseGate() | RestartGate():
                    obey = self._host.gate.ready_for(command)
                    self._accept(command)
                    obey()
        except Refused as refused:
            self._refuse(command.id, type(command).__name__, command.who, str(refused))

    def start_next(self) -> None:
        """Start what is to be started, one after the other. To be called whenever something has happened.

        Side by side they would take the screen's time while it starts, too: it is there later then, not sooner.
        """
        while self._starts:
            command, until = self._starts[0]
            waits = self._host.timers.clock() < until
            if waits and any(child.state == "starting" for child in self._host.family.living):
                return
            self._starts.popleft()
            try:
                self._start(command)
            except Refused as refused:
                self._refuse(command.id, type(command).__name__, command.who, str(refused))

    def _check_start(self, command: StartEndpoint) -> None:
        before = self._host.family.members.get(command.who)
        if before is not None and not before.exited:
            raise Refused(f"{command.who} is running already, as PID {before.pid}: end it first.")
        if not _NAME.fullmatch(command.who):
            raise Refused(f"{command.who!r} can't be an endpoint's name: it takes small letters and digits.")

    def _start(self, command: StartEndpoint) -> None:
        self._check_start(command)  # what stands before it may be the same one
        try:
            if command.own is not None:
                path, source = command.own.path, own_programs.read(command.own.path)
            else:
                path, source = sources.load(command.program, self._host.port)
            child = children.start(command, path, source, self._host.endpoint, contained=self._host.contained)
        except ValueError as error:
            raise Refused(str(error)) from error
        except OSError as error:
            raise Refused(f"{command.program} could not be started: {error}.") from error
        self._accept(command)
        self._host.family.adopt(child)
        self._host.stir()
        self._send_the_rest(child)

    def _send_the_rest(self, child: Child) -> None:
        """A very long program does not go through the wire at once: its process has to start and read."""
        if child.channel.waiting and not child.exited:
            child.channel.flush()
            self._host.timers.after(_SENDS_ON, lambda: self._send_the_rest(child))

    def _let_run(self, child: Child, command: AnyCommand, **order: object) -> None:
        self._accept(command)
        child.state = "running"
        child.tell(**order)
        self._host.watching.begin(child)

    def _type(self, child: Child, command: TypeLine) -> None:
        if child.order.own is None:
            raise Refused(f"{child.who} reads no lines: only programs of netsim run have an input.")
        if child.stdin is None:
            raise Refused(f"{child.who} has had the end of its input: there is no more to come.")
        if not command.end and not child.type(command.text.encode("utf-8", "replace") + b"\n"):
            raise Refused(f"{child.who} does not read what is typed, and no more of it can wait: step it on.")
        self._accept(command)
        if command.end:
            child.end_input()
        self._host.emit(
            LineTyped(
                at=self._host.now(), who=child.who, pid=child.pid, inner_pid=child.inner_pid, text=command.text,
                end=command.end,
            )
        )  # fmt: skip
        self._host.watching.begin(child)

    def _living(self, who: str) -> Child:
        child = self._host.family.members.get(who)
        if child is None:
            raise Refused(f"There is no {who!r} in the lab: start it first.")
        if child.exited:
            raise Refused(f"{who} has ended: start it again.")
        return child

    def _stopped(self, who: str) -> Child:
        """The child, if it stands stopped and so takes an order."""
        child = self._living(who)
        call, asleep = child.main_call, child.sleeping_in
        if child.forked:
            raise Refused(f"{who} was forked by a program: it runs on by itself and takes no steps.")
        if child.paused:
            raise Refused(f"{who} was stopped by {child.paused}: kill -CONT {child.pid} lets it go on.")
        if child.channel.ended:
            raise Refused(f"{who} has closed its line to the lab: it can only be interrupted or killed.")
        if asleep:
            raise Refused(f"{who} sleeps in {asleep.name}(): it takes no order until that returns or is interrupted.")
        if call and child.state == "calling":
            raise Refused(f"{who} is in {call.name}(): wait until that returns.")
        match child.state:
            case "starting":
                raise Refused(f"{who} is just starting: wait until it stands before its first line.")
            case "running" | "calling":
                raise Refused(f"{who} runs: wait until it stops.")
            case "ended":
                raise Refused(f"{who}'s program has ended: start it again.")
            case "stopped":
                return child

    def _accept(self, command: AnyCommand) -> None:
        self._host.emit(
            CommandAccepted(at=self._host.now(), id=command.id, kind=type(command).__name__, who=command.who)
        )

    def _refuse(self, number: int, kind: str, who: str, why: str) -> None:
        self._host.emit(CommandRefused(at=self._host.now(), id=number, kind=kind, who=who, why=why))


def _what_can_be_read(line: bytes) -> tuple[int, str, str]:
    """The id, type and who of what is no command, so that it can be answered all the same."""
    try:
        found = msgspec.json.decode(line, type=dict[str, object])
    except msgspec.DecodeError:
        return 0, "", ""
    number, kind, who = found.get("id"), found.get("type"), found.get("who")
    return (
        number if isinstance(number, int) else 0,
        kind if isinstance(kind, str) else "",
        who if isinstance(who, str) else "",
    )
