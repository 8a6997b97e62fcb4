"""What tests of endings share: the ways to contain a lab, a busy lab, daemons, and a look that all are gone."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import psutil
import pytest

from netsim.lab.client import LabClient
from netsim.model.commands import Step
from netsim.model.events import PacketHeld, ProgramPrinted
from tests.lab.hostkit import STUB, Lab, is_root
from tests.processes import NAME, TOKEN, outliving

ROOT = Path(__file__).parent.parent.parent
# Of the containment; "private": with a net of its own, in which a packet is held.
MODES = ["private user+pid", "user+pid", "none"]
if is_root():
    MODES = ["private pid", "pid", *MODES]
CONTAINED = MODES[:-1]
namespaces = pytest.mark.needs_namespaces

# A child of a program that ignores what can be ignored, is its own session, and belongs to nobody.
DAEMON = """
import os, signal
if not os.fork():
    os.setsid()
    if not os.fork():
        [signal.signal(each, signal.SIG_IGN) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
        os.closerange(3, 300)
        os.write(1, b'daemon %d ' % int(os.readlink('/proc/self')))
        while True: signal.pause()
    os._exit(0)
os.wait()
"""
# The same, but another program: what no PDEATHSIG reaches.
OTHER_PROGRAM = """
import os
if not os.fork():
    os.setsid()
    if not os.fork():
        os.write(1, b'daemon %d ' % int(os.readlink('/proc/self')))
        os.execvp('sleep', ['sleep', '1000'])
    os._exit(0)
os.wait()
"""


_nets: set[str] = set()  # of the lab that was made busy last, without ours


def nets() -> Iterator[str]:
    """The network namespace of every process that we may look at."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield os.readlink(process / "ns/net")


def our_nets() -> Iterator[str]:
    """Of those only the ones of what these tests have started: the kernel gives a number again, to anybody."""
    token = f"{NAME}={TOKEN}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if token in (process / "environ").read_bytes():
                yield os.readlink(process / "ns/net")


def modes(those: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "mode", [pytest.param(mode, marks=[] if mode == "none" else namespaces) for mode in those]
    )


def wished(mode: str) -> tuple[Literal["host", "private"], bool]:
    """The net of a mode, and whether there is a user namespace."""
    return "private" if mode.startswith("private") else "host", "user" in mode


def a_client(port: int, mode: str) -> LabClient:
    return LabClient(port, wished(mode)[0], containment=mode.removeprefix("private "), endpoint=STUB)


@contextlib.contextmanager
def a_lab(port: int, mode: str) -> Iterator[Lab]:
    with Lab(a_client(port, mode)) as lab:
        yield lab


def busy(lab: Lab) -> list[psutil.Process]:
    """Bring a lab to where a server sleeps in accept() and a client stands; returns all processes of the lab.

    In a private net another client sleeps in connect(), its SYN held.
    """
    lab.begin("server")
    lab.begin("client1")
    lab.step("server", 4)
    lab.step_into_sleep("server")
    if lab.started.gate:
        lab.begin("client2")
        lab.step("client2")
        lab.send(Step(who="client2"))
        lab.wait(PacketHeld)
    assert lab.client.pid is not None
    outer = psutil.Process(lab.client.pid)
    found = [outer, *outer.children(recursive=True)]
    _nets.clear()
    _nets.update({os.readlink(f"/proc/{each.pid}/ns/net") for each in found} - {os.readlink("/proc/self/ns/net")})
    assert bool(_nets) == (lab.started.net == "private")
    names = {each.name() for each in found}
    assert names >= {"netsim-lab", "netsim-host", "netsim-server", "netsim-client1"}
    return found


def daemon(lab: Lab, who: str, source: str) -> psutil.Process:
    """Have a stopped program leave a process behind; returns it."""
    lab.extra(who, source)
    told = lab.wait(ProgramPrinted, lambda event: event.text.startswith("daemon "))
    return psutil.Process(int(told.text.split()[1]))


def assert_gone(processes: list[psutil.Process], port: int, *, all_of_it: bool = True) -> None:
    assert outliving(processes) == []
    assert not (all_of_it and _nets & set(our_nets()))
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
