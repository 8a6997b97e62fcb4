"""A small lab for these tests: real processes make real socket calls, and what the real kernel shows is recorded.

It reports as the lab host does: all sockets before a call, right after it, and at 1 to 50 ms after, when they differ.
"""

from __future__ import annotations

import ast
import contextlib
import os
import select
import subprocess
import sys
import time
from typing import Any

from msgspec.structs import replace

from netsim.lab.sockdiag import SockDiag
from netsim.model.address import Address, Role, Transport
from netsim.model.events import (
    AnyEvent,
    CallError,
    CallReturned,
    CallSlept,
    CallStarted,
    EndpointStarted,
    KernelSocket,
    ProcessExited,
    SocketRef,
    SocketsObserved,
)

SAMPLES = (0.0, 0.001, 0.002, 0.005, 0.010, 0.020, 0.035, 0.050)  # seconds after something happened
ASLEEP = 0.030  # a call that has not come back after so many seconds is said to sleep

_CHILD = r"""
import ast, errno, os, socket, struct, sys
names, wait = {}, sys.argv[1] == "True"
def address(a): return a[:2] if isinstance(a, tuple) and a[1] else None
def ref(s):
    if not isinstance(s, socket.socket) or s.fileno() < 0: return None
    kind = "tcp" if s.type == socket.SOCK_STREAM else "udp"
    found = {"fd": s.fileno(), "inode": os.fstat(s.fileno()).st_ino, "transport": kind}
    for key, ask in ("local", s.getsockname), ("remote", s.getpeername):
        try: found[key] = address(ask())
        except OSError: found[key] = None
    return found
def tell(**what): sys.stdout.write(repr(what) + "\n"); sys.stdout.flush()
for line in sys.stdin:
    on, call, args, to = ast.literal_eval(line)
    s = names.get(on); before = ref(s); more = {}
    tell(started=call, socket=before)
    if wait: sys.stdin.readline()
    try:
        if call == "socket": s = names[on] = socket.socket(*args); result = s
        elif call == "linger0": result = s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else: result = getattr(s, call)(*args)
        if call == "accept": names[to], peer = result; more = {"accepted": ref(names[to]), "peer": address(peer)}
        if call in ("send", "sendto"): more = {"size": result, "data": args[0][:result][:512]}
        if call == "sendall": more = {"size": len(args[0]), "data": args[0][:512]}
        if call == "sendto": more["peer"] = args[-1]
        if call == "recv": more = {"size": len(result), "data": result[:512]}
        if call == "recvfrom": more = {"size": len(result[0]), "data": result[0][:512], "peer": address(result[1])}
        error = None
    except OSError as e: error = [type(e).__name__, e.errno, errno.errorcode.get(e.errno), str(e)]
    tell(returned=call, socket=ref(s) or before, error=error, **more)
"""


