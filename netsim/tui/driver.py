"""The driver: what the person asks for becomes commands, one step at a time; it holds what is asked and nothing else.

Law: no widget and no clock; it moves when it is told that events came or that it is time for the next step.
"""

from __future__ import annotations

from collections.abc import Callable

from netsim.model.commands import (
    AnyCommand,
    CloseGate,
    DropPacket,
    Interrupt,
    Kill,
    OpenGate,
    RestartGate,
)
from netsim.model.strangers import next_stranger
from netsim.model.views import client_name, server_name, shown_pair
from netsim.model.world import Endpoint, World
from netsim.session import Session
from netsim.story import goals, towards
from netsim.story.action import Action
from netsim.story.callers import not_ours
from netsim.story.calls import opening, speaker
from netsim.story.director import new_client, next_action
from netsim.story.goals import Do, Goal, Reached, Stuck, Wait
from netsim.story.life import by_hand
from netsim.story.moments import FOR_THE_PAIR, Moment, approach
from netsim.story.own import MOST_CLIENTS, absent, is_own
from netsim.story.packets import held_packets, oldest_held

PACES = (6.0, 4.0, 2.5, 1.5, 0.8)  # seconds between the steps when it plays by itself


class Driver:
    """Carries out what keys ask for. `answer` is a sentence to the person, "" for none; `playing`: by itself."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._goal: Goal | Moment | None = None
        self._answer = ""
        self._overtaken: Callable[[World], bool] | None = None
        self.playing = False
        self.pace = PACES[2]  # seconds between the steps of playing

    @property
    def world(self) -> World:
        """The world now."""
        return self._session.world

    @property
    def answer(self) -> str:
        """The sentence to the person, as long as it is true."""
        return "" if self._overtaken is not None and self._overtaken(self.world) else self._answer

    @answer.setter
    def answer(self, sentence: str) -> None:
        self._answer, self._overtaken = sentence, None

    def _say_until(self, overtaken: Callable[[World], bool], sentence: str) -> None:
        """An answer that says how the world is now: it goes when that is not so any more."""
        self._answer, self._overtaken = sentence, overtaken

    @property
    def busy(self) -> bool:
        """Whether something asked for is still under way."""
        return self._goal is not None or self._session.pending

    @property
    def hurries(self) -> bool:
        """Whether it is on its way to a moment: nobody has to follow every step there."""
        return isinstance(self._goal, Moment)

    # --- what the keys ask for

    def press(self, painted: str) -> Action | None:
        """Do the next action if it is still the one that was painted; returns it if so."""
        self.answer = ""
        action = next_action(self.world)
        if self._session.pending or action.id != painted:
            return None
        self._goal = None
        for command in action.commands:
            self._session.dispatch(command)
        return action

    def pursue(self, make: Callable[[World], Goal]) -> None:
        """Go for a goal, in place of the one before."""
        self.answer = ""
        self._goal = make(self.world)
        self.move_on()

    def go_to(self, moment: Moment) -> None:
        """Begin again with a fresh lab and run to a moment."""
        if is_own(self.world) and moment.key in FOR_THE_PAIR:
            self.answer = f"The moment {moment.name} is played by netsim's own pair: start netsim without run."
            return
        self.begin_again()
        self._goal = moment

    def interrupt(self) -> None:
        """Interrupt the call in which the program in focus sleeps, or else any that sleeps."""
        endpoint = self._focused()
        sleepers = [each for each in self.world.endpoints.values() if each.status in ("asleep", "running")]
        if endpoint is not None and endpoint in sleepers:
            sleepers = [endpoint]
        if not sleepers:
            none = "No program sleeps in a call now: there is nothing to interrupt. space goes on."
            self._say_until(lambda world: any(each.status == "asleep" for each in world.endpoints.values()), none)
            return
        self._ask(Interrupt(who=sleepers[0].who))

    def kill(self) -> None:
        """Kill the process in focus."""
        focus, endpoint = self.world.focus, self._focused()
        if focus.stranger is not None and focus.role == "client":
            self.answer = not_ours(self.world, focus.stranger)
            return
        if endpoint is None or endpoint.status == "ended":
            who = speaker(endpoint, self.world) if endpoint else "program"
            self.answer = f"{opening(who)} has ended already: r starts the server again, c the client."
            return
        self._ask(Kill(who=endpoint.who))

    def add_client(self) -> None:
        """Start one more TCP client."""
        command = new_client(self.world)
        if command is None and is_own(self.world):
            why, how = absent(self.world, "client")
            self.answer = f"{why} {how}" if why else f"Nine clients are the most here: 1 to {MOST_CLIENTS} choose one."
            return
        if command is None:
            self.answer = f"Nine clients are the most here: 1 to {MOST_CLIENTS} choose one, c connects it."
            return
        self._ask(command)

    def choose(self, number: int) -> None:
        """Turn to a client by its number; 0: to one that is not ours, or the next of those."""
        if number == 0:
            self._choose_stranger()
            return
        who = client_name("tcp", number)
        if who not in self.world.endpoints:
            self.answer = f"There is no client {number}: n starts one more."
            return
        self.answer = ""
        self._session.focus(who)

    def _choose_stranger(self) -> None:
        following = next_stranger(self.world)
        if following is None:
            none = f"Only ours are here. From another terminal: {by_hand(self.world)}"
            self._say_until(lambda world: next_stranger(world) is not None, none)
            return
        self.answer = ""
        self._session.focus("", following)

    def turn(self) -> None:
        """From the client's pane to the server's, and back."""
        focus = self.world.focus
        if focus.role == "server" and focus.stranger is not None:
            self.answer = ""
            self._session.focus("", focus.stranger)
            return
        other = server_name(focus.transport) if focus.role == "client" else client_name(focus.transport, focus.number)
        self.answer = ""
        self._session.focus(other)

    def play(self) -> None:
        """Go on by itself from now on, or stop doing so."""
        self.playing = not self.playing
        self.answer = "It plays by itself: a stops it, - is slower, + is faster." if self.playing else ""

    def pause(self) -> None:
        """Play no further, and let a goal that is under way be: something else has the person's eyes."""
        self.playing, self._goal = False, None

    def set_pace(self, change: int) -> None:
        """Play faster (1) or slower (-1)."""
        index = min(len(PACES) - 1, max(0, PACES.index(self.pace) + change))
        self.pace = PACES[index]
        self.answer = f"By itself, a step every {self.pace:g} seconds" + ("." if self.playing else ": a begins.")

    def drop(self) -> None:
        """Throw away the packet that would be delivered next."""
        packet = oldest_held(self.world)
        if packet is None:
            none = self._no_gate() or "No packet is held now: there is nothing to drop. space goes on."
            self._say_until(lambda world: bool(held_packets(world)), none)
            return
        self._ask(DropPacket(number=packet.number))

    def finish(self) -> None:
        """Deliver packets until the sleeping call returns."""
        if not held_packets(self.world):
            none = self._no_gate() or "No packet is held now: there is nothing to deliver. space goes on."
            self._say_until(lambda world: bool(held_packets(world)), none)
            return
        self.pursue(goals.finish)

    def toggle_gate(self) -> None:
        """Open the gate, close it, or restart it if it has failed."""
        match self.world.gate:
            case "none":
                self.answer = self._no_gate()
            case "closed":
                self._ask(OpenGate())
            case "open":
                self._ask(CloseGate())
            case "failed":
                self._ask(RestartGate())

    def _no_gate(self) -> str:
        """Why no packet can be held here, "" where it can."""
        lab = self.world.lab
        if self.world.gate != "none" or lab is None:
            return ""
        if lab.net == "private":
            return "Packets can't be held here: netsim doctor says why, and what to do."
        return "In the host net packets can't be held, only inferred: netsim doctor says why."

    def begin_again(self) -> None:
        """A fresh lab; what was asked for is forgotten."""
        self._goal, self.answer, self.playing = None, "", False
        self._session.restart_lab()

    def order(self, command: AnyCommand) -> None:
        """Ask the lab for this, in place of a goal."""
        self._ask(command)

    def _focused(self) -> Endpoint | None:
        client, server = shown_pair(self.world)
        endpoint = client if self.world.focus.role == "client" else server
        return endpoint or (client or server if is_own(self.world) else None)

    def _ask(self, command: AnyCommand) -> None:
        self._goal, self.answer = None, ""
        self._session.dispatch(command)

    # --- one step further

    def move_on(self) -> bool:
        """The goal's next step if the lab is ready for one; True if something was dispatched."""
        if self._session.pending:
            return False
        if self._goal is None:
            return self._play()
        goal = self._goal
        match approach(self.world, goal) if isinstance(goal, Moment) else towards.advance(self.world, goal):
            case Do(command, final):
                if final:
                    self._goal = None
                self.answer = ""  # what was said on the way is not so any more
                self._session.dispatch(command)
                return True
            case Wait():
                return False
            case Reached():
                self._goal = None
            case Stuck(why):
                self._goal, self.answer = None, why
        return False

    def _play(self) -> bool:
        if not self.playing:
            return False
        action = next_action(self.world)
        if not action.commands:
            self.playing = False
            return False
        return self.press(action.id) is not None
