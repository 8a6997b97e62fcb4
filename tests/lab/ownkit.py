"""People's own programs, run twice: by `python`, and under a real lab where somebody presses space. What came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from netsim.cli.run import Program, opening
from netsim.lab import privatenet
from netsim.lab.client import LabClient
from netsim.lab.own_programs import read
from netsim.model.address import Transport
from netsim.model.commands import OpenGate, StartEndpoint, TypeLine
from netsim.model.events import AnyEvent, CommandRefused, ProcessExited, ProgramEnded, ProgramPrinted, ProgramStopped
from netsim.model.world import World
from netsim.session import Session
from netsim.story.action import Action
from netsim.story.director import next_action
from netsim.story.narrator import narrate
from netsim.text.charset import UNICODE
from netsim.text.grid import Grid
from netsim.text.lines import plain
from netsim.text.screen import Scene, draw_screen
from tests.processes import computing, family

FOLDER = Path(__file__).parent / "programs_of_others"
ROOT = Path(__file__).parents[2]
BUSY = 1.0  # seconds after which programs that only compute count as quiet, too
PATIENCE = 60.0  # seconds, only ever waited out when something is broken
QUIET = 0.03  # seconds without an event after which the next press may come: longer than a sleep is looked for


class Outcome(NamedTuple):
    """What a program has printed, how it ended, and the last line of its traceback."""

    stdout: str
    status: int
    error: str


class Story(NamedTuple):
    """Programs with their arguments: the second begins when the first one serves port `starts`, if that is given.

    `lines` are typed for the last one; after those that are in `replies` it is waited for what is printed then.
    """

    programs: Sequence[Sequence[str]]
    lines: Sequence[str] = ()
    replies: Mapping[str, str] = {}
    starts: int | None = None
    folder: str = str(FOLDER)


def script(folder: Path, text: str, name: str = "mine.py") -> str:
    """Write a program there; its name."""
    (folder / name).write_text(textwrap.dedent(text).lstrip("\n"))
    return name


def under_python(*stories: Story) -> list[list[Outcome]]:
    """Each program as `python NAME ARGUMENTS`; all in one private net, as in the lab: no port is anybody else's."""
    command = [sys.executable, "-m", "tests.lab.ownkit", json.dumps(stories)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3 * PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return [[Outcome(*each) for each in story] for story in json.loads(done.stdout)]


def _tell(story: Story) -> list[Outcome]:
    running = []
    for name, *arguments in story.programs:
        command = [sys.executable, "-u", name, *arguments]
        process = subprocess.Popen(
            command, cwd=story.folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        running.append(process)
        if story.starts is not None and process is running[0]:
            _wait_for_port(story.starts)
    heard = _talk(running[-1], story.lines, story.replies)
    outcomes = []
    for process in reversed(running):
        stdout, stderr = process.communicate("", timeout=PATIENCE)
        outcomes.append(Outcome(heard + stdout, process.returncode, stderr.strip().rpartition("\n")[2]))
        heard = ""
    return outcomes[::-1]


def _talk(process: subprocess.Popen[str], lines: Sequence[str], replies: Mapping[str, str]) -> str:
    """Type lines, and after those that are in `replies` wait for what is printed then; returns what was read."""
    assert process.stdin is not None
    assert process.stdout is not None
    heard = ""
    for line in lines:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        while replies.get(line, "") not in heard:
            heard += process.stdout.read(1)
    return heard


class Run:
    """A session of one's own programs: `play` presses space until all have ended. To be used in a `with`."""

    def __init__(
        self,
        server: Sequence[str] = (),
        client: Sequence[str] = (),
        *,
        net: str = "private",
        transport: Transport | None = None,
        folder: Path = FOLDER,
        clients: int = 1,
        held: bool = False,
        commands: Sequence[StartEndpoint] = (),
    ) -> None:
        self._held = held
        programs = [
            Program(role, str(folder / each[0]), tuple(each[1:]), read(str(folder / each[0])))  # type: ignore[arg-type]
            for role, each in (("server", server), *(("client", client) for _ in range(clients)))
            if each
        ]
        self.events: list[AnyEvent] = []
        self._came = threading.Event()
        self.actions: list[Action] = []
        self.said: list[str] = []
        commands = commands or opening(programs, transport)
        self.session = Session(lambda: LabClient(net=net), commands)  # type: ignore[arg-type]
        self.session.subscribe(self.events.append)

    def __enter__(self) -> Run:
        self.session.attach(self._came.set)
        self.until(lambda world: world.endpoints and not self.session.pending)
        if self.world.gate == "closed" and not self._held:
            self.session.dispatch(OpenGate())  # packets are seen, and nobody has to deliver them
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    @property
    def world(self) -> World:
        return self.session.world

    # --- waits

    def take(self, seconds: float) -> bool:
        """Wait for events; False if none comes."""
        if self.session.drain():
            return True
        came = self._came.wait(seconds)
        self._came.clear()
        return bool(self.session.drain()) or came

    def until(self, holds: Callable[[World], object], seconds: float = PATIENCE) -> None:
        """Take events until this is so of the world."""
        deadline = time.monotonic() + seconds
        while not holds(self.world):
            assert time.monotonic() < deadline, self.tell()
            self.take(0.1)

    def settle(self) -> None:
        """Until nothing is under way and nothing more comes."""
        begun = time.monotonic()
        while self.session.pending or self.take(QUIET) or (time.monotonic() < begun + BUSY and self._computing()):
            self.take(0.5 if self.session.pending else 0.0)
            assert time.monotonic() < begun + PATIENCE, self.tell()

    def _computing(self) -> bool:
        return computing(family(os.getpid())[1:])

    # --- what a person does

    def press(self) -> Action:
        """Press space once everything is quiet, and let it come to rest."""
        self.settle()
        self.said.append(narrate(self.world))
        action = next_action(self.world)
        self.actions.append(action)
        for command in action.commands:
            self.session.dispatch(command)
        return action

    def press_until(self, holds: Callable[[World], object], presses: int = 40) -> None:
        """Press space until this is so of the world."""
        for _ in range(presses):
            self.settle()
            if holds(self.world):
                return
            self.press()
        raise AssertionError(self.tell())

    def play(self, lines: Sequence[str] = (), presses: int = 150) -> None:
        """Press space, and type these lines where one is asked for (then the end of input), until all have ended."""
        rest = list(lines)
        for _ in range(presses):
            self.settle()
            if all(each.status == "ended" for each in self.world.endpoints.values()):
                self.said.append(narrate(self.world))
                return
            action = self.press()
            if action.types:
                line = rest.pop(0) if rest else None
                self.session.dispatch(TypeLine(who=action.who, text=line or "", end=line is None))
            elif not action.commands:
                assert self.take(2.0) or action.cap == "WAIT", f"{action.label}\n{self.tell()}"
        raise AssertionError(f"{presses} presses, and it goes on:\n{self.tell()}")

    # --- what came of it

    def outcome(self, who: str) -> Outcome:
        """What this program has done."""
        mine = [event for event in self.events if getattr(event, "who", "") == who]
        stdout = "".join(each.text for each in mine if isinstance(each, ProgramPrinted) and each.stream == "stdout")
        status = next(each.status for each in reversed(mine) if isinstance(each, ProcessExited))
        ended = next((each for each in mine if isinstance(each, ProgramEnded)), None)
        return Outcome(stdout, status, ended.traceback.strip().rpartition("\n")[2] if ended else "")

    def stops(self, who: str) -> list[int]:
        """The lines before which it has stood."""
        return [event.line for event in self.events if isinstance(event, ProgramStopped) and event.who == who]

    def tell(self) -> str:
        """The end of the story, for a test that fails."""
        ends = [f"{each.who}: {each.status} line {each.line} {each.syscall}" for each in self.world.endpoints.values()]
        refused = [each.why for each in self.events if isinstance(each, CommandRefused)]
        last = [str(event)[:200] for event in self.events[-8:]]
        return "\n".join([*(action.label for action in self.actions[-8:]), *ends, *refused, *last])


def run_of(folder: Path, text: str, *arguments: str) -> Run:
    """A session of one server with this text."""
    return Run([script(folder, text), *arguments], folder=folder)


def drawn(world: World) -> str:
    """The smallest screen, as text."""
    grid = Grid.of(80, 24)
    assert grid is not None
    return "\n".join(plain(line) for line in draw_screen(world, grid, UNICODE, Scene(why=narrate(world))))


def _wait_for_port(port: int) -> None:
    """Until somebody serves it on the machine's own net: seen in /proc, without a connection that it would notice."""
    deadline = time.monotonic() + PATIENCE
    wanted = f":{port:04X}"
    while time.monotonic() < deadline:
        for name in ("tcp", "tcp6", "udp", "udp6"):
            with open(f"/proc/net/{name}", encoding="ascii") as table:
                for line in table.readlines()[1:]:
                    fields = line.split()
                    if fields[1].endswith(wanted) and fields[3] in ("0A", "07"):
                        return
        time.sleep(0.01)
    raise AssertionError(f"nobody serves port {port}")


if __name__ == "__main__":
    privatenet.unshare_private(user=os.geteuid() != 0, pid=False)
    privatenet.prepare()
    with ThreadPoolExecutor(8) as pool:
        print(json.dumps(list(pool.map(_tell, (Story(*each) for each in json.loads(sys.argv[1]))))))