class Stage:
    """The processes by name, and everything that was observed so far in `events`."""

    def __init__(self, port: int, *, orderly: bool = True) -> None:
        """`orderly`: a process waits for the sample before its call; otherwise that may show the call's effect."""
        self.port = port
        self._orderly = orderly
        self.events: list[AnyEvent] = []
        self._diag = SockDiag()
        self._began = time.monotonic()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._calls: dict[str, CallStarted] = {}
        self._numbers: dict[str, int] = {}
        self._slept: set[str] = set()
        self._lines: dict[str, list[tuple[str, tuple[object, ...]]]] = {}
        self._last: tuple[KernelSocket, ...] = ()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.kill()
            process.communicate()
        self._diag.close()

    @property
    def now(self) -> float:
        return round(time.monotonic() - self._began, 4)

    def start(self, who: str, transport: Transport = "tcp") -> None:
        """Start a process; a `who` that was there and has ended is started again."""
        command = [sys.executable, "-I", "-S", "-c", _CHILD, str(self._orderly)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._processes[who] = process
        role: Role = "server" if "server" in who else "client"
        self.events.append(
            EndpointStarted(
                at=self.now,
                who=who,
                pid=process.pid,
                inner_pid=process.pid,
                role=role,
                transport=transport,
                number=1,
                program="",
                source=(),
            )
        )

    def call(self, who: str, on: str, name: str, *args: object, to: str = "conn") -> None:
        """Have `who` make one call on its socket `on`; comes back 50 ms after it returned, or sleeping."""
        self.begin(who, on, name, *args, to=to)
        while self._lines[who]:
            self.settle(0.0)
        self.settle()

    def begin(self, who: str, on: str, name: str, *args: object, to: str = "conn") -> None:
        """The same without waiting, also for the call before it: what happens is seen by a later `settle`."""
        self._lines.setdefault(who, []).append((name, args))
        self._write(who, repr((on, name, args, to)))

    def _write(self, who: str, line: str) -> None:
        stdin = self._processes[who].stdin
        assert stdin is not None
        os.write(stdin.fileno(), (line + "\n").encode())

    def kill(self, who: str) -> None:
        """SIGKILL, and reap."""
        self._sample()
        process = self._processes.pop(who)
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._calls.pop(who, None)
        self._sample()
        self.events.append(
            ProcessExited(at=self.now, who=who, pid=process.pid, inner_pid=process.pid, status=process.returncode)
        )
        self.settle()

    def settle(self, seconds: float = SAMPLES[-1]) -> None:
        """Take in what the processes report, and the samples that follow, until nothing has come for so long."""
        since = time.monotonic()
        due = [since + each for each in (*SAMPLES[1:], seconds) if each <= seconds]
        while due:
            by_fd = {p.stdout.fileno(): who for who, p in self._processes.items() if p.stdout is not None}
            ready, _, _ = select.select(list(by_fd), [], [], max(0.0, due[0] - time.monotonic()))
            for fd in ready:
                text = b""
                while not text.endswith(b"\n"):
                    more = os.read(fd, 1 << 16)
                    if not more:
                        return
                    text += more
                for line in text.decode().splitlines():
                    self._report(by_fd[fd], ast.literal_eval(line))
            if ready:
                since = time.monotonic()
                due = [since + each for each in (*SAMPLES[1:], seconds) if each <= seconds]
            else:
                due.pop(0)
                self._sample()
            self._mark_sleepers(since)

    def _mark_sleepers(self, since: float) -> None:
        if time.monotonic() - since >= ASLEEP:
            for who, call in self._calls.items():
                if who not in self._slept:
                    self._slept.add(who)
                    self.events.append(
                        CallSlept(at=self.now, who=who, pid=call.pid, inner_pid=call.pid, call=call.call)
                    )

    def _report(self, who: str, told: dict[str, Any]) -> None:
        pid = self._processes[who].pid
        if "started" in told:
            self._sample()
            self._numbers[who] = self._numbers.get(who, 0) + 1
            name, args = self._lines[who].pop(0)
            self._calls[who] = CallStarted(
                at=self.now, who=who, pid=pid, inner_pid=pid, call=self._numbers[who], name=name, line=0,
                arguments=", ".join(map(_short, args)), socket=_ref(told["socket"]),
            )  # fmt: skip
            self.events.append(self._calls[who])
            if self._orderly:
                self._write(who, "go")
            return
        started = self._calls.pop(who)
        self._slept.discard(who)
        error = told["error"]
        self.events.append(
            CallReturned(
                at=self.now,
                who=who,
                pid=pid,
                inner_pid=pid,
                call=started.call,
                name=started.name,
                line=0,
                result="",
                error=CallError(*error) if error else None,
                microseconds=0.0,
                socket=_ref(told["socket"]),
                accepted=_ref(told.get("accepted")),
                size=told.get("size"),
                data=told.get("data"),
                peer=_address(told.get("peer")),
            )
        )
        self._sample()

    def _sample(self) -> None:
        ports = frozenset((self.port,))
        sockets = self._diag.dump(ports)
        if _told(sockets) != _told(self._last):
            self._last = sockets
            self.events.append(SocketsObserved(at=self.now, sockets=sockets))


def _told(sockets: tuple[KernelSocket, ...]) -> list[object]:
    """What counts as a difference: everything but a running countdown."""
    return [replace(each, expires_ms=0) for each in sockets]


def _short(argument: object) -> str:
    text = repr(argument)
    return text if len(text) < 60 else text[:57] + "..."


def _address(told: Any) -> Address | None:
    return Address(told[0], told[1]) if told else None


def _ref(told: Any) -> SocketRef | None:
    if not told:
        return None
    return SocketRef(told["fd"], told["inode"], told["transport"], _address(told["local"]), _address(told["remote"]))
