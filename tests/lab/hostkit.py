"""A lab for tests: a real LabClient, its events in a list, and waits with a deadline in place of sleeps."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import psutil
import pytest

from netsim.lab import client as client_module
from netsim.lab.client import LabClient
from netsim.model.commands import AnyCommand, Interrupt, Kill, RunExtraLine, StartEndpoint, Step
from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallSlept,
    CommandAccepted,
    CommandRefused,
    EndpointStarted,
    LabEnded,
    LabStarted,
    ProcessExited,
    ProgramStopped,
    SocketsObserved,
)
from tests.processes import computing, family

STUB = Path(__file__).parent / "stub_endpoint.py"
BUSY = 5.0  # seconds after which a program that only computes counts as asleep, too
PATIENCE = 60.0  # seconds: never waited for in a good run

Kind = TypeVar("Kind")


class Lab:
    """A lab that a test talks to. `seen` has every event, in order; `mark` is where the next wait begins."""

    def __init__(self, client: LabClient) -> None:
        self.client = client
        self.seen: list[AnyEvent] = []
        self.mark = 0
        self._ids = itertools.count(1)
        self._more = threading.Condition()
        self._flowing = threading.Event()
        self._flowing.set()

    def __enter__(self) -> Self:
        self.client.start(self._take)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def _take(self, event: AnyEvent) -> None:
        self._flowing.wait(PATIENCE)
        with self._more:
            self.seen.append(event)
            self._more.notify_all()

    # --- waits

    def wait(
        self,
        kind: type[Kind],
        where: Callable[[Kind], object] = lambda event: True,
        *,
        seconds: float = PATIENCE,
        **fields: object,
    ) -> Kind:
        """The next event of that kind with these fields, after those that earlier waits have passed."""
        deadline = time.monotonic() + seconds
        with self._more:
            while True:
                while self.mark < len(self.seen):
                    event = self.seen[self.mark]
                    self.mark += 1
                    if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items()):
                        if where(event):
                            return event
                    assert not isinstance(event, LabEnded), event
                left = deadline - time.monotonic()
                assert left > 0, f"no {kind} {fields}; the last events: {self.seen[-8:]}"
                self._more.wait(left)

    def quiet(self, seconds: float) -> list[AnyEvent]:
        """Wait for nothing; returns the events that came all the same."""
        before = len(self.seen)
        with self._more:
            self._more.wait_for(lambda: len(self.seen) > before, seconds)
        return self.seen[before:]

    def wait_for_end(self) -> LabEnded:
        """The lab's end, which is told once and last."""
        with self._more:
            assert self._more.wait_for(lambda: any(isinstance(each, LabEnded) for each in self.seen), PATIENCE)
        ended = [event for event in self.seen if isinstance(event, LabEnded)]
        assert len(ended) == 1
        assert self.seen[-1] is ended[0]
        return ended[0]

    def settle(self) -> None:
        """Until nothing has come for a while (longer than the last look of a burst, or psutil, takes) and all sleep."""
        end = time.monotonic() + BUSY
        while self.quiet(0.4) or (computing(family(self.client.pid or 0)) and time.monotonic() < end):
            pass
        self.mark = len(self.seen)

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """While this is entered the screen reads no event; only orders can be given."""
        self._flowing.clear()
        yield
        self._flowing.set()

    # --- orders

    def send(self, command: AnyCommand) -> int:
        """Send a command under a fresh id."""
        number = next(self._ids)
        self.client.send(type(command)(**{**{f: getattr(command, f) for f in command.__struct_fields__}, "id": number}))
        return number

    def ask(self, command: AnyCommand) -> CommandAccepted | CommandRefused:
        """Send a command and wait for its answer."""
        number = self.send(command)
        return self.wait(CommandAccepted | CommandRefused, id=number)  # type: ignore[arg-type]

    def begin(self, who: str, program: str | None = None, **fields: Any) -> EndpointStarted:
        """Start an endpoint: "server", "client1", "udpserver"; wait until it stands before its first call."""
        role = "server" if "server" in who else "client"
        transport = "udp" if who.startswith("udp") else "tcp"
        self.send(
            StartEndpoint(
                **{  # type: ignore[arg-type]
                    "who": who,
                    "program": program or f"{transport}_{role}.py",
                    "role": role,
                    "transport": transport,
                    **fields,
                }
            )
        )
        started = self.wait(EndpointStarted, who=who)
        self.wait(ProgramStopped, who=who)
        return started

    def step(self, who: str, count: int = 1, message: str | None = None) -> None:
        """Step, and wait for the stop (or the end) after it."""
        for _ in range(count):
            answer = self.ask(Step(who=who, message=message))
            assert isinstance(answer, CommandAccepted), answer
            self.wait(ProgramStopped | ProcessExited, who=who)  # type: ignore[arg-type]

    def step_past(self, who: str, call: str) -> CallReturned:
        """Step until that call has been made; returns how it went."""
        for _ in range(20):
            start = len(self.seen)
            self.step(who)
            for event in self.seen[start:]:
                if isinstance(event, CallReturned) and event.who == who and event.name == call:
                    return event
        raise AssertionError(f"{who} makes no {call}()")

    def step_into_sleep(self, who: str) -> CallSlept:
        """Step into a call that does not come back."""
        self.send(Step(who=who))
        return self.wait(CallSlept, who=who)

    def extra(self, who: str, source: str) -> None:
        """Run a line in a stopped program, without waiting for what it does."""
        answer = self.ask(RunExtraLine(who=who, source=source))
        assert isinstance(answer, CommandAccepted), answer

    def end(self, who: str) -> ProcessExited:
        """Kill an endpoint and wait for its end."""
        self.send(Kill(who=who))
        return self.wait(ProcessExited, who=who)

    def interrupt(self, who: str) -> CommandAccepted | CommandRefused:
        """Interrupt an endpoint."""
        return self.ask(Interrupt(who=who))

    # --- looks

    @property
    def started(self) -> LabStarted:
        """The first event."""
        if not self.seen:
            self.wait(LabStarted)
        first = self.seen[0]
        assert isinstance(first, LabStarted), first
        return first

    @property
    def sockets(self) -> SocketsObserved | None:
        """The kernel's sockets as they were told last."""
        return next((event for event in reversed(self.seen) if isinstance(event, SocketsObserved)), None)

    def kinds(self, start: int = 0) -> list[str]:
        """The names of the events from an index on."""
        return [type(event).__name__ for event in self.seen[start:]]

    def processes(self) -> dict[str, psutil.Process]:
        """The lab's processes by name, as the machine sees them; not those that end just now."""
        assert self.client.pid is not None
        outer = psutil.Process(self.client.pid)
        found = {outer.name(): outer}
        for each in outer.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                found[each.name()] = each
        return found


def inner_pids(pid: int) -> list[int]:
    """The numbers of a process in each namespace that it is in, the machine's first (proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(number) for line in status.splitlines() if line.startswith("NSpid:") for number in line.split()[1:]]


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something is true of the machine, which tells nobody."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)


def changed_lab(
    change: str, port: int, folder: Path, monkeypatch: pytest.MonkeyPatch, endpoint: Path | None = STUB, **options: Any
) -> LabClient:
    """A client whose lab runs `change` (Python) before anything else; with the stub, unless told otherwise."""
    main = folder / "__main__.py"
    main.write_text(
        f"import runpy, sys\nsys.path += sys.argv[sys.argv.index('--paths') + 1].split(':')\n{change}\n"
        f"runpy.run_path({str(Path(client_module.__file__).parent / '__main__.py')!r}, run_name='__main__')\n"
    )
    paths = client_module._paths()
    with monkeypatch.context() as changed:
        changed.setattr(client_module, "_HERE", folder / "client.py")
        changed.setattr(client_module, "_paths", lambda: paths)
        return LabClient(port, endpoint=endpoint, **options)


def is_root() -> bool:
    """Whether these tests run as root."""
    return os.geteuid() == 0
