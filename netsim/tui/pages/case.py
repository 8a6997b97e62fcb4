"""`w`: why ports, not PIDs. The case is made on labs of its own; the main story stays as it was left.

Law: only space goes on (and b begins again, esc goes back); what is shown is what came.
"""

from __future__ import annotations

from netsim.story.case_record import HERE, THERE
from netsim.text.case import draw_case
from netsim.text.lines import Line
from netsim.tui.case_run import CaseRun
from netsim.tui.page import Page, Stage, Tools
from netsim.tui.space_line import HELD_DOWN

GATHERING = 0.04  # seconds in which what comes is painted once
PATIENCE = 10.0  # seconds without any news, after which a step is given up
SECOND = 1.0
FORWARD = ("space", "pagedown", "enter")


class CasePage:
    """The case on the screen."""

    def __init__(self, stage: Stage, tools: Tools, net: str, ports: tuple[int, int], *, held: bool) -> None:
        self._stage, self._tools = stage, tools
        self._net, self._ports, self._held = net, ports, held
        self._pressed = float("-inf")
        self._paint_due = False
        self._told: dict[str, float] = {}  # each lab's clock when it told something last
        self._ahead: dict[str, float] = {}  # each lab's clock minus ours
        self._run = self._begin()
        stage.call_soon(self._tick)  # once the page is open: `later` is of the page that is

    def _begin(self) -> CaseRun:
        here, there = self._ports
        self._news, self._quiet_since = 0, self._stage.clock()
        return CaseRun(
            self._tools, self._net, here, there, held=self._held, soon=self._stage.call_soon, changed=self._repaint
        )

    def draw(self, width: int, height: int) -> list[Line]:
        """The case now."""
        here, there = (self._stage.clock() + self._ahead.get(lab, 0.0) for lab in (HERE, THERE))
        return draw_case(self._run.case, width, height, self._stage.charset, now=here, now_there=there)

    def press(self, key: str, character: str | None) -> bool:
        """space goes on, at the end back; b begins again; escape goes back."""
        now = self._stage.clock()
        held_down, self._pressed = now - self._pressed < HELD_DOWN, now
        if key == "escape":
            return False
        if key in FORWARD and not held_down:
            if self._run.case.is_last and self._run.case.is_done:
                return False
            self._run.press()
        elif character == "b" and not held_down:
            self._run.close()
            self._run = self._begin()
        return True

    def came(self) -> None:
        """The main story's events are not the case's."""

    def close(self) -> None:
        """End the labs and the helper."""
        self._run.close()

    def _repaint(self) -> None:
        """Something came: paint it, with what comes right after it."""
        now = self._stage.clock()
        for lab in (HERE, THERE):
            told = self._run.clock(lab)
            if told != self._told.get(lab):  # else it is the helper that has answered, or a key
                self._told[lab], self._ahead[lab] = told, told - now
        self._quiet_since = now
        if not self._paint_due:
            self._paint_due = True
            self._stage.later(GATHERING, self._paint)

    def _paint(self) -> None:
        self._paint_due = False
        self._stage.repaint()

    def _tick(self) -> None:
        """Once a second: TIME_WAIT runs down, and what does not come is given up."""
        if not self._run.case.is_done and self._stage.clock() - self._quiet_since > PATIENCE:
            self._run.give_up()
        self._stage.repaint()
        self._stage.later(SECOND, self._tick)


def open_page(stage: Stage) -> Page | str:
    """The case, in the same kind of net as the main story's."""
    lab = stage.session.world.lab
    if stage.tools is None or stage.tools.free_port is None:
        return "The case needs a lab of its own, and none can be made here: space goes on."
    if lab is None:
        return "The lab is just starting: press w again in a moment."
    if lab.net == "private":
        return CasePage(stage, stage.tools, "private", (8888, 8888), held=bool(lab.gate))
    here = stage.tools.free_port(lab.port)
    there = stage.tools.free_port(here + 1) if here is not None else None
    if here is None or there is None:
        return "No port is free for the case beside the lab's own: end a program that has one, and press w again."
    return CasePage(stage, stage.tools, "host", (here, there), held=False)
