"""A classroom: thirty terminals at once, each with a lab and a port 8888 of its own; closing them ends all of it."""

from __future__ import annotations

import contextlib
import os
import selectors
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator

import psutil
import pytest
from ptyprocess import PtyProcess

from tests import processes
from tests.e2e.netsim_terminal import ROOT
from tests.lab.endings import our_nets
from tests.lab.netkit import by_proc

COUNT = 30
SCREENS = 10  # of them show the main screen; the others are in plain mode, which is there in a quarter of the time
READY = 90.0  # seconds, though it takes an eighth of that: other tests may run beside this one
GONE = 30.0  # likewise
POLL = 0.2
AGAIN = 10.0  # a key that comes before there is a screen is for nobody
HELD = ["client SYN_SENT", "server LISTEN"]
PASSED = ["client ESTABLISHED", "server ESTABLISHED", "server LISTEN"]  # where packets can't be held

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]


class Terminals:
    """Programs on terminals of their own; what they write is read, so that none waits for its reader."""

    def __init__(self) -> None:
        self._processes: list[PtyProcess] = []
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def open(self, *options: str) -> None:
        command = [sys.executable, "-m", "netsim", "--net", "private", *options]
        env = {**os.environ, "TERM": "xterm-256color"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # forkpty() beside threads: the child only executes
            process = PtyProcess.spawn(command, dimensions=(24, 80), env=env, cwd=os.fspath(ROOT))
        self._processes.append(process)
        with self._lock:
            self._selector.register(process.fd, selectors.EVENT_READ)

    def type(self, number: int, text: str) -> None:
        os.write(self._processes[number].fd, text.encode())

    def pids(self) -> list[int]:
        return [each.pid for each in self._processes]

    def close(self) -> None:
        """Close every terminal at once."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._reader.join()
        for process in self._processes:
            process.fileobj.close()

    def _read(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                ready = self._selector.select(0)
            for key, _ in ready:
                with contextlib.suppress(OSError):
                    os.read(key.fd, 65536)
            if not ready:
                self._closing.wait(0.01)


@pytest.fixture
def terminals() -> Iterator[Terminals]:
    opened = Terminals()
    yield opened
    opened.close()


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until it is so; looking costs more than waiting, with so many processes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(POLL)


def below(roots: list[int]) -> dict[int, dict[str, psutil.Process]]:
    """All processes that descend from each of these, by name; found in one pass."""
    everybody = {each.pid: each for each in psutil.process_iter(["ppid", "name"])}
    found: dict[int, dict[str, psutil.Process]] = {root: {} for root in roots}
    for each in everybody.values():
        number = each.info["ppid"]
        while number in everybody and number not in found:
            number = everybody[number].info["ppid"]
        if number in found:
            found[number][each.info["name"]] = each
    return found


def test_each_has_its_own_8888_and_closing_the_terminals_leaves_nothing(terminals: Terminals) -> None:
    for number in range(COUNT):
        terminals.open(*(["--no-animation"] if number < SCREENS else ["--plain"]))
    asked: dict[int, float] = {}
    servers: dict[int, int] = {}

    def each_has_its_server() -> bool:
        """Have every client connect as soon as it is there, and take down who listens by now."""
        now = time.monotonic()
        for number, family in enumerate(below(terminals.pids()).values()):
            if "netsim-client1" in family and number not in servers and asked.get(number, 0) < now - AGAIN:
                terminals.type(number, "c" if number < SCREENS else "connect\n")
                asked[number] = now
            if number not in servers and "netsim-server" in family:
                with contextlib.suppress(OSError):
                    if by_proc(family["netsim-server"].pid) in (HELD, PASSED):
                        servers[number] = family["netsim-server"].pid
        return len(servers) == COUNT

    until(each_has_its_server, READY, "thirty servers on port 8888")
    theirs = {os.readlink(f"/proc/{pid}/ns/net") for pid in servers.values()}
    assert len(theirs) == COUNT
    assert not theirs & {os.readlink("/proc/self/ns/net")}
    family = [each for names in below(terminals.pids()).values() for each in names.values()]
    family += [psutil.Process(pid) for pid in terminals.pids()]
    assert len(family) >= COUNT * 5  # the screen, the lab, its host, two programs

    terminals.close()
    assert processes.outliving(family, GONE) == []
    until(lambda: not theirs & set(our_nets()), GONE, "thirty nets to be gone")
    assert processes.outliving(processes.started()) == []
