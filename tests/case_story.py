"""The case for ports by hand: what labs and the machine report in each of its steps, written down as events.

`story(step)` is the case after so many presses. Nothing runs.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

import netsim.programs
from netsim.model import events as e
from netsim.model.fold import fold
from netsim.model.machine import Probed
from netsim.model.world import World
from netsim.story.case import Case, Proof, answered, begin, opened, press, printed, saw
from netsim.story.case_proofs import proof
from netsim.story.case_record import HERE, THERE
from netsim.story.case_steps import steps
from tests.script import ERRORS, ref, tcp

PROGRAMS = Path(netsim.programs.__file__).parent
TIME_WAIT = 57_000  # milliseconds
FAILURES = {**ERRORS, "EACCES": ("PermissionError", 13, "Permission denied")}


class CaseStory:
    """The case, and what is reported to it. `first` is the first server's PID; the others follow."""

    def __init__(self, *, private: bool = True, port: int = 8888, first: int = 41233) -> None:
        made = steps(private=private, held=private)
        self.case: Case = opened(begin(made, private=private, port=port, other_port=port + 2), HERE)
        self.port = port
        self.now = 0.0
        self._next_pid = first
        self._next_port = 51324
        self._inodes = 500
        self._calls = 0
        self._pids: dict[tuple[str, str], int] = {}
        self.lab(HERE)

    # --- what is told

    def tell(self, event: e.AnyEvent, lab: str = HERE) -> None:
        """One event of a lab."""
        before = self.case.worlds.get(lab, World())
        self.case = saw(self.case, lab, event, before, fold(before, event))
        self.now = round(self.now + 0.01, 3)

    def lab(self, lab: str) -> None:
        """A lab is up."""
        net: Literal["private", "host"] = "private" if self.case.private else "host"
        self.case = opened(self.case, lab)
        self.tell(
            e.LabStarted(
                at=self.now, net=net, port=self.case.port_of(lab), system="Linux 6.18", python="3.11.7",
                contained=True, contained_because="user and pid namespaces", sock_diag=True,
                gate="nft" if self.case.private else "",
            ),
            lab,
        )  # fmt: skip

    def start(self, who: str, program: str, *, lab: str = HERE, forked_from: str = "") -> int:
        """A process runs a program; returns its PID."""
        pid = self._pids[lab, who] = self._next_pid
        self._next_pid += 7
        source = (PROGRAMS / program).read_text("utf-8").replace("8888", str(self.port))
        self.tell(
            e.EndpointStarted(
                at=self.now, **self._process(who, lab), role="server" if "server" in who else "client",
                transport="tcp", number=1, program=program, source=tuple(source.splitlines()), forked_from=forked_from,
            ),
            lab,
        )  # fmt: skip
        return pid

    def call(self, who: str, name: str, arguments: str = "", *, lab: str = HERE, **outcome: Any) -> None:
        """A call that returns at once; `error`: the errno's name."""
        self._calls += 1
        line = self._line(who, name, lab)
        error = outcome.pop("error", None)
        if error is not None:
            kind, number, message = FAILURES[str(error)]
            outcome["error"] = e.CallError(kind, number, str(error), message)
        about: dict[str, Any] = {**self._process(who, lab), "call": self._calls, "name": name, "line": line}
        self.tell(e.CallStarted(at=self.now, **about, arguments=arguments, socket=None), lab)
        outcome = {"result": "", "error": None, "microseconds": 9.0, "socket": None, **outcome}
        self.tell(e.CallReturned(at=self.now, **about, **outcome), lab)

    def listen(self, who: str, port: int = 0, fd: int = 3, lab: str = HERE) -> int:
        """A server's bind() and listen(); returns the socket's inode."""
        port = port or self.case.port_of(lab)
        self._inodes += 1
        mine = ref(fd, self._inodes, port)
        self.call(who, "bind", f"('127.0.0.1', {port})", lab=lab, socket=mine)
        self.call(who, "listen", "5", lab=lab, socket=mine)
        return self._inodes

    def greet(self, server: str, port: int = 0, *, words: bytes = b"Connection received", lab: str = HERE) -> int:
        """The client connects, a server accepts, the client reads; returns the client's port."""
        port, local = port or self.case.port_of(lab), self.connect(port, lab)
        self.call(server, "accept", lab=lab, socket=None, accepted=ref(4, 777, port, local))
        self.call("client1", "recv", lab=lab, socket=ref(3, 601, local, port), data=words, size=len(words))
        return local

    def connect(self, port: int, lab: str = HERE) -> int:
        """The client's connect()."""
        self._next_port += 14
        local = self._next_port
        self.call("client1", "connect", f"('127.0.0.1', {port})", lab=lab, socket=ref(3, 601, local, port))
        return local

    def exit(self, who: str, status: int = -signal.SIGKILL, lab: str = HERE) -> None:
        """A process is gone."""
        self.tell(e.ProcessExited(at=self.now, **self._process(who, lab), status=status), lab)

    def kernel(self, *sockets: e.KernelSocket, lab: str = HERE) -> None:
        """What the kernel lists now."""
        self.tell(e.SocketsObserved(at=self.now, sockets=sockets), lab)

    def probe(self, pid: int, errno: str = "", *, same: bool | None = None) -> None:
        """What os.kill(pid, 0) said."""
        self.case = answered(self.case, Probed(0, pid, errno, None if errno else float(pid), same, name="netsim"))

    def prove(self, exhibit: int, output: str) -> None:
        """What an exhibit's command printed."""
        self.case = printed(self.case, exhibit, Proof(proof(self.case, exhibit), output))

    def done(self) -> None:
        """All that this step was to do has been seen."""
        self.case = replace(self.case, aim=len(self.case.now.aims))

    def press(self) -> None:
        """space."""
        self.done()
        self.case = press(self.case)

    def _process(self, who: str, lab: str) -> dict[str, Any]:
        pid = self._pids[lab, who]
        return {"who": who, "pid": pid, "inner_pid": pid - 41230 if lab == HERE else 3}

    def _line(self, who: str, name: str, lab: str) -> int:
        source = self.case.worlds[lab].endpoints[who].source
        return next((n for n, line in enumerate(source, 1) if f".{name}(" in line), 0)


