"""Carries the case out: it owns the case's labs and its helper outside them, and gives each order to who can do it.

Law: no drawing and no judgement; it moves when something has come, and everything happens on the screen's thread.
"""

from __future__ import annotations

from collections.abc import Callable

from netsim.model.commands import OpenGate
from netsim.model.events import AnyEvent
from netsim.model.machine import Probed
from netsim.session import Session
from netsim.story.case import Case, Proof, answered, begin, give_up, go_on, opened, press, printed, saw
from netsim.story.case_aims import Ask, Do, OpenLab, Run
from netsim.story.case_proofs import proof
from netsim.story.case_record import HERE
from netsim.story.case_steps import steps
from netsim.tui.page import Tools

MOST_AT_ONCE = 200  # orders in a row without anything to wait for: none of the case's steps has so many


class CaseRun:
    """The case, on labs of its own.

    `held`: packets can be. `soon` does something on the screen's thread; `changed` is called after news.
    """

    def __init__(
        self, tools: Tools, net: str, port: int, other_port: int, *, held: bool,
        soon: Callable[[Callable[[], None]], None], changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._tools, self._net = tools, net
        self._soon, self._changed = soon, changed
        self._machine = tools.make_machine()
        self._sessions: dict[str, Session] = {}
        self._stirred = False
        self._closed = False
        private = net == "private"
        made = steps(private=private, held=held)
        self.case: Case = begin(made, private=private, port=port, other_port=other_port)
        self.news = 0  # how often something came
        self._open(HERE)

    def clock(self, lab: str) -> float:
        """A lab's clock as its last event told it, 0.0 while there is no such lab."""
        session = self._sessions.get(lab)
        return session.world.at if session is not None else 0.0

    def press(self) -> bool:
        """space: the next step; False if there is none now."""
        before = self.case
        self.case = press(before)
        if self.case is before:
            return False
        self._go_on()
        return True

    def give_up(self) -> None:
        """What is waited for does not come."""
        self.case = give_up(self.case)
        self._changed()

    def close(self) -> None:
        """End the labs and the helper."""
        self._closed = True
        for session in self._sessions.values():
            session.close()
        self._machine.close()

    # --- what comes

    def _open(self, lab: str) -> None:
        port = self.case.port_of(lab)
        session = Session(lambda: self._tools.make_lab(self._net, port), (OpenGate(),))
        self._sessions[lab] = session
        before = [session.world]

        def note(event: AnyEvent) -> None:
            self.case = saw(self.case, lab, event, before[0], session.world)
            before[0] = session.world

        session.subscribe(note)
        self.case = opened(self.case, lab)
        session.attach(self._stir)

    def _stir(self) -> None:
        """On a lab's thread: events wait to be taken."""
        if not self._stirred:
            self._stirred = True
            self._soon(self._take)

    def _take(self) -> None:
        self._stirred = False
        if self._closed:
            return
        if sum(session.drain() for session in list(self._sessions.values())):
            self._go_on()

    def _hear(self, probed: Probed) -> None:
        """On the helper's thread."""
        self._soon(lambda: self._answer(probed))

    def _answer(self, probed: Probed) -> None:
        if not self._closed:
            self.case = answered(self.case, probed)
            self._go_on()

    def _print(self, exhibit: int, made: Proof) -> None:
        if not self._closed:
            self.case = printed(self.case, exhibit, made)
            self._go_on()

    # --- what is done

    def _go_on(self) -> None:
        self.news += 1
        for _ in range(MOST_AT_ONCE):
            if any(session.unanswered for session in self._sessions.values()):
                break
            self.case, order = go_on(self.case)
            match order:
                case Do(lab, command):
                    self._sessions[lab].dispatch(command)
                case Ask(pid, started):
                    self._machine.probe(pid, self._hear, started)
                case OpenLab(lab):
                    self._open(lab)
                case Run(exhibit):
                    self._prove(exhibit)
                case _:
                    break
        self._changed()

    def _prove(self, exhibit: int) -> None:
        check = proof(self.case, exhibit)
        if check is None or self._tools.run_aside is None:
            self.case = printed(self.case, exhibit, Proof(None))
            return

        def tell(text: str) -> None:
            self._soon(lambda: self._print(exhibit, Proof(check, text)))

        self._tools.run_aside(check.argv, check.inside, tell)
