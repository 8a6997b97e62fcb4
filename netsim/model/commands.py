"""Commands: what may be asked of a lab. Orders, in the imperative; that something really happened is an event.

On the wire a command is one JSON object a line, its type in the field "type".
"""

from __future__ import annotations

from functools import cache

import msgspec
from msgspec import Struct

from netsim.model.address import Role, Transport
from netsim.model.own import OwnProgram


class Command(Struct, frozen=True, tag_field="type", tag=True, forbid_unknown_fields=True, kw_only=True):
    """One order. `id` is given by the session that dispatches it and comes back in CommandAccepted."""

    id: int = 0
    who: str


class StartEndpoint(Command, frozen=True):
    """Start a process that runs a program of `programs/`, stopped before its first socket call.

    `who` is the endpoint's name in the lab: "server", "client1", "udpserver", "udpclient1" and so on.
    A `who` whose process has ended may be started again; one that lives is refused. `own`: in place of one of
    `programs/`, a file of the person's; it is stopped before its first line, and before the calls of libraries too.
    """

    program: str
    role: Role
    transport: Transport
    number: int = 1
    own: OwnProgram | None = None


class Step(Command, frozen=True):
    """Run a stopped program through its next socket call, to the stop before the one after that.

    If `message` is given, the next send, sendall or sendto of this step sends that text (encoded as ASCII, as the
    programs on the screen do it) in place of its own argument.
    """

    message: str | None = None


class StepLine(Command, frozen=True):
    """Run a stopped program to its next line, whatever stands on that; all calls on the way are made."""


class RunToLine(Command, frozen=True):
    """Run a stopped program until it stands before `line` (from 1), or the next one below that can be stood before."""

    line: int


class TypeLine(Command, frozen=True):
    """Write a line to the program's standard input, as a person would type it; `end`: the end of input (Ctrl-D)."""

    text: str
    end: bool = False


class RunExtraLine(Command, frozen=True):
    """Run one line that is not in the program, in the stopped program's frame; its error does not end the program."""

    source: str


class Interrupt(Command, frozen=True):
    """Interrupt the call in which the program sleeps (or the loop in which it spins), as Ctrl-C would: SIGINT."""


class Kill(Command, frozen=True):
    """End the process at once, without a word to it: SIGKILL."""


class GateCommand(Command, frozen=True):
    """An order to the gate of a private net; where there is none it is refused."""

    who: str = ""


class ReleasePacket(GateCommand, frozen=True, kw_only=True):
    """Deliver a held packet, by its number."""

    number: int


class DropPacket(GateCommand, frozen=True, kw_only=True):
    """Throw a held packet away, as a wire might lose it."""

    number: int


class OpenGate(GateCommand, frozen=True):
    """Deliver all that is held, oldest first, and let packets pass from now on."""


class CloseGate(GateCommand, frozen=True):
    """Hold each packet from now on."""


class RestartGate(GateCommand, frozen=True):
    """Make a new queue in place of one that failed."""


AnyCommand = (
    StartEndpoint | Step | StepLine | RunToLine | TypeLine | RunExtraLine | Interrupt | Kill
    | ReleasePacket | DropPacket | OpenGate | CloseGate | RestartGate
)  # fmt: skip

_encoder = msgspec.json.Encoder()


def encode(command: AnyCommand) -> bytes:
    """One line of JSON, without the newline."""
    return _encoder.encode(command)


def decode(line: bytes) -> AnyCommand:
    """The command in one line of JSON; raises msgspec.DecodeError (or its ValidationError) where there is none."""
    return _decoder().decode(line)


@cache
def _decoder() -> msgspec.json.Decoder[AnyCommand]:
    """Made when it is first needed: that takes milliseconds, and each side reads only what the other writes."""
    return msgspec.json.Decoder(AnyCommand)
