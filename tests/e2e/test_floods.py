"""Strangers that flood: the screen answers, says what it leaves out, stays small, calms down, and our story goes on."""

from __future__ import annotations

import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.e2e.netsim_terminal import ARMED, PACKETS, QUICKLY, ROOT, TABLE, TITLE, WHY, Netsim

pytestmark = pytest.mark.usefixtures("no_leaks")

ANSWERED = 10.0  # seconds for a key; a tenth of one if nothing else runs on the machine; without a bound it was 15
BOUND = 80 << 20  # bytes of memory of each process; the screen has 40 MB to begin with
CALM = 0.1  # seconds of processor time in a second that all processes take together when nothing happens
WATCHING = 0.4  # likewise, while the kernel keeps ten thousand rows in TIME_WAIT, and they are counted
PATIENCE = 60.0
MORE_ROWS = r" \d+ of \d+, ([\d,]+) more not shown ─"

PRELUDE = """
import resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
port, there, kept = int(sys.argv[1]), ("127.0.0.1", int(sys.argv[1])), []
many = min(5000, hard - 100)
def call(where):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(where)
    return s
"""
EPILOGUE = """
print("done", flush=True)
sys.stdin.readline()
"""
CALLS = "for _ in range(10_000): call(there).close()"
IDLE = "for _ in range(many): kept.append(call(there))"
SCAN = "for each in range(1, 65536): call(('127.0.0.1', each)).close()"
DATAGRAMS = """
s = socket.socket(type=socket.SOCK_DGRAM)
for _ in range(100_000): s.sendto(b"\\x1b[2J\\x1b]0;rubbish\\x07\\xff\\x00" * 20, there)
"""
RUBBISH = """
s = socket.create_connection(there)
s.setblocking(False)
try:
    while True: s.send(b"\\x1b[2J\\x1b]0;rubbish\\x07\\x1b[31m\\r\\n" * 4096)
except BlockingIOError: pass
"""
TIME_WAIT = """
listener = socket.create_server(("127.0.0.1", 0), backlog=100)
for _ in range(100):
    callers = [call(listener.getsockname()) for _ in range(100)]
    answered = [listener.accept()[0] for _ in callers]
    for each in callers + answered: each.close()
"""


class Flooded(Netsim):
    """netsim at 80x24, and strangers on its net."""

    def __init__(self, port: int, net: str) -> None:
        super().__init__(port, "--net", net, QUICKLY)
        self.net = net

    @contextmanager
    def stranger(self, code: str) -> Iterator[subprocess.Popen[str]]:
        """Another program that does this in netsim's net, and then waits with what it has open."""
        command = [sys.executable, "-c", PRELUDE + code + EPILOGUE, str(self.port)]
        if self.net == "private":
            command = [sys.executable, "-m", "netsim", "shell", "--lab", str(self.pid), "--", *command]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stranger:
            try:
                yield stranger
            finally:
                stranger.kill()

    @contextmanager
    def crowd(self) -> Iterator[None]:
        """A stranger with so many connections open that the table counts them; the screen answers."""
        with self.stranger(IDLE) as stranger:
            assert stranger.stdout is not None
            assert stranger.stdout.readline() == "done\n"
            self.says(TABLE, MORE_ROWS, 500)
            self.answers()
            yield

    def answers(self) -> None:
        """A key shows its effect, and another one takes it back."""
        begun = time.monotonic()
        self.press("?")
        self.wait_until(lambda: "CLIENT" not in self.text(), "the help", ANSWERED)
        self.press("?")
        self.wait_until(lambda: "CLIENT" in self.text(), "the main screen", ANSWERED)
        assert time.monotonic() - begun < 2 * ANSWERED

    def flood(self, code: str) -> None:
        """Let a stranger do this, and press keys all the while."""
        with self.stranger(code) as stranger:
            assert stranger.stdout is not None
            self.answers()
            while not _readable(stranger):
                self.answers()
            assert stranger.stdout.readline() == "done\n"
            self.answers()
            self.is_small()

    def processes(self) -> list[psutil.Process]:
        main = psutil.Process(self.pid)
        return [main, *main.children(recursive=True)]

    def steps_to(self, pattern: str) -> None:
        """Press space until this stands on the screen. One that comes just as its line changes is not taken."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text()):
            assert time.monotonic() < end, f"no /{pattern}/:\n{self.text()}"
            self.press("space")
            self.bytes_during(ARMED)

    def is_small(self) -> None:
        sizes = {}
        for each in self.processes():
            try:
                sizes[" ".join(each.cmdline())[-60:]] = each.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        assert max(sizes.values()) < BOUND, sizes

    def calms_down(self, most: float = CALM) -> None:
        """Nothing is computed any more, nor written: by processor time, which others can't take away."""
        end = time.monotonic() + PATIENCE
        while (used := self._used_in(1.0)) >= most:
            assert time.monotonic() < end, f"{used:.2f} s of processor time in a second"

    def _used_in(self, seconds: float) -> float:
        before = {each.pid: sum(each.cpu_times()[:2]) for each in self.processes()}
        self.bytes_during(seconds)
        return sum(sum(each.cpu_times()[:2]) - before.get(each.pid, 0.0) for each in self.processes())

    def says(self, row: int, pattern: str, at_least: int) -> None:
        """Wait until this row says that, with a number that has counted up to so many."""

        def number() -> int:
            found = re.search(pattern, self.lines()[row])
            return int(found[1].replace(",", "")) if found else 0

        self.wait_until(lambda: number() >= at_least, f"/{pattern}/ with {at_least:,} in row {row}", PATIENCE)


