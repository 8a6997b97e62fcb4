"""The SPACE line: what it says, and which presses count. A press does what is painted, or nothing.

Law: no clock of its own; every question brings the time along.
"""

from __future__ import annotations

from typing import NamedTuple

from netsim.story.action import Action, Cap

HELD_DOWN = 0.15  # seconds: a key that comes again sooner is held down
ARMING = 0.5  # seconds that a label which changed by itself must have been there before a press counts
SETTLING = 1.0  # seconds after a press in which a new label is its consequence
PATIENCE = 0.4  # seconds that something may take before the line says that it runs


class Said(NamedTuple):
    """What is painted: the cap, the label, and what the press would touch."""

    cap: Cap
    label: str
    target: str


ASKED = Said("SPACE", "no: nothing is done, and the question goes away", "")
STARTING = Said("", "starting the lab ...", "")


class SpaceLine:
    """What the line says and has said."""

    def __init__(self) -> None:
        self.painted = ""  # the id of the action whose label is painted
        self._since: float | None = None  # since when, if it came by itself
        self._pressed = float("-inf")
        self._said = STARTING

    def forget(self) -> None:
        """A fresh lab: what was said of the old one is over."""
        self._said = STARTING

    def disarm(self) -> None:
        """What is painted next counts as having come by itself: a press must not have been meant for what was."""
        self.painted, self._pressed = "", float("-inf")

    def press(self, now: float) -> bool:
        """Some key was pressed; False if it is held down."""
        held_down, self._pressed = now - self._pressed < HELD_DOWN, now
        return not held_down

    def say(self, action: Action, now: float, lab_now: float, *, pending: bool, busy: bool) -> Said:
        """What to paint for this next action.

        `lab_now`: the lab's clock, for its countdowns. `pending`: a command is being done; `busy`: or a goal has more
        to ask.
        """
        if action.id != self.painted:
            by_itself = now - self._pressed > SETTLING and not busy
            self.painted, self._since = action.id, now if by_itself else None
        said = Said(action.cap, action.label_at(lab_now), action.target)
        if pending and now - self._pressed < PATIENCE:
            said = self._said  # what was pressed for is being done: nothing flickers meanwhile
        elif busy:
            said = Said("", said.label, "")  # on the way to a goal: what comes next, but not by a press
        self._said = said
        return said

    def is_armed(self, now: float) -> bool:
        """Whether the label has been there long enough for a press to mean it."""
        return self._since is None or now - self._since >= ARMING