# --- the steps, one after the other


def _first(story: CaseStory) -> None:
    story.start("server", "tcp_server.py")
    _listening(story)


def _listening(story: CaseStory, *more: e.KernelSocket) -> None:
    inode = story.listen("server")
    story.kernel(tcp("LISTEN", story.port, inode=inode, send=5), *more)


def _even(story: CaseStory) -> None:
    pid = story.case.pid()
    story.start("client1", "asking_client.py")
    local = story.greet("server")
    story.kernel(
        tcp("LISTEN", story.port, inode=501, send=5),
        tcp("ESTABLISHED", story.port, local, inode=777),
        tcp("ESTABLISHED", local, story.port, inode=601),
    )
    story.probe(pid)


def _restart(story: CaseStory) -> None:
    local = story.case.record.attempts[-1].local
    story.exit("server")
    story.start("server", "tcp_server.py")
    _listening(story, tcp("FIN_WAIT2", story.port, local), tcp("CLOSE_WAIT", local, story.port, inode=601))


def _ask_again(story: CaseStory) -> None:
    old, new = (each.pid for each in story.case.record.servers[-2:])
    story.probe(old, "ESRCH", same=False)
    story.greet("server")
    story.probe(new)


def _ten_more(story: CaseStory) -> None:
    for _ in range(10):
        _restart(story)
        _ask_again(story)
    story.prove(1, f"{story.case.pid()} netsim-server\n")


def _four_ports(story: CaseStory) -> None:
    story.exit("server")
    pid = story.start("server", "many_ports_server.py")
    rows = []
    for fd, port in enumerate((story.port, story.port + 1, 80, 443), 3):
        if port < 1024 and not story.case.private:
            story.call("server", "bind", f"('127.0.0.1', {port})", error="EACCES")
        else:
            rows.append(tcp("LISTEN", port, inode=story.listen("server", port, fd), send=5))
    story.kernel(*rows)
    story.probe(pid)


def _four_answers(story: CaseStory) -> None:
    story.start("client1", "many_ports_client.py")
    words = (b"Connection received", b"The news", b"A web page", b"A secret page")
    had = [each.port for each in story.case.record.binds if each.exhibit == 2 and not each.error]
    for port, said in zip(had, words, strict=False):
        story.greet("server", port, words=said)
    story.prove(2, _ss(story.port, story.case.pid()) + _ss(80, story.case.pid()))


def _fork(story: CaseStory) -> None:
    story.exit("server")
    pid = story.start("server", "forking_server.py")
    inode = story.listen("server")
    fork = story.start("server.1", "forking_server.py", forked_from="server")
    story.kernel(tcp("LISTEN", story.port, inode=inode, send=5))
    story.probe(pid)
    story.probe(fork)
    users = f'(("netsim-server",pid={fork},fd=3),("netsim-server",pid={pid},fd=3))'
    story.prove(3, f"LISTEN 0      5          127.0.0.1:{story.port}      0.0.0.0:*    users:{users}\n")


