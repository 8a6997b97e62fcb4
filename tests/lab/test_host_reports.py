"""The order of things around one call, in the lab host by itself."""

from __future__ import annotations

import json
import os
import socket

import pytest

from netsim.lab.channel import Channel
from netsim.lab.children import Child
from netsim.lab.reports import Reports
from netsim.lab.timers import Timers
from netsim.model.commands import StartEndpoint

# --- the order around a call


class FakeHost:
    """Writes down what reports make a host do."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.inodes: set[int] = set()
        self.timers = Timers(lambda: 1.0)
        self.sampler = self
        self.watching = self
        self.printing = self
        self.gate = self

    def now(self) -> float:
        return 1.0

    def emit(self, event: object) -> None:
        self.did.append(type(event).__name__)

    def take(self) -> None:
        self.did.append("gate")

    def look(self) -> None:
        self.did.append("look")

    def stir(self) -> None:
        pass

    def begin(self, child: object) -> None:
        """Watch it."""

    def flush(self, child: object) -> None:
        """Tell what it has printed."""


@pytest.mark.parametrize(
    ("thread", "forked", "expected"),
    [
        (0, False, ["gate", "CallStarted", "look", "go", "gate", "CallReturned", "look"]),
        (1, False, ["gate", "CallStarted", "look", "gate", "CallReturned", "look"]),
        (0, True, ["gate", "CallStarted", "look", "gate", "CallReturned", "look"]),
    ],
)
def test_a_call_is_told_then_the_kernel_is_looked_at_then_it_is_let_go(
    thread: int, forked: bool, expected: list[str]
) -> None:
    host = FakeHost()
    ours, theirs = socket.socketpair()
    with theirs:
        order = StartEndpoint(who="server", program="x.py", role="server", transport="tcp")
        child = Child("server", order, "", os.getpid(), Channel(ours))
        child.introduced, child.forked = True, forked
        child.tell = lambda **order: host.did.append(str(order["do"]))  # type: ignore[method-assign]
        reports = Reports(host)  # type: ignore[arg-type]
        about = {"who": "server", "pid": 1, "inner_pid": 1, "call": 1, "name": "bind", "line": 1, "thread": thread}
        ref = {"fd": 3, "inode": 4711, "transport": "tcp", "local": {"host": "127.0.0.1", "port": 4712}}
        started = {"type": "CallStarted", "arguments": "", "socket": None, **about}
        returned = {
            "type": "CallReturned", "result": "", "error": None, "microseconds": 1.5, "socket": ref, **about,
        }  # fmt: skip
        reports.take(child, json.dumps(started).encode())
        assert child.state == ("starting" if thread else "calling")
        reports.take(child, json.dumps(returned).encode())
        assert child.state == ("starting" if thread else "running")
        child.close()
    assert host.did == expected
    assert host.inodes == {4711}
    assert child.ports == {4712}
