"""The keys that go through time and that keep what happened: they look, and ask no lab for anything.

Law: what acts is marked with `acts`, and does nothing but say so while the past or a recording is shown. Every file
that is written by a key is written here, through `Tools.files`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from textual.screen import Screen

from netsim.model.strangers import next_stranger
from netsim.model.views import client_name, server_name
from netsim.model.world import World
from netsim.session import Session
from netsim.story.hindsight import NO_ACTING, NO_ACTING_RECORDED
from netsim.tui.driver import Driver
from netsim.tui.flights import Flights
from netsim.tui.page import Tools
from netsim.tui.past import Past
from netsim.tui.space_line import SpaceLine

START = "This is the start; . goes forward, end goes to now."
START_RECORDED = "This is the start of the recording; space goes forward."
OLDEST = "The first moment left: {count} older events are gone; --record keeps all."
NOW = "This is now: there is nothing to go forward to; , goes back."
END = "This is the end of the recording; , goes back, home to its start."
ALONE = "Nothing has happened yet that one could go back to."
NO_FILES = "No file is written here: this netsim was started without."

Self = TypeVar("Self", bound="TimeKeys")
Rest = ParamSpec("Rest")


class TimeKeys(Screen[None]):
    """Which moment is shown, and the keys for it."""

    paint: Callable[[], None]  # draw everything that is to be seen now

    def __init__(self, session: Session, clock: Callable[[], float], tools: Tools | None = None) -> None:
        super().__init__()
        self.session = session
        self.clock = clock
        self.tools = tools
        self.past = Past(session)
        self.driver = Driver(session)
        self.flights = Flights(enabled=False)
        self.space_line = SpaceLine()

    @property
    def shown_world(self) -> World:
        """The world that is drawn: now, or a moment of the past."""
        return self.past.world

    @property
    def why_no_acting(self) -> str:
        """Why nothing can be asked of the lab now, "" if it can."""
        if self.session.recording:
            return NO_ACTING_RECORDED
        return NO_ACTING if self.past.shown else ""

    def say(self, sentence: str) -> None:
        """A short answer to the person, on the why row, in place of what happened last."""
        self.driver.answer = sentence
        self.paint()

    def came_behind(self, *, first: bool) -> None:
        """Events were folded, whatever is shown; `first`: those of a recording begin at its start."""
        if self.session.recording and first:
            self.past.go_to_start()
            self.flights.land()
            self.driver.answer = self.session.note
        files = self.tools.files if self.tools else None
        if files and (trouble := files.trouble()):
            self.driver.answer = trouble

    # --- the keys

    def action_back(self) -> None:
        """, and page up: one moment back."""
        self._pause()
        if not self.past.go_back():
            self.say(self._start() if self.past.shown else ALONE)
            return
        self.flights.land()
        self.say("")

    def action_forward(self) -> None:
        """. and, while the past is shown, space: one moment forward."""
        self._pause()
        known = {packet.number for packet in self.shown_world.packets}
        if not self.past.go_forward():
            self.say(END if self.session.recording else NOW)
            return
        self.flights.land()
        numbers = [packet.number for packet in self.shown_world.packets if packet.number not in known]
        self.flights.fly(numbers, self.clock())
        self._arrive()

    def action_to_start(self) -> None:
        """home"""
        self._pause()
        if not self.past.go_to_start():
            self.say(ALONE)
            return
        self.flights.land()
        self.say(self._start())

    def action_to_now(self) -> None:
        """end"""
        self._pause()
        was_past = self.past.shown
        self.past.go_to_now()
        self.flights.land()
        if was_past:
            self._arrive()
        else:
            self.say(END if self.session.recording else NOW)

    def action_record(self) -> None:
        """R"""
        files = self.tools.files if self.tools else None
        self.say(files.record() if files else NO_FILES)

    def action_export(self) -> None:
        """e"""
        files = self.tools.files if self.tools else None
        self.say(files.export() if files else NO_FILES)

    def look_at_client(self, number: int) -> None:
        """0 to 9, in the past: its conversation is looked at; nobody's focus was moved then."""
        if number == 0:
            following = next_stranger(self.shown_world)
            self.past.turn_to(following or "")
            self.say("" if following else "Only our clients were here then.")
            return
        who = client_name("tcp", number)
        if who in self.shown_world.endpoints:
            self.past.turn_to(who)
            self.say("")
        else:
            self.say(f"There was no client {number} then.")

    def look_over(self) -> None:
        """tab, in the past: at the other pane."""
        focus = self.shown_world.focus
        to_server = focus.role == "client"
        client = focus.stranger or client_name(focus.transport, focus.number)
        self.past.turn_to(server_name(focus.transport) if to_server else client)
        self.say("")

    # --- how

    def _pause(self) -> None:
        """Whoever looks elsewhere does not want the lab to go on by itself meanwhile."""
        self.space_line.press(self.clock())
        self.driver.pause()

    def _arrive(self) -> None:
        """Somewhere further on; a press that was meant for the past must not act where that is now."""
        if not self.past.shown:
            self.space_line.disarm()
        self.say("" if self.past.shown else self.session.note)

    def _start(self) -> str:
        forgotten = self.session.timeline.first
        if forgotten:
            return OLDEST.format(count=forgotten)
        return START_RECORDED if self.session.recording else START


def acts(action: Callable[Concatenate[Self, Rest], None]) -> Callable[Concatenate[Self, Rest], None]:
    """Mark a key's deed as one that asks the lab for something: not for the past, nor for a recording."""

    @wraps(action)
    def guarded(self: Self, /, *args: Rest.args, **kwargs: Rest.kwargs) -> None:
        if why := self.why_no_acting:
            self.say(why)
        else:
            action(self, *args, **kwargs)

    return guarded
