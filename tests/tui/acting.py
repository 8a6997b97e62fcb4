"""A lab that acts: it answers each order with what the real one reports of it, written down by hand. Nothing runs.

As a program (`python -m tests.tui.acting [ANSWER]`) it is netsim's screen in front of such a lab, for a terminal.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import assert_never

from textual.screen import Screen

from netsim.model import events as e
from netsim.model.commands import AnyCommand, Interrupt, Kill, RunExtraLine, StartEndpoint, Step
from netsim.session import Session
from netsim.story.director import OPENING
from tests.script import PIDS, Script, ref, tcp

CALLS = {  # the calls of each program, in order
    "server": ("socket", "setsockopt", "bind", "listen", "accept", "send", "recv", "close"),
    "client": ("socket", "connect", "recv", "send", "close"),
    "udpserver": ("socket", "bind", "recvfrom"),
    "udpclient": ("socket", "sendto", "close"),
}
LINES = {"socket": "socket.socket(", "setsockopt": "setsockopt"}  # what a call's line is known by, if not by ".call("
FDS = {"s": 3, "conn": 4}
GREETING = b"Connection received"
TIME_WAIT = 60_000  # milliseconds


class ActingLab:
    """Answers at once, on the thread that asks; that is enough for the screen, which takes events later anyway."""

    def __init__(self) -> None:
        self.killed = False
        self._script = Script()
        self._told = 0
        self._stands: dict[str, int] = {}  # which of its calls a program has before it
        self._client: int | None = None  # the client's port once it is connected
        self._accepted = self._greeted = self._closed = False
        self._tell: Callable[[e.AnyEvent], None] | None = None

    def start(self, on_event: Callable[[e.AnyEvent], None]) -> None:
        self._tell = on_event
        self._deliver()

    def send(self, command: AnyCommand) -> None:
        self._carry_out(command)
        self._deliver()

    def close(self) -> None:
        self._tell = None

    def kill_now(self) -> None:
        self.killed = True

    def _deliver(self) -> None:
        if self._tell is not None:
            fresh = self._script.events[self._told :]
            self._told += len(fresh)
            for event in fresh:
                self._tell(event)

    def _carry_out(self, command: AnyCommand) -> None:
        who, script = command.who, self._script
        match command:
            case StartEndpoint():
                pid = None if who not in self._stands and who in PIDS else 41300 + len(script.events)
                self._stands[who] = 0
                script.start(who, pid=pid)
            case Step():
                self._step(who, (command.message or "hello").encode("ascii", "replace"))
            case Kill():
                script.accept("Kill", who)
                script.exit(who, -signal.SIGKILL)
                self._list()
            case Interrupt() | RunExtraLine():
                script.accept(type(command).__name__, who)
                self._stop(who)
            case _:
                assert_never(command)

    def _step(self, who: str, message: bytes) -> None:
        script, name = self._script, self._call(who)
        script.begin(who, name)
        mine = ref(3, 501 if "server" in who else 601)
        match name:
            case "accept" if self._client is not None and not self._accepted:
                self._accepted = True
                script.come_back(who, name, socket=mine, accepted=ref(4, 777, 8888, self._client))
            case "recv" if who.startswith("client") and self._greeted:
                size = len(GREETING)
                script.come_back(who, name, socket=mine, size=size, data=GREETING, result=repr(GREETING))
            case "accept" | "recv" | "recvfrom":
                script.sleep(who, name)
                return
            case "connect":
                self._client = 51324
                script.come_back(who, name, socket=ref(3, 601, self._client, 8888))
            case "send" | "sendto":
                self._greeted |= who == "server"
                data = GREETING if who == "server" else message
                script.come_back(who, name, socket=mine, size=len(data), data=data, result=str(len(data)))
            case _:
                self._closed |= name == "close" and who == "client1"
                script.come_back(who, name, socket=mine)
        self._stands[who] += 1
        self._list()
        if self._stands[who] == len(CALLS[who.rstrip("0123456789")]):
            script.exit(who)
            self._list()
        else:
            self._stop(who)
            if self._client is not None and not self._accepted and self._call("server") == "accept":
                script.ready("server", 3)

    def _call(self, who: str) -> str:
        return CALLS[who.rstrip("0123456789")][self._stands[who]]

    def _stop(self, who: str) -> None:
        name = self._call(who)
        self._script.stop(who, self._script.line(who, LINES.get(name, f".{name}(")), **FDS)
        if name == "recv" and who.startswith("client") and self._greeted:
            self._script.ready(who, 3)

    def _list(self) -> None:
        sockets = [tcp("LISTEN", 8888, inode=501, send=5)] if self._stands["server"] > 3 else []
        if self._client is not None and self._closed:
            sockets += [tcp("TIME_WAIT", self._client, 8888, expires_ms=TIME_WAIT)]
        elif self._client is not None:
            sockets += [
                tcp("ESTABLISHED", self._client, 8888, inode=601),
                tcp("ESTABLISHED", 8888, self._client, inode=777 if self._accepted else 0),
            ]
        self._script.kernel(*sockets)


def main(options: list[str]) -> int:
    """The screen in front of such a lab. "animation": packets move; "stuck", "flood": what ctrl+c does to it.

    "patient": the soft way has ten minutes.
    """
    from netsim.tui import ending
    from netsim.tui.board import Board
    from netsim.tui.run import run

    if "stuck" in options:
        Board.action_interrupt_app = _hang  # type: ignore[method-assign]
    if "patient" in options:
        ending.GRACE = 600.0
    if "flood" in options:
        Board.action_interrupt_app = _flood  # type: ignore[method-assign]
    session = Session(ActingLab, OPENING)
    try:
        return run(session, animation="animation" in options)
    finally:
        session.close()


def _hang(_board: object) -> None:
    """The event loop comes to nothing any more."""
    os.write(2, b"\x1b[Hstuck now")
    while True:
        time.sleep(0.05)  # not longer: of two signals at once another thread gets one, which ends no sleep of this one


def _flood(board: Screen[None]) -> None:
    """More than the terminal takes: the writer's queue is full in the end, and whoever writes waits."""
    driver = board.app._driver
    assert driver is not None
    while True:
        driver.write("x" * 4096)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
