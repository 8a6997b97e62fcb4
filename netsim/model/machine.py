"""The whole machine's ports, and whether a PID is anybody: what the helper outside the lab is asked and answers.

Law: rows as psutil has them, sorted and named, with what the kernel's own list adds where it can be had; nothing is
guessed here.
"""

from __future__ import annotations

from msgspec import Struct

from netsim.model.address import Address, Transport


class MachineRow(Struct, frozen=True):
    """One socket. `pid` None: nobody's, or not to be seen by this user; then `name` and `user` are "" too.

    `state` as the kernel spells it, "" for UDP; `remote` None: it has no peer. `others`: further processes that have
    the same socket open; psutil alone names one. `held`: whether any process has it, None where the kernel's list
    could not be had; then there is no `owner` (the user whose socket it is), no queue and no time either. `receive`,
    `send` and `expires_ms` as in `KernelSocket`.
    """

    transport: Transport
    local: Address
    remote: Address | None
    state: str
    pid: int | None = None
    name: str = ""
    user: str = ""
    others: tuple[int, ...] = ()
    held: bool | None = None
    owner: str = ""
    receive: int = 0
    send: int = 0
    expires_ms: int = 0


class MachinePorts(Struct, frozen=True, tag="ports"):
    """The table. `age`: seconds since it was read; `complete` False: only the sockets of this user's processes.

    `by_root`: whoever has read it may see more than others, and what is not seen then is hidden from everybody here.
    `failure`: why there is none, in one sentence.
    """

    id: int
    rows: tuple[MachineRow, ...] = ()
    age: float = 0.0
    complete: bool = True
    failure: str = ""
    by_root: bool = False


class Probed(Struct, frozen=True, tag="probed"):
    """What `os.kill(pid, 0)` said: `errno` "" somebody is there, "ESRCH" nobody, "EPERM" somebody of another user's.

    `started` tells this process from a later one of the same number: seconds since the machine's start on Linux, since
    1970 elsewhere; None: not to be known. `same`: whether it is the process that was asked for by that; None where that
    was not asked or can't be told. A zombie has ended, and only its number is still taken.
    """

    id: int
    pid: int
    errno: str = ""
    started: float | None = None
    same: bool | None = None
    zombie: bool = False
    name: str = ""
    failure: str = ""


class AskPorts(Struct, frozen=True, tag="ports"):
    """Which sockets are there? Answered by MachinePorts."""

    id: int


class AskProbe(Struct, frozen=True, tag="probe"):
    """Is anybody there? `started`: of the one who is meant. Answered by Probed."""

    id: int
    pid: int
    started: float | None = None


Question = AskPorts | AskProbe
Answer = MachinePorts | Probed
