"""What an endpoint reports becomes events, with the kernel's sockets looked at before and after each of its calls."""

from __future__ import annotations

import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from netsim.lab import children, own_programs, procfs
from netsim.lab.children import Child
from netsim.model.events import (
    CallReturned,
    CallSlept,
    CallStarted,
    EndpointStarted,
    ExtraLineRan,
    ModuleRead,
    ProgramEnded,
    ProgramPrinted,
    ProgramStopped,
    ReadinessChanged,
    SocketRef,
)

if TYPE_CHECKING:
    from netsim.lab.host import Host

SLEEP_AFTER = 0.020  # seconds after a call was let go, from which on it is looked whether it sleeps
_SLEEP_LOOKS = 0.5  # seconds between two looks, at most

Report = (
    ProgramStopped | ReadinessChanged | CallStarted | CallReturned | ExtraLineRan | ProgramPrinted | ProgramEnded
    | ModuleRead
)  # fmt: skip
_decoder: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


class Reports:
    """Takes the lines of all endpoints. What one of them says about another is told as its own."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def take(self, child: Child, line: bytes) -> None:
        """One line from an endpoint; one that can't be understood is the end of that process."""
        self._host.gate.take()  # what was sent before this was reported
        try:
            if b'"Hello"' in line or b'"Forked"' in line:
                message = msgspec.json.decode(line, type=dict[str, Any])
                if message.get("type") == "Hello":
                    self._hello(child, message)
                    return
                if message.get("type") == "Forked":
                    self._forked(child, message)
                    return
            event = _decoder.decode(b'{"at":%.6f,' % self._host.now() + line.lstrip()[1:])
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            print(f"netsim: {child.who} reported what is no event ({error}): {line[:200]!r}", file=sys.stderr)
            child.send_signal(signal.SIGKILL)
            return
        self.introduce(child)
        self._report(child, replace(event, who=child.who, pid=child.pid, inner_pid=child.inner_pid))

    def introduce(self, child: Child) -> None:
        """Tell that the process runs its program, once."""
        if child.introduced:
            return
        child.introduced = True
        order = child.order
        self._host.emit(
            EndpointStarted(
                at=self._host.now(),
                who=child.who,
                pid=child.pid,
                inner_pid=child.inner_pid,
                role=order.role,
                transport=order.transport,
                number=order.number,
                program=order.program,
                source=tuple(own_programs.lines(child.source)),
                forked_from=child.forked_from,
                own=order.own,
            )
        )

    def _hello(self, child: Child, message: dict[str, Any]) -> None:
        child.pid, child.inner_pid = int(message["pid"]), int(message["inner_pid"])
        self.introduce(child)

    def _forked(self, parent: Child, message: dict[str, Any]) -> None:
        descriptor = parent.channel.take_descriptor()
        if descriptor is None:
            raise KeyError("a fork without its channel")
        wire = socket.socket(fileno=descriptor)
        who = self._host.family.name_for_fork(parent)
        child = children.fork_of(parent, who, int(message["inner_pid"]), int(message["pid"]), wire)
        self.introduce(child)
        self._host.family.adopt(child)
        self._host.stir()

    def _report(self, child: Child, event: Report) -> None:
        host = self._host
        if isinstance(event, ProgramPrinted):
            host.printing.take(child, event)
            return
        host.printing.flush(child)
        host.emit(event)
        match event:
            case CallStarted():
                child.calls[event.call] = event
                stepped = event.thread == 0 and not child.forked
                if event.thread == 0:
                    child.state = "calling"
                self._note(child, event.socket)
                host.sampler.look()
                if stepped:
                    child.tell(do="go")
                host.timers.after(SLEEP_AFTER, lambda: self._look_for_sleep(child, event, SLEEP_AFTER))
                host.sampler.stir()
            case CallReturned():
                child.calls.pop(event.call, None)
                child.slept.discard(event.call)
                if event.thread == 0:
                    child.state = "running"
                    host.watching.begin(child)
                self._note(child, event.socket)
                self._note(child, event.accepted)
                host.sampler.look()
                host.stir()
            case ProgramStopped():  # also after each extra line
                child.state = "stopped"
                host.sampler.stir()
            case ProgramEnded():
                child.state = "ended"  # the process may live on, for its threads
                host.watching.begin(child)
                host.stir()
            case ModuleRead():
                child.last_line = event.first + len(event.source)
            case ExtraLineRan() | ReadinessChanged():
                pass

    def _note(self, child: Child, ref: SocketRef | None) -> None:
        """Remember a socket of the lab's, by its inode and its port.

        A caller's ephemeral port is not one of the lab's: the connection is found by the port that was called, and on
        the machine's own net the same number may have been somebody else's a moment ago.
        """
        if ref is None:
            return
        self._host.inodes.add(ref.inode)
        called = ref.transport == "tcp" and ref.remote is not None and ref.remote.port in self._host.family.ports()
        if ref.local is not None and ref.local.port and not called:
            child.ports.add(ref.local.port)

    def _look_for_sleep(self, child: Child, call: CallStarted, waited: float) -> None:
        """Tell that the kernel has put the process to sleep in this call, once it has."""
        if child.exited or call.call not in child.calls:
            return
        sleeps, syscall = procfs.asleep(child.pid, call.thread == 0)
        if sleeps and not child.channel.has_input():  # or it sleeps because it has reported, and we have not read it
            child.slept.add(call.call)
            self._host.emit(
                CallSlept(
                    at=self._host.now(),
                    who=child.who,
                    pid=child.pid,
                    inner_pid=child.inner_pid,
                    call=call.call,
                    syscall=syscall,
                )
            )
            return
        self._host.timers.after(min(waited, _SLEEP_LOOKS), lambda: self._look_for_sleep(child, call, 2 * waited))
