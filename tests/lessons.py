"""Lessons run for tests: once each on a real lab, with all that their claims looked at kept; or on a sabotaged one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from netsim.lab.client import LabClient
from netsim.lab.machine import Machine
from netsim.model.commands import AnyCommand, DropPacket, ReleasePacket, RunExtraLine, StartEndpoint
from netsim.model.events import AnyEvent
from netsim.story.lesson import Lesson, Seen
from netsim.story.lesson_run import Run
from netsim.text.charset import UNICODE
from netsim.text.lesson_plain import Headless
from netsim.text.lessons import all_lessons

Swap = Callable[[AnyCommand], AnyCommand]
BY_NAME = {lesson.name: lesson for lesson in all_lessons()}


class Saboteur:
    """A real lab that is asked for something else than what was meant."""

    def __init__(self, lab: LabClient, swap: Swap) -> None:
        self._lab = lab
        self._swap = swap

    def start(self, on_event: Callable[[AnyEvent], None]) -> None:
        self._lab.start(on_event)

    def send(self, command: AnyCommand) -> None:
        self._lab.send(self._swap(command))

    def close(self) -> None:
        self._lab.close()

    def kill_now(self) -> None:
        self._lab.kill_now()


class Tools:
    """Labs and the helper outside them, all ended by `close`."""

    def __init__(self, swap: Swap = lambda command: command) -> None:
        self._swap = swap
        self._labs: list[Saboteur] = []
        self._machine = Machine()

    def make_lab(self, name: str) -> Saboteur:
        lab = Saboteur(LabClient(net="auto" if name == "here" else "private"), self._swap)
        self._labs.append(lab)
        return lab

    def prober(self) -> Machine:
        return self._machine

    def close(self) -> None:
        for lab in self._labs:
            lab.close()
        self._machine.close()


class Ran:
    """A lesson that was run: what came of it, what was said, and what the claims of each step looked at."""

    def __init__(self, lesson: Lesson, swap: Swap | None = None) -> None:
        tools = Tools(swap or (lambda command: command))
        self.said: list[str] = []
        headless = Headless(lesson, tools, self.said.append, UNICODE)
        try:
            # A sabotaged one has done its work with the first claim that is not so.
            self.run: Run = headless.go(until=lambda run: swap is not None and run.status == 1)
        finally:
            tools.close()
        self.sights: Mapping[int, Seen] = headless.sights
        self.events, self.ends = headless.events, headless.ends


@cache
def running(name: str, sabotaged: bool) -> Future[Ran]:  # no default: the cache would take it for another call
    """The lesson, run once for all tests; most of the time it waits, so that a few can run beside each other."""
    return POOL.submit(Ran, BY_NAME[name], SABOTAGE[name] if sabotaged else None)


POOL = ThreadPoolExecutor(max_workers=3)


# --- sabotage: what makes a lesson's claim false on a real lab, by the lesson's name


def program(instead: str, of: str) -> Swap:
    """Another program in the place of one."""

    def swap(command: AnyCommand) -> AnyCommand:
        if isinstance(command, StartEndpoint) and command.program == of:
            return StartEndpoint(
                id=command.id, who=command.who, program=instead, role=command.role, transport=command.transport,
                number=command.number,
            )  # fmt: skip
        return command

    return swap


def line(instead: str, of: str) -> Swap:
    """Another text in the place of one in the lines that are run besides the programs'."""

    def swap(command: AnyCommand) -> AnyCommand:
        if isinstance(command, RunExtraLine) and of in command.source:
            return RunExtraLine(id=command.id, who=command.who, source=command.source.replace(of, instead))
        return command

    return swap


def spared(command: AnyCommand) -> AnyCommand:
    """A packet that ought to be lost is delivered."""
    return ReleasePacket(id=command.id, number=command.number) if isinstance(command, DropPacket) else command


SABOTAGE: dict[str, Swap] = {
    "two-sockets": program("tcp_client.py", of="udp_client.py"),
    "ports": line("0", of="65536"),
    "datagram": line("sendto(b'hello'", of="sendto('hello'"),
    "handshake": line("socket.socket().close()", of="socket.socket().accept()"),
    "accept": program("tcp_server.py", of="silent_server.py"),
    "stream": line("s.recvfrom(5)", of="s.recvfrom(2)"),
    "loss": spared,
    "cost": program("udp_client.py", of="hello_client.py"),
    "inside": line("0))", of="8889))"),
    "why-ports": program("tcp_server.py", of="forking_server.py"),
    "no-pid": program("reusing_server.py", of="simple_server.py"),
    "failures": program("tcp_server.py", of="addresses.py"),
}
