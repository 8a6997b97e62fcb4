"""The keys for a program's own lines: one line on, to a chosen line, and a line typed for its input().

Law: they ask for the program in focus, netsim's own or the person's; who can't take it says why, and what to press.
"""

from __future__ import annotations

from collections.abc import Callable

from netsim.model.commands import RunToLine, StepLine, TypeLine
from netsim.model.views import shown_pair
from netsim.model.world import Endpoint, World
from netsim.story.callers import not_ours
from netsim.story.calls import opening, speaker
from netsim.story.own import is_own, paused, reads_lines, spins, typing_for, waits
from netsim.tui.line_aim import LineAim
from netsim.tui.message_line import MessageLine
from netsim.tui.time_keys import TimeKeys


class OwnKeys(TimeKeys):
    """What the person does with a program's lines; Keys says which key is whose."""

    typed: MessageLine | None
    do: Callable[[Callable[[], None]], None]

    _typing_for = ""

    @property
    def aim(self) -> tuple[str, int]:
        """The program and the line that is pointed at, ("", 0) if none is."""
        return (self.typed.who, self.typed.line) if isinstance(self.typed, LineAim) else ("", 0)

    def step_line(self) -> None:
        """One line on."""
        endpoint = self._steppable()
        if endpoint is not None:
            who = endpoint.who
            self.do(lambda: self.driver.order(StepLine(who=who)))

    def point_at_line(self) -> None:
        """Choose a line to run to."""
        endpoint = self._steppable()
        if endpoint is not None:
            self.typed = LineAim(endpoint, speaker(endpoint, self.session.world))
            self.say("")

    def ask_for_line(self, who: str = "") -> None:
        """Have a line typed: for `who`, or for whoever waits for one."""
        world = self.session.world
        endpoint = world.endpoints.get(who) or who_reads(world)
        why = "" if who and endpoint is not None else why_no_line(world)
        if why or endpoint is None:
            self.say(why)
            return
        self._typing_for = endpoint.who
        self.typed = MessageLine("type", "")
        self.say(typing_for(endpoint, speaker(endpoint, world)))

    def take_line(self, message: MessageLine, *, end: bool = False) -> None:
        """What was typed, or chosen, with enter; `end`: there is no more input to come."""
        if isinstance(message, LineAim):
            self.do(lambda: self.driver.order(RunToLine(who=message.who, line=message.line)))
        else:
            self.do(lambda: self.driver.order(TypeLine(who=self._typing_for, text=message.text, end=end)))

    def _steppable(self) -> Endpoint | None:
        world = self.session.world
        why = why_no_step(world)
        if why:
            self.say(why)
        return focused(world) if not why else None


def focused(world: World) -> Endpoint | None:
    """The program whose pane has the keys."""
    client, server = shown_pair(world)
    if world.focus.role == "client" and (client is not None or world.focus.stranger is not None):
        return client
    return server or client


def why_no_step(world: World) -> str:
    """Why the program in focus can't be run on by a line now, "" if it can."""
    stranger = world.focus.stranger
    if stranger is not None and world.focus.role == "client":
        return not_ours(world, stranger)
    endpoint = focused(world)
    if endpoint is None:
        return "There is no program in this pane: tab goes to the other one."
    who = speaker(endpoint, world)
    if endpoint.paused_by:
        return paused(endpoint, who)
    if endpoint.spins:
        return spins(who)
    match endpoint.status:
        case "stopped":
            return ""
        case "asleep":
            if endpoint.call is None:
                return waits(endpoint, who)
            return f"{opening(who)} sleeps in {endpoint.call.name}(): something has to come, or i interrupts it."
        case "starting" | "running":
            return f"{opening(who)} runs: wait until it stops, or i interrupts it."
        case "ended":
            return f"{opening(who)} has ended: r starts the server again, c the client."


def who_reads(world: World) -> Endpoint | None:
    """For whom a typed line would be: who waits for one, in focus or not; else the one in focus, if it may read one."""
    waiting = [each for each in world.endpoints.values() if each.reads_input]
    endpoint = focused(world)
    if endpoint is not None and (endpoint in waiting or not waiting):
        return endpoint if endpoint.own is not None and endpoint.status != "ended" else None
    return waiting[0] if waiting else None


def why_no_line(world: World) -> str:
    """Why nobody reads a line here, "" if somebody does or may."""
    endpoint = who_reads(world)
    if endpoint is None:
        if is_own(world):
            return "No program here waits for a line now: T is for one that sleeps in input()."
        return "Nobody here waits for a typed line: only programs of netsim run have input()."
    if not endpoint.reads_input and not reads_lines(endpoint):
        return f"{endpoint.program} reads no line in its text: there is nothing to type for it."
    return ""
