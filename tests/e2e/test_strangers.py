"""A client that somebody else starts in the running lab's net: stepped like our own, with its real PID and name."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from threading import Event as Signal

import psutil
import pytest

from netsim.lab.client import LabClient
from netsim.model.strangers import stranger
from netsim.model.views import packets_of
from netsim.model.world import World
from netsim.session import Session
from netsim.story.director import OPENING, next_action
from netsim.story.narrator import narrate
from netsim.text.charset import UNICODE
from netsim.text.grid import Grid
from netsim.text.lines import plain
from netsim.text.screen import Scene, draw_screen
from tests.e2e.netsim_terminal import ROOT
from tests.processes import computing, family

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]

# Root's lab has no user namespace of its own, unless asked for; an ordinary user's always has.
MODES = ["auto", "user+pid"] if os.geteuid() == 0 else ["auto"]
PATIENCE = 60.0
SETTLED = 0.1  # seconds without an event
SAID, ANSWER = "hello from outside", "Connection received"
TCP = f"""
import socket
s = socket.create_connection(('127.0.0.1', 8888))
s.sendall({SAID.encode()!r})
print(s.recv(100).decode(), flush=True)
input()
s.close()
input()
"""
UDP = f"""
import socket
s = socket.socket(type=socket.SOCK_DGRAM)
s.sendto({SAID.encode()!r}, ('127.0.0.1', 8888))
input()
"""


class Sitting:
    """A session in front of a real lab in a private net, stepped by what space would do."""

    def __init__(self, containment: str) -> None:
        self.lab = LabClient(8888, "private", containment=containment)
        self.session = Session(lambda: self.lab, OPENING)
        self._came = Signal()
        self.session.attach(self._came.set)

    @property
    def world(self) -> World:
        return self.session.world

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            self._came.clear()
            if not self.session.drain():
                assert time.monotonic() < end, "\n".join(self.screen())
                assert self.world.ended is None
                self._came.wait(0.1)

    def settle(self) -> None:
        """Until nothing is under way, and nothing more comes."""
        self.until(lambda: self.world.endpoints and not self.session.pending)
        end = time.monotonic() + PATIENCE
        while self._came.wait(SETTLED) or (computing(family(self.lab.pid or 0)) and time.monotonic() < end):
            self._came.clear()
            self.session.drain()

    def space(self) -> None:
        for command in next_action(self.world).commands:
            self.session.dispatch(command)
        self.settle()

    def bring_server_to(self, call: str) -> None:
        """Press space until the server stands before this call."""
        for _ in range(20):
            self.settle()
            ahead = self.world.endpoints["server"].next_call
            if ahead is not None and ahead.name == call:
                return
            self.space()
        raise AssertionError("\n".join(self.screen()))

    def start(self, code: str) -> subprocess.Popen[str]:
        """Somebody in another terminal: netsim shell -- python3 -c CODE."""
        self.until(lambda: self.lab.pid)
        command = [
            sys.executable,
            "-m",
            "netsim",
            "shell",
            "--lab",
            str(self.lab.pid),
            "--",
            sys.executable,
            "-c",
            code,
        ]
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def screen(self) -> list[str]:
        grid = Grid.of(80, 24)
        assert grid is not None
        action = next_action(self.world)
        scene = Scene(narrate(self.world), action.cap, action.label, (), action.target)
        return [plain(line).rstrip() for line in draw_screen(self.world, grid, UNICODE, scene)]

    def ladder(self) -> list[str]:
        """The packets of the left ladder, without the lines: "SYN seq=0 ■"."""
        rows = (row[:39] for row in self.screen()[11:16])
        return [" ".join(row.translate(str.maketrans("│├┤─►◄", "      ")).split()) for row in rows]


@pytest.fixture(params=MODES)
def sitting(request: pytest.FixtureRequest) -> Iterator[Sitting]:
    sitting = Sitting(request.param)
    try:
        sitting.settle()
        assert sitting.world.lab is not None
        if not sitting.world.lab.gate:
            pytest.skip(f"no packets are held here: {sitting.world.lab.gate_because}")
        yield sitting
    finally:
        sitting.session.close()


def test_its_handshake_is_stepped_and_its_bytes_go_both_ways(sitting: Sitting) -> None:
    sitting.bring_server_to("accept")
    with sitting.start(TCP) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        try:
            _step_through(sitting, client)
            client.stdin.write("\n")
            client.stdin.flush()
            sitting.until(lambda: "FIN" in sitting.world.packets[-1].flags)
            sitting.settle()
            assert "has closed, or has ended" in narrate(sitting.world)
            assert "FIN seq=19 ■" in sitting.ladder()
        finally:
            client.kill()


def _step_through(sitting: Sitting, client: subprocess.Popen[str]) -> None:
    sitting.until(lambda: sitting.world.focus.stranger)
    there = sitting.world.focus.stranger
    assert there is not None
    sitting.until(lambda: stranger(sitting.world, there).pids)
    name = psutil.Process(client.pid).name()
    known = stranger(sitting.world, there)
    assert (known.pids, known.name) == ((client.pid,), name)
    screen = sitting.screen()
    assert f"CLIENT  pid {client.pid}  {name}"[:38] in screen[1]
    assert f"{name} (PID {client.pid}) calls, from port {there.client.port}" in screen[21]
    assert any(row.split()[:4] == [f"{there.client.port}/tcp", "SYN_SENT", ":8888", str(client.pid)] for row in screen)
    assert sitting.ladder()[0].removesuffix(" ■").split(" +")[0] == "SYN seq=0"
    assert sitting.ladder()[0].endswith("■")
    assert screen[10][:39].split() == [f":{there.client.port}", "SYN_SENT", "LISTEN", ":8888"]

    sitting.space()
    assert sitting.screen()[10][:39].split() == [f":{there.client.port}", "SYN_SENT", "SYN_RECV", ":8888"]
    assert sitting.ladder()[1].startswith("■ SYN-ACK seq=0 ack=1")
    sitting.space()
    assert sitting.screen()[10][:39].split() == [f":{there.client.port}", "ESTABLISHED", "SYN_RECV", ":8888"]
    assert f"{name} (PID {client.pid}) is connected" in narrate(sitting.world)
    sitting.until(lambda: any(packet.length for packet in packets_of(sitting.world, there)))
    sitting.space()
    assert sitting.screen()[10][:39].split() == [f":{there.client.port}", "ESTABLISHED", "ESTABLISHED", ":8888"]

    assert client.stdout is not None
    for _ in range(12):
        sitting.space()
        if any(mark.call == "recv" for mark in sitting.world.endpoints["server"].marks.values()):
            break
    assert client.stdout.readline().strip() == ANSWER
    data = {packet.sender: packet.data.decode() for packet in packets_of(sitting.world, there) if packet.length}
    assert data == {"client": SAID, "server": ANSWER}
    assert sitting.world.focus.stranger == there


def test_a_datagram_of_one_is_held(sitting: Sitting) -> None:
    with sitting.start(UDP) as client:
        try:
            sitting.until(lambda: sitting.world.focus.stranger)
            there = sitting.world.focus.stranger
            assert there is not None
            sitting.until(lambda: stranger(sitting.world, there).pids)
            assert stranger(sitting.world, there).pids == (client.pid,)
            assert f"sent a datagram of {len(SAID)} bytes" in narrate(sitting.world)
            assert any(row.endswith("■    │") and f"{len(SAID)} bytes" in row for row in sitting.screen()[11:16])
        finally:
            client.kill()
