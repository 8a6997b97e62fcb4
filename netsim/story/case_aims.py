"""The aims of the case, and the orders that bring labs there: places to be reached one command at a time.

Law: data alone; how an aim is approached is told in `case_approach`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from netsim.model.commands import AnyCommand
from netsim.story.case_record import HERE

CLIENT = "client1"


class Gone(Struct, frozen=True):
    """Everybody named is killed and reaped, and what they have forked."""

    names: tuple[str, ...]
    lab: str = HERE


class Serve(Struct, frozen=True):
    """A fresh process runs a server's program, to where it waits for clients. `asleep`: in accept(), not before it.

    `ports`: how many it tries to have; `forks`: how many more processes come of it.
    """

    program: str
    who: str = "server"
    lab: str = HERE
    asleep: bool = False
    ports: int = 1
    forks: int = 0


class Refused(Struct, frozen=True):
    """A fresh process runs a server's program until bind() has answered, and is gone after that."""

    program: str
    who: str = "server"
    lab: str = HERE


class Visit(Struct, frozen=True):
    """A fresh client (or the one that is there) runs past its first `call`; if `served` the servers do their part."""

    program: str
    call: str = "recv"
    served: bool = True
    fresh: bool = True
    lab: str = HERE


class Knock(Struct, frozen=True):
    """The client that is there (or a first one) connects once more, and reads what it is told."""

    program: str
    lab: str = HERE


class Stand(Struct, frozen=True):
    """A fresh client stands before its first call: somebody lives in the lab's net, and does nothing."""

    program: str
    lab: str = HERE


class Leave(Struct, frozen=True):
    """The client runs to its end. The servers follow only if `served`."""

    served: bool = True
    lab: str = HERE


class LookUp(Struct, frozen=True):
    """A fresh client asks one port after the other, all that the server has, in the order of its bind() calls."""

    program: str
    lab: str = HERE


class Crowd(Struct, frozen=True):
    """One client after the other, until every process of these has served one; at most so many."""

    program: str
    names: tuple[str, ...]
    most: int
    lab: str = HERE


class Probe(Struct, frozen=True):
    """Ask for the PID of each, from outside the lab: `former`, of the process before this one."""

    names: tuple[str, ...] = ("server",)
    former: bool = False
    lab: str = HERE


class Gate(Struct, frozen=True):
    """Open or closed, where there is one."""

    open: bool
    lab: str = HERE


class Seen(Struct, frozen=True):
    """An end of the last client's connection is in this state, and no process has it."""

    state: str
    lab: str = HERE


class Listed(Struct, frozen=True):
    """The table names every process of these, and all that they have forked, at a socket that listens."""

    names: tuple[str, ...] = ("server",)
    lab: str = HERE


class Open(Struct, frozen=True):
    """The other machine's lab is there."""

    lab: str


class Prove(Struct, frozen=True):
    """A command, as in another terminal, has printed what proves exhibit `exhibit`. Nobody waits for it to go on."""

    exhibit: int


Aim = (
    Gone
    | Serve
    | Refused
    | Visit
    | Knock
    | Stand
    | Leave
    | LookUp
    | Crowd
    | Probe
    | Gate
    | Seen
    | Listed
    | Open
    | Prove
)


class Do(Struct, frozen=True):
    """Send this command to that lab."""

    lab: str
    command: AnyCommand


class Ask(Struct, frozen=True):
    """Ask outside the lab whether anybody is there; `started`: as the first answer about the same process said."""

    pid: int
    started: float | None


class OpenLab(Struct, frozen=True):
    """Start that lab."""

    lab: str


class Run(Struct, frozen=True):
    """Have the command of an exhibit's proof run."""

    exhibit: int


class Wait(Struct, frozen=True):
    """Something is under way: look again after the next event."""


class Reached(Struct, frozen=True):
    """That is so."""


Order = Do | Ask | OpenLab | Run | Wait | Reached

WAIT, REACHED = Wait(), Reached()


class Before(Struct, frozen=True):
    """What was so when an aim was begun: the newest PIDs, and how much had been noted."""

    pids: Mapping[str, int] = {}
    probes: int = 0
    attempts: int = 0