def _two_workers(story: CaseStory) -> None:
    for server in ("server.1", "server"):
        story.start("client1", "simple_client.py")
        story.greet(server)
        story.exit("client1", 0)


def _siblings(story: CaseStory) -> None:
    for each in ("server", "server.1"):
        story.exit(each)
    rows = []
    for each in ("server", "server2"):
        pid = story.start(each, "sharing_server.py")
        rows.append(tcp("LISTEN", story.port, inode=story.listen(each), send=5))
        story.kernel(*rows)
        story.probe(pid)
    for server in ("server", "server", "server2"):
        story.start("client1", "simple_client.py")
        story.greet(server)
        story.exit("client1", 0)


def _not_accepted(story: CaseStory) -> None:
    for each in ("server", "server2"):
        story.exit(each)
    pid = story.start("server", "reusing_server.py")
    inode = story.listen("server")
    story.start("client1", "simple_client.py")
    local = story.connect(story.port)
    story.kernel(
        tcp("LISTEN", story.port, inode=inode, receive=1, send=5),
        tcp("ESTABLISHED", story.port, local),
        tcp("ESTABLISHED", local, story.port, inode=601),
    )
    story.probe(pid)


def _closed(story: CaseStory) -> None:
    local = story.case.record.attempts[-1].local
    story.call("server", "accept", accepted=ref(4, 778, story.port, local))
    story.call("client1", "recv", socket=ref(3, 601, local, story.port), data=b"Connection received", size=19)
    story.call("server", "close", socket=ref(4, 778, story.port, local))
    ends = [tcp("FIN_WAIT2", story.port, local)]
    if story.case.private:
        story.call("client1", "close", socket=ref(3, 601, local, story.port))
        story.exit("client1", 0)
        ends.append(tcp("LAST_ACK", local, story.port))
    else:
        ends.append(tcp("CLOSE_WAIT", local, story.port, inode=601))
    story.kernel(tcp("LISTEN", story.port, inode=story.case.worlds[HERE].kernel[0].inode, send=5), *ends)
    story.probe(story.case.pid(), same=True)


def _time_wait(story: CaseStory) -> None:
    story.exit("server")
    story.kernel(_tw(story))
    story.probe(story.case.pid(), "ESRCH", same=False)
    story.start("client1", "simple_client.py")
    local = story.case.record.attempts[-1].local
    story.prove(4, f"TIME-WAIT 0      0          127.0.0.1:{story.port}    127.0.0.1:{local}\n")


def _tw(story: CaseStory) -> e.KernelSocket:
    return tcp("TIME_WAIT", story.port, story.case.record.attempts[-1].local, expires_ms=TIME_WAIT)


def _rebound(story: CaseStory) -> None:
    story.start("server", "simple_server.py")
    story.call("server", "bind", f"('127.0.0.1', {story.port})", error="EADDRINUSE")
    story.exit("server", 1)
    story.start("server", "reusing_server.py")
    _listening(story, _tw(story))


def _second(story: CaseStory) -> None:
    story.lab(THERE)
    story.start("server", "reusing_server.py", lab=THERE)
    port = story.case.port_of(THERE)
    story.kernel(tcp("LISTEN", port, inode=story.listen("server", lab=THERE), send=5), lab=THERE)
    story.prove(5, _ss(port, story.case.pid(lab=THERE)))


def _both(story: CaseStory) -> None:
    for lab in (HERE, THERE):
        story.start("client1", "simple_client.py", lab=lab)
        story.greet("server", lab=lab)
        story.probe(story.case.pid(lab=lab))


def _ss(port: int, pid: int) -> str:
    return f'LISTEN 0      5          127.0.0.1:{port}      0.0.0.0:*    users:(("netsim-server",pid={pid},fd=3))\n'


STEPS: tuple[Callable[[CaseStory], None], ...] = (
    _first, _even, _restart, _ask_again, _ten_more, _four_ports, _four_answers, _fork, _two_workers, _siblings,
    _not_accepted, _closed, _time_wait, _rebound, _second, _both, lambda story: None,
)  # fmt: skip


@cache
def story(step: int, *, private: bool = True, first: int = 41233) -> Case:
    """The case after `step` presses, with all that was to come."""
    made = CaseStory(private=private, port=8888 if private else 8889, first=first)
    for index, happen in enumerate(STEPS[: step + 1]):
        if index:
            made.press()
        happen(made)
        made.done()
    return made.case
