"""Plays the lab host to one endpoint: starts the real process, answers its calls with go, and collects its events."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import netsim
from netsim.model import events
from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallStarted,
    EndpointEvent,
    ProgramEnded,
    ProgramPrinted,
    ProgramStopped,
)

FOLDER = Path(netsim.__file__).parent / "lab" / "endpoint"
PROGRAM = FOLDER / "__main__.py"  # as the lab starts it
# Another Python than the one that runs the tests can be tried, too: an endpoint needs nothing but a standard library.
PYTHON = os.environ.get("NETSIM_ENDPOINT_PYTHON", sys.executable)
DEADLINE = 60.0  # seconds; only ever waited out when something is broken

Found = TypeVar("Found", bound=EndpointEvent)


class Line:
    """The host's end of one process's channel. `events` is everything it has reported so far."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.events: list[EndpointEvent] = []
        self.hello: dict[str, Any] = {}
        self.forks: list[Line] = []
        self.ended = False
        self.stands = False  # stopped, and not told to go on
        self.longest = 0  # bytes of a line
        self.before_go: Callable[[CallStarted], None] = lambda call: None
        self.answers = True  # with go
        self._pidfd: int | None = None  # of a forked one: it is not ours to wait for
        self._met = 0  # forks that were waited for
        self._read = 0  # events that were waited for, and found
        self._received = b""
        self._descriptors: deque[int] = deque()

    # --- what it tells

    def wait_for(self, kind: type[Found], matches: Callable[[Found], bool] = lambda event: True) -> Found:
        """The next event of this kind (one after the last that was waited for), in time; fails if none comes."""
        deadline = time.monotonic() + DEADLINE
        while True:
            while self._read < len(self.events):
                event = self.events[self._read]
                self._read += 1
                if isinstance(event, kind) and matches(event):
                    return event
            assert not self.ended, f"it ended without {kind.__name__}: {self.events[-3:]}"
            assert self._take(deadline), f"no {kind.__name__} in time: {self.events[-3:]}"

    def wait_for_end(self) -> None:
        """Take in everything up to the end of the channel: nobody has the other end any more."""
        self.wait_until(lambda: self.ended)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Take in events until this is so."""
        deadline = time.monotonic() + DEADLINE
        while not holds():
            assert self._take(deadline), f"not in time: {self.events[-3:]}"

    def wait_for_fork(self) -> Line:
        """The channel of the next forked child."""
        self.wait_until(lambda: len(self.forks) > self._met)
        self._met += 1
        return self.forks[self._met - 1]

    def all(self, kind: type[Found]) -> list[Found]:
        """Every event of this kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def calls(self) -> list[CallReturned]:
        """Every call that has returned so far."""
        return self.all(CallReturned)

    def printed(self, stream: str = "stdout") -> str:
        """Everything printed so far."""
        return "".join(event.text for event in self.all(ProgramPrinted) if event.stream == stream)

    # --- what it is told

    def tell(self, **order: object) -> None:
        """Send an order."""
        self.stands = self.stands and order["do"] == "poll"
        self.channel.sendall(json.dumps(order).encode() + b"\n")

    def close(self) -> None:
        """Hang up, on the forked ones, too; one that lives on is ended."""
        for fork in self.forks:
            fork.close()
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            os.close(self._pidfd)
        for descriptor in self._descriptors:
            os.close(descriptor)
        self.channel.close()

    # --- how

    def _take(self, deadline: float) -> bool:
        """Take in what comes next; False if nothing does in time."""
        poller = select.poll()
        poller.register(self.channel, select.POLLIN)
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return False
        try:
            data, descriptors, _, _ = socket.recv_fds(self.channel, 65536, 8)
        except ConnectionResetError:  # it ended with something of ours unread
            data, descriptors = b"", []
        self._descriptors.extend(descriptors)
        self.ended = not data
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self.longest = max(self.longest, len(line))
            self._take_line(line)
        return True

    def _take_line(self, line: bytes) -> None:
        message = json.loads(line)
        if message["type"] == "Hello":
            self.hello = message
            return
        if message["type"] == "Forked":
            fork = Line(socket.socket(fileno=self._descriptors.popleft()))
            fork.hello = message
            with contextlib.suppress(ProcessLookupError):  # it may be gone already
                fork._pidfd = os.pidfd_open(message["inner_pid"])
            self.forks.append(fork)
            return
        event: AnyEvent = events.decode(b'{"at":0,' + line[1:])
        assert isinstance(event, EndpointEvent)
        self.events.append(event)
        self.stands = self.stands or isinstance(event, ProgramStopped)
        if isinstance(event, CallStarted) and event.thread == 0 and self.answers and "parent_pid" not in self.hello:
            self.before_go(event)
            self.tell(do="go")


class Endpoint(Line):
    """An endpoint's process that runs `source`. To be used as a context manager: then it is gone afterwards."""

    def __init__(
        self, source: str, path: str = "/nowhere/program.py", *, who: str = "server", every_line: bool = False
    ) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(ours)
        command = [PYTHON, "-I", "-S", str(PROGRAM), "--channel", str(theirs.fileno()), "--name", f"netsim-{who}"]
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command + ["--every-line", "yes"] * every_line,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        self.pid = self.process.pid
        self.tell(do="run", who=who, path=path, source=source)

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.close()
        # What went past sys.stdout: nothing, unless the program did that.
        self.output = self.process.communicate(timeout=DEADLINE)

    def stopped(self) -> ProgramStopped:
        """Wait until it stands stopped."""
        return self.wait_for(ProgramStopped)

    def step(self, message: str | None = None) -> ProgramStopped:
        """Step it to the next stop."""
        self.tell(do="step", message=message)
        return self.stopped()

    def step_to(self, line: int) -> ProgramStopped:
        """Step it until it stands before this line."""
        while (stop := self.step()).line != line:
            pass
        return stop

    def step_into_call(self, name: str) -> CallStarted:
        """Step it until a call of this name has begun."""
        self.tell(do="step", message=None)
        return self.wait_for(CallStarted, lambda call: call.name == name)

    def run(self) -> ProgramEnded:
        """Step it to its end, from wherever it is."""
        while True:
            if self.stands:
                self.tell(do="step", message=None)
            event = self.wait_for(EndpointEvent, lambda event: isinstance(event, ProgramStopped | ProgramEnded))
            if isinstance(event, ProgramEnded):
                return event

    def run_extra(self, source: str) -> events.ExtraLineRan:
        """Run one line that is not in the program; it stands stopped again then."""
        self.tell(do="extra", source=source)
        ran = self.wait_for(events.ExtraLineRan)
        self.stopped()
        return ran

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def wait_until_asleep(self, descriptor: int) -> None:
        """Wait until its main thread sleeps in a system call on this descriptor (proc(5): syscall)."""
        deadline = time.monotonic() + DEADLINE
        while True:
            state = Path(f"/proc/{self.pid}/syscall").read_text().split()
            if state[0] != "running" and int(state[1], 16) == descriptor:
                return
            assert time.monotonic() < deadline, f"it does not fall asleep: {state}"

    def exit_status(self) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait(DEADLINE)
