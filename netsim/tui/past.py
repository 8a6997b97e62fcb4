"""Which moment is shown: now, or one of the past. What happens goes on being recorded behind it.

Law: it only chooses an index of the timeline; it never changes what happened, and a fresh lab is always shown now.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from netsim.model.address import Conversation
from netsim.model.focus import turn_to, turn_to_stranger
from netsim.model.timeline import Timeline
from netsim.model.world import World
from netsim.session import Session
from netsim.story.action import Cap
from netsim.story.hindsight import what_comes


class Past:
    """Where the person stands in the session's time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._chosen: tuple[Timeline, int] | None = None
        self._drawn: tuple[Timeline, int, World] | None = None
        self._turned_to: str | Conversation = ""  # who (a stranger) is looked at in place of who was in focus then

    @property
    def index(self) -> int | None:
        """How many events are shown; None: all of them, now."""
        timeline = self._session.timeline
        if self._chosen is None or self._chosen[0] is not timeline:
            return None
        return max(self._chosen[1], timeline.first)

    @property
    def shown(self) -> bool:
        """Whether it is the past."""
        return self.index is not None

    @property
    def world(self) -> World:
        """The world that is shown."""
        world = self._at_index()
        if isinstance(self._turned_to, Conversation):
            return turn_to_stranger(world, self._turned_to, take_role=True)
        return turn_to(world, self._turned_to, take_role=True)

    def _at_index(self) -> World:
        timeline, index = self._session.timeline, self.index
        if index is None:
            return timeline.now
        if self._drawn is None or self._drawn[0] is not timeline or self._drawn[1] != index:
            self._drawn = (timeline, index, timeline.at(index))
        return self._drawn[2]

    @property
    def of(self) -> int:
        """How many moments there are, now among them."""
        return len(self._session.timeline.moments) + 1

    @property
    def place(self) -> int:
        """Which moment is shown, from 1."""
        index = self.index
        return self.of if index is None else bisect_left(self._session.timeline.moments, index) + 1

    @property
    def back(self) -> int:
        """How many moments it is back from now."""
        return self.of - self.place

    @property
    def following(self) -> int:
        """The index of the next moment."""
        return self._after(len(self._session.timeline) if self.index is None else self.index)

    def what_comes(self) -> str:
        """What is seen at the next moment, in a few words; "" where this is the last."""
        index = self.index
        if index is None:
            return ""
        timeline = self._session.timeline
        return what_comes(timeline.at(index), timeline.between(index, self.following))

    def turn_to(self, who: str | Conversation) -> None:
        """Look at another endpoint's conversation, or at a stranger's, at this moment only.

        What was in focus then is not changed.
        """
        self._turned_to = who

    def go_back(self) -> bool:
        """One moment back; False if there is none before."""
        timeline, index = self._session.timeline, self.index
        place = bisect_left(timeline.moments, len(timeline) if index is None else index)
        if place == 0:
            return False
        self._choose(timeline.moments[place - 1])
        return True

    def go_forward(self) -> bool:
        """One moment forward; False if it was now already."""
        if self.index is None:
            return False
        self._choose(self.following)
        return True

    def go_to_start(self) -> bool:
        """To the oldest moment that there is; False if that is now."""
        timeline = self._session.timeline
        if not timeline.moments:
            return False
        self._choose(timeline.moments[0])
        return True

    def go_to_now(self) -> None:
        """Back to now."""
        self._chosen, self._turned_to = None, ""

    def _after(self, index: int) -> int:
        timeline = self._session.timeline
        place = bisect_right(timeline.moments, index)
        return timeline.moments[place] if place < len(timeline.moments) else len(timeline)

    def _choose(self, index: int) -> None:
        timeline = self._session.timeline
        self._chosen, self._turned_to = None if index >= len(timeline) else (timeline, index), ""


def describe_forward(past: Past) -> tuple[Cap, str]:
    """The SPACE line of the past: a press shows the next moment, whatever it would have done then."""
    if not past.shown:
        return "", "the end of the recording: , goes back, home to its start, q quits"
    coming = past.what_comes()
    return "SPACE", f"forward{': ' if coming else ''}{coming}"
