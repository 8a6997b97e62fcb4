"""A lesson on labs of its own, moved by what comes from them: does what the run asks for, waits, and asks it again.

Law: all but the labs' wake-ups happens on the screen's thread; who closes it ends every lab that it made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from netsim.model.commands import AnyCommand
from netsim.model.machine import Probed
from netsim.model.world import World
from netsim.session import Lab, Session
from netsim.story import lesson_run
from netsim.story.lesson import HERE, Lesson, Seen
from netsim.story.lesson_run import AskMachine, Give, MakeLab, Patience, Person, Run
from netsim.tui.page import Machine, Stage, Tools

SETTLED = 0.07  # seconds without an event: longer than the 50 ms in which the lab looks for what follows a call
QUICK = 0.015  # seconds after a command on which nothing but its answer follows
PACE = 0.25  # seconds between the packets of one press
ANSWER = 10.0  # seconds in which a lab takes a command
LONGEST = 3.0  # seconds for which a lab may go on telling
WATCH = 1.0  # seconds between looks whether to give up


class Player:
    """One lesson from its beginning to its end."""

    def __init__(self, lesson: Lesson, stage: Stage, tools: Tools, net: str, port: int) -> None:
        self._stage, self._tools, self._net, self._port = stage, tools, net, port
        self._sessions: dict[str, Session] = {}
        self._probes: dict[str, Probed] = {}
        self._machine: Machine | None = None
        self._news = 0  # counts what came: a timer that finds another number is out of date
        self._quiet = SETTLED
        self._patience = 0.0  # how long the run waits for something; 0: it does not
        self._since = stage.clock()  # when the run last went on
        self._ahead = 0.0  # the lab's clock minus ours
        self._watched = False
        self._closed = False
        self.run: Run = lesson_run.begin(lesson)
        self._move()

    @property
    def worlds(self) -> Mapping[str, World]:
        """The worlds of all its labs, now."""
        return {name: session.world for name, session in self._sessions.items()}

    @property
    def world(self) -> World:
        """The world of the lesson's own lab."""
        return self.worlds.get(HERE, World())

    @property
    def seen(self) -> Seen:
        """What claims and texts look at."""
        return lesson_run.look(self.run, self.worlds, self._probes)

    @property
    def busy(self) -> bool:
        """Whether something is under way, and it is not the person's turn."""
        return self.run.phase == "doing"

    @property
    def now(self) -> float:
        """The lab's clock."""
        return self._stage.clock() + self._ahead

    def press(self) -> None:
        """The person goes on."""
        self._take(lesson_run.press(self.run, self.worlds, self._probes))

    def choose(self, answer: int) -> None:
        """The person predicts this answer (from 0)."""
        self._take(lesson_run.choose(self.run, answer, self.worlds, self._probes))

    def give_away(self) -> Session | None:
        """The session of the lesson's own lab, which is the taker's from now on; the others end."""
        session = self._sessions.pop(HERE, None)
        self.close()
        return session

    def close(self) -> None:
        """End every lab."""
        self._closed = True
        for session in self._sessions.values():
            session.close()
        if self._machine is not None:
            self._machine.close()

    # --- what the run asks for

    def _take(self, run: Run) -> None:
        if run is not self.run:
            self.run = run
            self._move()

    def _move(self) -> None:
        """Ask the run, and do what it asks for."""
        self.run, request = lesson_run.advance(self.run, self.worlds, self._probes)
        self._patience, self._quiet, self._since = 0.0, SETTLED, self._stage.clock()
        match request:
            case Give(lab, command, quick):
                self._quiet = QUICK if quick else PACE
                self._sessions[lab].dispatch(command)
                self._wait()
            case MakeLab(lab, opening):
                self._make_lab(lab, opening)
                self._wait()
            case AskMachine(name, pid, started):
                self._ask(name, pid, started)
                self._wait()
            case Patience(seconds):
                self._patience = seconds
                self._wait()
            case Person():
                pass
            case _:
                assert_never(request)
        self._stage.repaint()

    def _make_lab(self, name: str, opening: Sequence[AnyCommand]) -> None:
        before = self._sessions.pop(name, None)
        if before is not None:
            before.close()
        session = Session(lambda: self._lab(name), opening)
        session.attach(lambda: self._stage.call_soon(self._stirred))
        self._sessions[name] = session

    def _lab(self, name: str) -> Lab:
        return self._tools.make_lab(self._net if name == HERE else "private", self._port)

    def _ask(self, name: str, pid: int, started: float | None) -> None:
        if self._machine is None:
            self._machine = self._tools.make_machine()

        def answered(answer: Probed) -> None:
            self._probes[name] = answer
            self._stirred()

        self._machine.probe(pid, lambda answer: self._stage.call_soon(lambda: answered(answer)), started)

    # --- waiting

    def _stirred(self) -> None:
        """Something has come."""
        if self._closed:
            return
        drained = sum(session.drain() for session in self._sessions.values())
        if self.busy:
            self._wait()
        if drained:
            self._ahead = self.world.at - self._stage.clock()
            self._stage.repaint()

    def _wait(self) -> None:
        """Move on when it has been still for a moment, and every command has its answer."""
        busy = any(session.unanswered for session in self._sessions.values())
        if self._stage.clock() - self._since < LONGEST:
            self._news += 1
        news = self._news
        if not busy:
            self._stage.later(self._quiet, lambda: self._still(news))
        if not self._watched:
            self._watched = True
            self._stage.later(WATCH, self._watch)

    def _still(self, news: int) -> None:
        if self._closed or news != self._news or not self.busy:
            return
        if self._patience:
            run, request = lesson_run.advance(self.run, self.worlds, self._probes)
            if isinstance(request, Patience) and run is self.run:
                return  # the same again: only news helps, or the end of patience
        self._move()

    def _watch(self) -> None:
        """Give up what does not come."""
        self._watched = False
        if self._closed or not self.busy:
            return
        if self._stage.clock() - self._since > (self._patience or ANSWER):
            self._take(lesson_run.give_up(self.run))
        else:
            self._watched = True
            self._stage.later(WATCH, self._watch)
