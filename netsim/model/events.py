"""Events: what really happened, in the past tense, as it was observed. The only source of everything on the screen.

On the wire and in a recording an event is one JSON object a line, its type in the field "type".
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import msgspec
from msgspec import Struct

from netsim.model.address import Address, Conversation, Role, Transport
from netsim.model.event import Event
from netsim.model.gate_events import CopyCounted as CopyCounted
from netsim.model.gate_events import GateClosed as GateClosed
from netsim.model.gate_events import GateFailed as GateFailed
from netsim.model.gate_events import GateOpened as GateOpened
from netsim.model.gate_events import GateRestarted as GateRestarted
from netsim.model.gate_events import PacketDropped as PacketDropped
from netsim.model.gate_events import PacketHeld as PacketHeld
from netsim.model.gate_events import PacketObserved as PacketObserved
from netsim.model.gate_events import PacketReleased as PacketReleased
from netsim.model.gate_events import PacketSeen as PacketSeen
from netsim.model.gate_events import PacketsLeftOut as PacketsLeftOut
from netsim.model.gate_events import PacketsMissed as PacketsMissed
from netsim.model.own import OwnProgram

# --- the lab itself


class LabStarted(Event, frozen=True):
    """The lab host is up. `contained`: it lives in a pid namespace, so its end ends everything in it."""

    net: Literal["host", "private"]
    port: int
    system: str  # uname: "Linux 6.18.44"
    python: str  # "3.11.7"
    contained: bool
    contained_because: str  # what was tried and came of it: "user and pid namespaces", "unshare: EPERM ..."
    sock_diag: bool  # the kernel's own socket states and counters can be read
    net_because: str = ""  # why it is this net: "" as asked, else what was tried and refused: "unshare(NEWNET): EPERM"
    gate: Literal["", "nft", "xt"] = ""  # how packets are held: nft's queue expression, xt's NFQUEUE target, not at all
    gate_because: str = ""  # where they can't be: the step that failed and its errno


class LabEnded(Event, frozen=True):
    """The lab host is gone: nothing more can come from it. `reason` is one sentence."""

    reason: str


class CommandAccepted(Event, frozen=True):
    """The lab has taken a command and begins to carry it out. `kind` is the command's type name."""

    id: int
    kind: str
    who: str


class CommandRefused(Event, frozen=True):
    """The lab did not do it; `why` is one sentence."""

    id: int
    kind: str
    who: str
    why: str


# --- endpoints: one process each


class EndpointEvent(Event, frozen=True):
    """Reported by (or about) one process. `pid` is the machine's number, `inner_pid` the one inside the lab."""

    who: str
    pid: int
    inner_pid: int


class EndpointStarted(EndpointEvent, frozen=True):
    """A process runs a program; `source` is what it runs, line for line.

    `forked_from`: the endpoint of which it is a fork(2), "" for none; such a one runs on unstepped.
    """

    role: Role
    transport: Transport
    number: int
    program: str
    source: tuple[str, ...]
    forked_from: str = ""
    own: OwnProgram | None = None


class ModuleRead(EndpointEvent, frozen=True):
    """The program has come into a module of the person's own beside it: its lines are numbered on from here.

    `first`: the number of a line that stands for the module; its own line 1 is the next one.
    """

    module: str
    first: int
    source: tuple[str, ...]


class CallAhead(Struct, frozen=True):
    """A socket call that the program's text has ahead: its name ("recv"), its line (from 1), what it is called on.

    `target` is the expression's text ("conn", "socket"); `fd` the file number it has now, None where that can't be
    known yet. `timeout`: what the socket's gettimeout() says now: seconds, 0.0 for one that never waits, None for one
    that waits as long as it takes (or one that can't be looked at).
    """

    name: str
    line: int
    target: str
    fd: int | None = None
    timeout: float | None = None


