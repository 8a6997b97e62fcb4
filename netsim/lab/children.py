"""One endpoint's process, seen from the lab host: how it is started, what it is doing, how it ends.

Sources: fork(2), execve(2), pidfd_open(2). The channel goes to a descriptor far up, so that the program's first socket
gets 3, as it does without us.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from netsim.lab import linux, procfs
from netsim.lab.channel import Channel
from netsim.lab.printing import Gathered
from netsim.model.commands import StartEndpoint
from netsim.model.events import CallStarted

# Its file and not its folder: for a folder Python imports runpy and what that needs, 4 ms in each process.
ENDPOINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "endpoint", "__main__.py")
_CHANNEL = 100  # the channel's number in the endpoint
_SHARED = 101  # and that of the page in which it notes its line
_LINE_BYTES = 4  # of a line's number in it, in this machine's order
_NAME_LENGTH = 15  # of a process: TASK_COMM_LEN, linux/sched.h

# running: between stops. calling: in a socket call. stopped: waits for an order. ended: its program has ended.
State = Literal["starting", "stopped", "running", "calling", "ended"]
Stream = Literal["stdout", "stderr"]


class Pipe:
    """What the process writes past Python's own streams: from a program that it starts, or in its last moment."""

    def __init__(self, descriptor: int, stream: Stream) -> None:
        self.descriptor, self.stream = descriptor, stream
        os.set_blocking(descriptor, False)
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self.ended = False

    def fileno(self) -> int:
        return self.descriptor

    def receive(self) -> str:
        """The text that has come, "" if none. Sets `ended` at the end."""
        try:
            data = os.read(self.descriptor, 65536)
        except BlockingIOError:
            return ""
        self.ended = not data
        return self._decoder.decode(data, final=not data)

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


class Child:
    """A process in the lab. `inner_pid` is what kill() takes here, `pid` the machine's number."""

    def __init__(self, who: str, order: StartEndpoint, source: str, inner_pid: int, channel: Channel) -> None:
        self.who, self.order, self.source = who, order, source
        self.inner_pid = inner_pid
        self.channel = channel
        self.pidfd = procfs.open_pidfd(inner_pid)
        self.pid = (procfs.machine_pid(self.pidfd) if self.pidfd is not None else None) or inner_pid
        self.pipes: list[Pipe] = []
        self.forked = False  # by a program: not our child to reap, not stepped
        self.forked_from = ""  # the endpoint that did it
        self.introduced = False
        self.state: State = "starting"
        self.calls: dict[int, CallStarted] = {}  # not returned yet, by number
        self.slept: set[int] = set()  # those of them in which it sleeps
        self.ports: set[int] = set()  # local ones that it has reported
        self.exited = False
        self.stdin: int | None = None  # where the person's lines are written to
        self.shared: int | None = None  # a file in which the endpoint notes the line where it is
        self.last_line = 0  # of all its files', once it has come into modules of the person's own
        self.paused = ""  # the name of the signal that has stopped the whole process
        self.watched = False  # looked at now and then, while it runs (netsim.lab.watching)
        self.looks = 0
        self.told: object = None  # what was told of it last
        self.gathered: Gathered | None = None  # what it has printed a moment ago (netsim.lab.printing)

    def line(self) -> int:
        """The program's line that runs, or has led to what runs; 0 if that is not known."""
        noted = os.pread(self.shared, _LINE_BYTES, 0) if self.shared is not None else b""
        return int.from_bytes(noted, sys.byteorder)

    def type(self, text: bytes) -> bool:
        """Write to its standard input; False if it has not read what was written before, or reads nothing."""
        if self.stdin is None:
            return False
        try:
            return os.write(self.stdin, text) == len(text)
        except (BlockingIOError, BrokenPipeError):
            return False

    def end_input(self) -> None:
        """The end of its standard input; harmless if that has come already."""
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None

    @property
    def main_call(self) -> CallStarted | None:
        """The call that its main thread is in."""
        return next((call for call in self.calls.values() if call.thread == 0), None)

    @property
    def sleeping_in(self) -> CallStarted | None:
        """The call in which its main thread is known to sleep."""
        call = self.main_call
        return call if call and call.call in self.slept else None

    def tell(self, **order: object) -> None:
        """Send the endpoint an order."""
        self.channel.send(msgspec.json.encode(order))

    def send_signal(self, number: int) -> None:
        """Send it a signal; one that is gone gets none, nor does one that was given its number since."""
        try:
            if self.pidfd is not None and sys.platform.startswith("linux"):
                signal.pidfd_send_signal(self.pidfd, number)
            else:
                os.kill(self.inner_pid, number)
        except ProcessLookupError:
            pass

    def close(self) -> None:
        """Give back every descriptor but the pipes': what the process has started may go on to write into them."""
        self.channel.close()
        self.end_input()
        if self.shared is not None:
            os.close(self.shared)
            self.shared = None
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None


