"""A lesson as plain text: it does, waits, looks and tells, without a screen; the same run as on the screen.

Law: it waits for events, and for the moment without one that says that all is still; never longer than it says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event as Signal
from time import monotonic
from typing import Protocol, TextIO, assert_never

from netsim.model.address import Transport
from netsim.model.events import AnyEvent, ExtraLineRan
from netsim.model.machine import Probed
from netsim.model.views import conversation_of, packets_of, pair_of
from netsim.model.world import World
from netsim.session import Lab, Session
from netsim.story.lesson import HERE, Lesson, Seen
from netsim.story.lesson_run import (
    AskMachine,
    Give,
    MakeLab,
    Patience,
    Person,
    Run,
    advance,
    begin,
    choose,
    give_up,
    look,
    press,
)
from netsim.text import lesson as words
from netsim.text.charset import Charset
from netsim.text.grid import MINIMUM
from netsim.text.ladder import draw_ends, draw_ladder_head, draw_packets
from netsim.text.lesson_recorded import recorded_step
from netsim.text.lines import plain
from netsim.text.transcript import packet_line, step_lines

SETTLED = 0.07  # seconds without an event: longer than the 50 ms in which the lab looks for what follows a call
QUICK = 0.015  # seconds without an event after a command on which nothing but its answer follows
LONGEST = 3.0  # seconds for which a lab may go on telling
ANSWER = 10.0  # seconds in which a lab takes a command
WIDTH = MINIMUM[0] - 2


class Prober(Protocol):
    """Who is asked about a PID from outside the lab (netsim.lab.machine.Machine)."""

    def probe(self, pid: int, on_probed: Callable[[Probed], None], started: float | None = None) -> None:
        """Whether anybody has this PID; the answer comes on another thread."""


class Tools(Protocol):
    """What a lesson needs of the rooms that this one may not import."""

    def make_lab(self, name: str) -> Lab:
        """A lab for the place of this name in the lesson."""

    def prober(self) -> Prober:
        """Who is asked about PIDs."""


class Headless:
    """One lesson from its beginning to its end. `tell` gets every line; `guess` None: nobody is asked.

    `guess` is given the number of answers, and returns the one that the person predicts, from 0. `drawings`: packets
    are drawn, besides being told.
    """

    def __init__(
        self,
        lesson: Lesson,
        tools: Tools,
        tell: Callable[[str], None],
        charset: Charset,
        guess: Callable[[int], int | None] | None = None,
        *,
        drawings: bool = True,
    ) -> None:
        self._tools = tools
        self._tell = tell
        self._charset = charset
        self._guess = guess
        self._drawings = drawings
        self._came = Signal()
        self._sessions: dict[str, Session] = {}
        self._probes: dict[str, Probed] = {}
        self._since = monotonic()  # when the run last went on
        self._packets_told = 0
        self.run = begin(lesson)
        self.sights: dict[int, Seen] = {}  # by step, what its claims looked at
        self.events: list[AnyEvent] = []  # of its own labs, one after the other
        self.ends: dict[int, int] = {}  # by step, how many of them there were when it was found

    @property
    def worlds(self) -> Mapping[str, World]:
        """The worlds of all its labs, now."""
        return {name: session.world for name, session in self._sessions.items()}

    def go(self, until: Callable[[Run], bool] = lambda _run: False) -> Run:
        """Run it all, or until it is so; the labs are ended however it ends."""
        try:
            while self.run.phase != "over" and not until(self.run):
                self._move()
        finally:
            for session in self._sessions.values():
                session.close()
        return self.run

    # --- what the run asks for

    def _move(self) -> None:
        self.run, request = advance(self.run, self.worlds, self._probes)
        match request:
            case Give(lab, command, quick):
                self._sessions[lab].dispatch(command)
                self._settle(QUICK if quick else SETTLED)
                self._tell_step(lab)
            case MakeLab(lab, opening):
                before = self._sessions.pop(lab, None)
                if before is not None:
                    before.close()
                session = Session(lambda: self._tools.make_lab(lab), opening)
                session.attach(self._came.set)
                if self.run.at >= 0:
                    self._tell(f"      a fresh lab{'' if lab == HERE else f', called {lab}'}")
                if lab == HERE:
                    session.subscribe(self.events.append)
                self._sessions[lab] = session
                self._packets_told = 0 if lab == HERE else self._packets_told
                self._settle()
            case AskMachine(name, pid, started):
                self._tools.prober().probe(pid, lambda answer: self._take(name, answer), started)
            case Patience(seconds):
                left = self._since + seconds - monotonic()
                if left <= 0 or not self._came.wait(left):
                    self.run, self._since = give_up(self.run), monotonic()
                self._settle()
                self._tell_what_came()
                return
            case Person():
                self._turn()
            case _:
                assert_never(request)
        self._since = monotonic()

    def _take(self, name: str, answer: Probed) -> None:
        self._probes[name] = answer
        self._came.set()

    def _settle(self, quiet: float = SETTLED) -> None:
        """Until nothing more comes, and every command has its answer; a lab that never rests is not waited for."""
        end = monotonic() + LONGEST
        while monotonic() < end:
            self._came.clear()
            for session in self._sessions.values():
                session.drain()
            busy = any(session.unanswered for session in self._sessions.values())
            if not self._came.wait(ANSWER if busy else quiet):
                return

    def _turn(self) -> None:
        """It is the person's turn, who is not there: tell it all and go on."""
        run, seen = self.run, look(self.run, self.worlds, self._probes)
        match run.phase:
            case "told":
                self._say([])
                self._say(words.told(run, seen), f"{run.at + 1:2}  ")
            case "asked":
                self._say(words.asked(run, seen), "    ")
                guess = self._guess(len(run.step.ask.answers)) if self._guess and run.step.ask else None
                if guess is not None:
                    self.run = choose(run, guess, self.worlds, self._probes)
                    return
            case "found":
                self.sights[run.at] = seen
                self.ends[run.at] = len(self.events)
                recorded = recorded_step(run.lesson.name, run.at) if words.is_absent(run) else None
                if self._drawings:
                    self._draw_ladders(recorded or seen, "RECORDED, not now and not here:" if recorded else "")
                self._say(words.found(run, seen, self._charset, reasons=True), "    ")
            case "summary":
                self._say([])
                self._say(words.summary(run, self._charset))
            case _:
                pass
        self.run = press(self.run, self.worlds, self._probes)

    # --- telling

    def _say(self, paragraphs: list[words.Paragraph], indent: str = "") -> None:
        lines = words.wrap(paragraphs, WIDTH - len(indent), self._charset)
        for index, (_, line) in enumerate(lines or [("text", "")]):
            lead = indent if index == 0 else " " * len(indent)
            self._tell((lead + line).rstrip())

    def _tell_step(self, lab: str) -> None:
        if self.run.at < 0:
            return
        world = self._sessions[lab].world
        told = self._packets_told if lab == HERE else world.packet_count
        where = "" if lab == HERE else f"{lab}: "
        lines = step_lines(world, told)[:-1]  # without the narrator: the lesson tells why
        if any(isinstance(event, ExtraLineRan) for event in world.since):
            lines = [line for line in lines if ">>>" in line or line.startswith(("packet", "port"))]
        for line in lines:
            self._tell(f"      {where}{self._charset.visible(line)}".rstrip())
        if lab == HERE:
            self._packets_told = world.packet_count

    def _tell_what_came(self) -> None:
        """Packets that a timer of the kernel's has sent while nothing was done."""
        if self.run.at < 0 or HERE not in self._sessions:
            return
        world = self._sessions[HERE].world
        for packet in world.packets_after(self._packets_told):
            self._tell(f"      {self._charset.visible(packet_line(packet, world))}".rstrip())
        self._packets_told = world.packet_count

    def _draw_ladders(self, seen: Seen, head: str) -> None:
        """The packets of this step, if there were any, as the screen draws them."""
        before = {packet.number for packet in seen.start.packets if seen.start.lab == seen.here.lab}
        transports: tuple[Transport, ...] = ("tcp", "udp")
        for transport in transports:
            client, _ = pair_of(seen.here, transport)
            packets = packets_of(seen.here, conversation_of(seen.here, client) if client else None)
            count = sum(packet.number not in before for packet in packets)
            if not count:
                continue
            width = WIDTH - 6
            if head:
                self._tell(f"      {head}")
            for line in (
                *draw_ladder_head(seen.here, width, 1, self._charset, transport=transport),
                *draw_ends(seen.here, width, 1, self._charset, transport=transport),
                *draw_packets(seen.here, width, count, self._charset, transport=transport),
            ):
                self._tell(f"      {plain(line)}".rstrip())


def say_to(out: TextIO) -> Callable[[str], None]:
    """Tell lines to a stream, each at once."""
    return lambda line: print(line, file=out, flush=True)