class ProgramStopped(EndpointEvent, frozen=True):
    """The program stands before `line` (from 1); nothing on it has run yet.

    `ahead`: the socket calls on this line, then those on the lines that can be reached from here in the text (later
    lines, and all of the loops that the line is in), in the order in which a run would come to them.
    """

    line: int
    function: str
    ahead: tuple[CallAhead, ...]


class ReadinessChanged(EndpointEvent, frozen=True):
    """While the program stands stopped: poll() says that reading from `fd` would (or would no longer) not sleep."""

    fd: int
    readable: bool


class CallError(Struct, frozen=True):
    """An exception as Python names it: type "ConnectionRefusedError", errno 111, name "ECONNREFUSED", its message."""

    type: str
    errno: int | None
    name: str | None
    message: str  # as str(exception) has it: "[Errno 111] Connection refused"


class SocketRef(Struct, frozen=True):
    """One open socket as its process sees it (fstat, getsockname, getpeername)."""

    fd: int
    inode: int
    transport: Transport
    local: Address | None = None
    remote: Address | None = None


class CallStarted(EndpointEvent, frozen=True):
    """A socket call is about to be made. `call` numbers the calls of this process, from 1."""

    call: int
    name: str
    line: int  # the program's line that led to it; 0 if none
    arguments: str  # as Python would write them, shortened
    socket: SocketRef | None
    thread: int = 0  # 0 the main one


class CallSlept(EndpointEvent, frozen=True):
    """The kernel has put the process to sleep in this call. `syscall`: the system call's name where it can be read."""

    call: int
    syscall: str | None = None


class CallReturned(EndpointEvent, frozen=True):
    """The call came back, with a result or an error. `microseconds`: the call alone, without our reporting."""

    call: int
    name: str
    line: int
    result: str  # as Python would write it, shortened; "" after an error
    error: CallError | None
    microseconds: float
    socket: SocketRef | None  # after the call; after close(): as it was before
    accepted: SocketRef | None = None  # accept(): the new socket
    size: int | None = None  # bytes sent or received
    data: bytes | None = None  # those bytes, the first 512 of them
    peer: Address | None = None  # sendto, recvfrom: the other end
    thread: int = 0


class ExtraLineRan(EndpointEvent, frozen=True):
    """A line that is not in the program was run in its frame; `result` is its value's repr, "" if none."""

    source: str
    result: str
    error: CallError | None


class ProgramPrinted(EndpointEvent, frozen=True):
    """The program wrote this text (possibly several lines, possibly half of one)."""

    stream: Literal["stdout", "stderr"]
    text: str


class ProgramEnded(EndpointEvent, frozen=True):
    """The program ran to its end, or an exception ended it: `traceback` as Python prints it, without our frames."""

    line: int
    error: CallError | None
    traceback: str


class ProcessSlept(EndpointEvent, frozen=True):
    """The main thread sleeps, in a system call that is none of its sockets' calls: input(), sleep(), join(), select().

    `syscall`: its name and `fd` its first argument, where they can be read (a number only of a call that takes one);
    `line`: the program's line that led there, 0 if that is not known.
    """

    line: int
    syscall: str | None = None
    fd: int | None = None


class ProcessSpun(EndpointEvent, frozen=True):
    """The main thread has been running for a while without coming to a stop, a call or a sleep; `line`: where it is."""

    line: int


class ProcessPaused(EndpointEvent, frozen=True):
    """A signal from outside has stopped the process, wherever it was: it does nothing until SIGCONT comes (signal(7)).

    `signal`: its name, "SIGSTOP" for one.
    """

    signal: str


class ProcessContinued(EndpointEvent, frozen=True):
    """SIGCONT has come: the process goes on from where it was."""


class LineTyped(EndpointEvent, frozen=True):
    """The person has typed this line for the program's standard input; `end`: there is no more to come."""

    text: str
    end: bool = False


class ProcessExited(EndpointEvent, frozen=True):
    """The process is gone and reaped. `status` as in waitpid: an exit code, or minus the signal that ended it.

    None: a process that a program has forked and reaped itself, on a kernel that does not tell it afterwards.
    """

    status: int | None

    @property
    def killed_by(self) -> int:
        """The number of the signal that has ended it (signal(7)); 0 if none did."""
        return -self.status if self.status is not None and self.status < 0 else 0


