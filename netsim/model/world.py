"""The world: everything that is known at one moment, as one frozen value. Only `fold` makes a new one.

What can be derived from it is derived by functions (`views`), not stored a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from netsim.model.address import Address, Conversation, Role, Transport
from netsim.model.events import (
    AnyEvent,
    CallAhead,
    CallError,
    CallStarted,
    KernelSocket,
    LabEnded,
    LabStarted,
    Owner,
    SocketRef,
)
from netsim.model.inference import Ledger
from netsim.model.own import OwnProgram
from netsim.model.packet import Packet
from netsim.model.threads import Threads

Status = Literal["starting", "running", "stopped", "asleep", "ended"]


class Mark(Struct, frozen=True):
    """What stands beside a line that was run: "→ fd 3", "ok", "→ 19", or an error's name ("ECONNREFUSED")."""

    text: str
    ok: bool
    call: str  # the call's name: "recv"
    thread: int = 0  # whose: 0 is the main one


class Endpoint(Struct, frozen=True, kw_only=True):
    """One process and its program. `line` is where it stands (stopped, asleep) or stood when it ended."""

    who: str
    role: Role
    transport: Transport
    number: int
    program: str
    source: tuple[str, ...]
    pid: int
    inner_pid: int
    modules: tuple[tuple[int, str], ...] = ()  # the person's own in `source`: the line that names it, and its name
    former_pids: tuple[int, ...] = ()  # of the same `who`, oldest first
    forked_from: str = ""  # the endpoint whose fork it is: it runs on unstepped
    own: OwnProgram | None = None  # the person's own file
    status: Status = "starting"
    line: int = 0
    ahead: tuple[CallAhead, ...] = ()
    readable: frozenset[int] = frozenset()  # fds that poll readable while it is stopped
    ready_at: float | None = None  # since when one of them is readable
    call: CallStarted | None = None  # the call in which it is
    syscall: str | None = None  # asleep: the system call's name
    sleeps_on: int | None = None  # asleep in no socket call: the file number that it waits for
    spins: bool = False  # it has been running for long, and nobody knows for how long still
    paused_by: str = ""  # the name of the signal that has stopped the whole process, until SIGCONT
    marks: Mapping[int, Mark] = {}  # by line
    threads: Threads = {}  # what the others than the main one do
    sockets: tuple[SocketRef, ...] = ()  # open now, by fd
    refused: bool = False  # a connect() of it was: the kernel takes the port back then, and nobody can tell it any more
    printed: tuple[str, ...] = ()  # the last lines of its output
    extra: str = ""  # the line that is not in the program and was run last, "" if none
    extra_result: str = ""
    extra_error: CallError | None = None
    error: CallError | None = None  # what ended it
    traceback: str = ""
    exit_status: int | None = None  # once reaped

    def place(self, line: int) -> str:
        """Where a line of `source` is, as its author knows it: "line 3", "line 3 of util.py"."""
        number, module = self.in_file(line)
        return f"line {number} of {module}" if module else f"line {number}"

    def in_file(self, line: int) -> tuple[int, str]:
        """A line's number in its file, and the module whose file that is, "" for the program's own."""
        first, module = max(((first, name) for first, name in self.modules if first < line), default=(0, ""))
        return line - first, module

    def text(self, line: int) -> str:
        """A line of `source`, by its number; "" if there is none."""
        return self.source[line - 1] if 0 < line <= len(self.source) else ""

    @property
    def killed_by(self) -> int:
        """The number of the signal that has ended it (signal(7)); 0 if none did."""
        return -self.exit_status if self.exit_status is not None and self.exit_status < 0 else 0

    @property
    def is_on_its_way(self) -> bool:
        """Whether it will come to its next stop by itself; a forked one never stops."""
        halted = self.forked_from or self.spins or self.paused_by
        return self.status in ("starting", "running") and not halted

    @property
    def reads_input(self) -> bool:
        """Whether it sleeps until a line is typed: in a read from its standard input."""
        return self.status == "asleep" and self.call is None and self.syscall == "read" and self.sleeps_on == 0

    @property
    def next_call(self) -> CallAhead | None:
        """The socket call on the line before which it stands stopped."""
        if self.status == "stopped" and self.ahead and self.ahead[0].line == self.line:
            return self.ahead[0]
        return None