def start(order: StartEndpoint, path: str, source: str, endpoint: str = ENDPOINT, *, contained: bool = False) -> Child:
    """Start an endpoint's process and tell it what to run; raises OSError where no process can be had.

    `contained`: the lab's end ends whatever the program forks, too. To be called from the main thread: the process ends
    when the thread that created it does.
    """
    ours, theirs = socket.socketpair()
    own = order.own is not None
    pipes: list[Pipe] = []
    writers: list[int] = []
    inputs: tuple[int, int] | None = None
    shared = _memory_file() if own else None
    options = ["--contained", "yes"] if contained else []
    options += ["--shared", str(_SHARED)] if shared is not None else []
    files = {_SHARED: shared} if shared is not None else {}  # theirs: ours
    try:
        if own:
            inputs = os.pipe()
            files[0] = inputs[0]
        for stream in _STREAMS:
            reader, writer = os.pipe()
            pipes.append(Pipe(reader, stream))
            writers.append(writer)
        pid = _spawn(
            # Their own programs have all that `python` would have: site-packages, and what the environment says.
            [sys.executable, *(() if own else ("-I", "-S")), endpoint,
             "--channel", str(_CHANNEL), "--name", process_name(order.who), *options],
            {1: writers[0], 2: writers[1], _CHANNEL: theirs.fileno(), **files},
        )  # fmt: skip
    except OSError:
        ours.close()
        for pipe in pipes:
            pipe.close()
        for each in (inputs[1] if inputs else None, shared):
            if each is not None:
                os.close(each)
        raise
    finally:
        theirs.close()
        for writer in (*writers, *inputs[:1]) if inputs else writers:
            os.close(writer)
    child = Child(order.who, order, source, pid, Channel(ours))
    child.pipes = pipes
    if inputs:
        child.stdin = inputs[1]
        os.set_blocking(child.stdin, False)
    child.shared = shared
    child.tell(do="run", who=order.who, path=path, source=source, own=order.own)
    return child


def _memory_file() -> int | None:
    """A file that is nowhere but in memory; None on a system that has no such thing."""
    return os.memfd_create("netsim-line") if hasattr(os, "memfd_create") else None


_STREAMS: tuple[Stream, ...] = ("stdout", "stderr")


def process_name(who: str) -> str:
    """What ps shows for an endpoint: "netsim-server", shortened before the number where that is too long."""
    stem = who.rstrip("0123456789")
    number = who[len(stem) :]
    return f"netsim-{stem}"[: _NAME_LENGTH - len(number)] + number


def fork_of(parent: Child, who: str, inner_pid: int, pid: int, wire: socket.socket) -> Child:
    """The record of a process that a program has forked and that reports on a channel of its own."""
    child = Child(who, parent.order, parent.source, inner_pid, Channel(wire))
    child.pid = pid
    child.forked = True
    child.forked_from = parent.who
    child.state = "running"
    child.ports = set(parent.ports)
    return child


class Ended(NamedTuple):
    """Our child has ended, and is reaped; `status` as os.waitstatus_to_exitcode has it, None where nobody knows."""

    status: int | None


def news_of(child: Child) -> Iterator[Ended | Literal["continued"] | signal.Signals]:
    """What has become of our child since it was asked last: a signal has stopped it, it was continued, it has ended."""
    while True:
        try:
            pid, status = os.waitpid(child.inner_pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
        except ChildProcessError:
            yield Ended(None)
            return
        if not pid:
            return
        if os.WIFSTOPPED(status):
            yield signal.Signals(os.WSTOPSIG(status))
        elif os.WIFCONTINUED(status):
            yield "continued"
        else:
            yield Ended(os.waitstatus_to_exitcode(status))
            return


def _spawn(command: list[str], descriptors: dict[int, int]) -> int:
    """Fork and exec, in a session of its own, with nothing on stdin and `descriptors` (theirs: ours) and no others.

    All of ours are close-on-exec (PEP 446), so nothing leaks. By hand, because the import of subprocess costs 7 ms.
    """
    me = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        if sys.platform.startswith("linux"):
            linux.die_with_parent(me)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        # First out of each other's way, then to their places; dup2 makes them inheritable.
        high = {theirs: os.dup(ours) for theirs, ours in descriptors.items()}
        os.dup2(nothing, 0)
        for theirs, ours in high.items():
            os.dup2(ours, theirs)
            os.set_inheritable(theirs, True)  # where the copy happened to be in its place already
        os.execv(command[0], command)
    except BaseException as error:
        os.write(2, f"netsim: {command[0]} could not be started: {error}\n".encode())
    finally:
        os._exit(127)