# --- the kernel's side

TcpState = Literal[
    "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
    "LISTEN", "CLOSING",
]  # fmt: skip


class Counters(Struct, frozen=True):
    """What a connected TCP socket's TCP_INFO counts (linux/tcp.h, struct tcp_info); bytes without SYN, with FIN."""

    segs_out: int
    segs_in: int
    data_segs_out: int
    data_segs_in: int
    bytes_sent: int
    bytes_acked: int
    bytes_received: int
    retransmits: int  # tcpi_total_retrans


class KernelSocket(Struct, frozen=True):
    """One socket as the kernel lists it (sock_diag(7), inet_diag.h). `inode` 0: no process has it open.

    For a listener `receive_queue` is how many connections wait for accept() and `send_queue` the limit. For a
    connection they are the bytes received and unread (a FIN counts as one), and sent and not acknowledged.
    For UDP `receive_queue` is the memory that waiting datagrams take: more than zero means that something waits.
    """

    transport: Transport
    state: TcpState
    local: Address
    remote: Address | None
    inode: int
    receive_queue: int
    send_queue: int
    uid: int = 0
    timer: Literal["", "retransmit", "keepalive", "timewait", "probe"] = ""
    expires_ms: int = 0
    expirations: int = 0  # how often the running timer has fired
    counters: Counters | None = None


class SocketsObserved(Event, frozen=True):
    """All sockets of the lab as the kernel has them now (only sent when that differs from the last time).

    `complete` is False where only psutil could be asked (no sock_diag): states, but no queues or counters. `left_out`:
    so many more there are, of connections between strangers or of theirs to us, that are too many to tell.
    """

    sockets: tuple[KernelSocket, ...]
    complete: bool = True
    left_out: int = 0


class Owner(Struct, frozen=True):
    """A row of psutil's table: a socket's addresses and the process that psutil names for it, None if it can't."""

    transport: Transport
    local: Address
    remote: Address | None
    state: str  # the kernel's spelling; "" for UDP
    pid: int | None
    name: str  # the process's name, "" if unknown


class OwnersObserved(Event, frozen=True):
    """psutil's port → PID table of the lab's ports (only sent when it differs from the last time)."""

    owners: tuple[Owner, ...]


# --- the person


class FocusMoved(Event, frozen=True):
    """The person (or the story) turned to this endpoint: its conversation is the one that is shown and stepped.

    `stranger`: in place of one (`who` is ""), the conversation of a client that is none of our programs.
    """

    who: str
    stranger: Conversation | None = None


AnyEvent = (
    LabStarted | LabEnded | CommandAccepted | CommandRefused | EndpointStarted | ProgramStopped | ReadinessChanged
    | CallStarted | CallSlept | CallReturned | ExtraLineRan | ProgramPrinted | ProgramEnded | ProcessExited
    | ModuleRead | ProcessSlept | ProcessSpun | ProcessPaused | ProcessContinued | LineTyped | SocketsObserved
    | OwnersObserved | FocusMoved
    | PacketHeld | PacketSeen | PacketReleased | PacketDropped | CopyCounted
    | GateOpened | GateClosed | GateFailed | GateRestarted | PacketsMissed
    | PacketsLeftOut
)  # fmt: skip

_encoder = msgspec.json.Encoder()


def encode(event: AnyEvent) -> bytes:
    """One line of JSON, without the newline; bytes are base64."""
    return _encoder.encode(event)


def decode(line: bytes) -> AnyEvent:
    """The event in one line of JSON; raises msgspec.DecodeError (or its ValidationError) where there is none."""
    return _decoder().decode(line)


@cache
def _decoder() -> msgspec.json.Decoder[AnyEvent]:
    """Made when it is first needed: that takes milliseconds, and each side reads only what the other writes."""
    return msgspec.json.Decoder(AnyEvent)