class RowKey(Struct, frozen=True, order=True):
    """What a row of the port table is about: a protocol, a local address and, for a connection, the peer.

    `twin` 0, or a number for each further socket that shares the address (SO_REUSEPORT, SO_REUSEADDR for UDP).
    """

    port: int
    transport: Transport
    host: str
    peer: Address | None = None
    twin: int = 0


class Row(Struct, frozen=True, kw_only=True):
    """One row of the port table. `pids` empty: the kernel's own, or not to be known: `owner_text` says which."""

    key: RowKey
    state: str  # "" for UDP
    pids: tuple[int, ...] = ()
    former_pid: int | None = None  # who had it before: a restarted server, a process that is gone
    name: str = ""  # the program: "server", or the process's name
    whose: Literal["process", "kernel", "unknown"] = "process"
    waiting: int = 0  # a listener's accept queue
    backlog: int = 0
    expires_at: float | None = None  # TIME_WAIT: when the lab's clock says that it ends
    inode: int = 0  # the socket's; 0: no process has it, or the kernel was not asked
    user: str = ""  # in the machine's table only, as the next two
    unread: int = 0  # bytes received that nobody has read
    unsent: int = 0  # bytes that the kernel keeps until they are acknowledged


class Holder(Struct, frozen=True):
    """A process that has (or had) a socket open."""

    pid: int
    name: str


class Slot(Struct, frozen=True):
    """A place in the table. A row that vanished leaves its place blank until the next command."""

    row: Row | None


class Focus(Struct, frozen=True):
    """Which conversation is shown and stepped, and which of its two panes has the keys."""

    transport: Transport = "tcp"
    number: int = 1  # the client's
    role: Role = "client"
    stranger: Conversation | None = None  # in the client's place: a conversation whose caller is no program of ours


class World(Struct, frozen=True, kw_only=True):
    """Everything known after so many events."""

    at: float = 0.0
    lab: LabStarted | None = None
    ended: LabEnded | None = None
    step: int = 0  # commands accepted
    endpoints: Mapping[str, Endpoint] = {}
    kernel: tuple[KernelSocket, ...] = ()
    kernel_complete: bool = True  # False: only psutil could be asked; states, but no queues and no counters
    observed_at: float = 0.0  # when the kernel's sockets were last seen to change
    owners: tuple[Owner, ...] = ()
    remembered: Mapping[RowKey, tuple[Holder, ...]] = {}  # who has had a row's socket, oldest first, the last few
    packets: tuple[Packet, ...] = ()
    packets_forgotten: int = 0  # how many more there were, the oldest: see netsim.model.forgetting
    ledger: Ledger = Ledger()
    gate: Literal["none", "closed", "open", "failed"] = "none"
    missed: int = 0  # packets that the gate itself lost
    packets_left_out: int = 0  # packets that passed the open gate and were too many to be told
    ours_left_out: int = 0  # those of them that were no strangers'
    sockets_left_out: int = 0  # sockets of strangers that the kernel has now and that are too many to be told
    slots: tuple[Slot, ...] = ()
    focus: Focus = Focus()
    under_way: frozenset[str] = frozenset()  # endpoints being started or killed: accepted, and not there (or gone) yet
    mover: str = ""  # the endpoint that moved last
    since: tuple[AnyEvent, ...] = ()  # events since the last accepted command, that one first
    changed: frozenset[str] = frozenset()  # what changed since then: "server", "row 8888/tcp ...", "packet 4"

    @property
    def packet_count(self) -> int:
        """How many packets there were, the forgotten ones among them."""
        return self.packets_forgotten + len(self.packets)

    def packets_after(self, count: int) -> tuple[Packet, ...]:
        """All but the first `count` of them, as far as they are not forgotten."""
        return self.packets[max(0, count - self.packets_forgotten) :]