def _readable(stranger: subprocess.Popen[str]) -> bool:
    return bool(select.select([stranger.stdout], [], [], 0)[0])


def connected(netsim: Flooded) -> None:
    """Our client has its connection, and our server has accepted it."""
    netsim.wait_for_start()
    netsim.steps_to(r"accept\(\) +→ fd 4|accept\(\) sent nothing")


def goes_on(netsim: Flooded) -> None:
    """Our connection carries the greeting, as if nobody else were there."""
    netsim.press("1")
    netsim.steps_to(r"recv\(1024\) +→ 19")
    assert "19 bytes" in "\n".join(netsim.lines()[PACKETS])


@pytest.mark.needs_namespaces
def test_at_the_closed_gate_they_are_dropped_and_counted(free_port: int) -> None:
    with Flooded(free_port, "private") as netsim:
        connected(netsim)
        netsim.flood(DATAGRAMS)
        netsim.says(TITLE, r"packets held · ([\d,]+) packets dropped", 90_000)
        netsim.says(WHY, r"A flood: the gate is full and has dropped ([\d,]+) packets\. o lets all pass\.", 1)
        netsim.flood(SCAN)
        with netsim.crowd():
            goes_on(netsim)  # while they all try again and again
        netsim.wait_gone("more not shown", PATIENCE)
        netsim.calms_down()
        netsim.is_small()


@pytest.mark.needs_namespaces
def test_through_the_open_gate_they_pass_and_are_counted(free_port: int) -> None:
    with Flooded(free_port, "private") as netsim:
        netsim.wait_for_start()
        netsim.press("o")
        netsim.wait_for("packets seen passing")
        connected(netsim)
        for flood in (DATAGRAMS, SCAN, CALLS, TIME_WAIT):
            netsim.flood(flood)
        netsim.says(TITLE, r"seen passing · ([\d,]+) (?:packets )?not shown", 50_000)
        netsim.says(TABLE, MORE_ROWS, 5_000)
        goes_on(netsim)
        netsim.calms_down(WATCHING)
        netsim.is_small()


def test_on_the_machines_own_loopback(free_port: int) -> None:
    with Flooded(free_port, "host") as netsim:
        connected(netsim)
        for flood in (CALLS, DATAGRAMS):
            netsim.flood(flood)
        with netsim.crowd():
            goes_on(netsim)
        netsim.wait_gone("more not shown", PATIENCE)
        netsim.calms_down()
        netsim.is_small()


def test_rubbish_is_bytes_to_be_read_and_its_sender_need_not_read(free_port: int) -> None:
    with Flooded(free_port, "host") as netsim:
        netsim.wait_for_start()
        netsim.steps_to(r"SPACE +server: accept|LISTEN +waiting 0")
        with netsim.stranger(RUBBISH) as stranger:
            assert stranger.stdout is not None
            assert stranger.stdout.readline() == "done\n"
            netsim.answers()
            netsim.steps_to(r"recv\(.*→ 1024")
            netsim.press_and_wait("space")
            netsim.answers()
            assert "netsim   host net" in netsim.lines()[TITLE]
            netsim.is_small()
        netsim.calms_down()
