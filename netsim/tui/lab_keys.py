"""The keys that ask the lab for something: a step, a goal, a message, a fresh lab.

Law: a key only asks (the lab, or the person); what it did is seen when the lab tells.
"""

from __future__ import annotations

from collections.abc import Callable

from netsim.model.world import World
from netsim.story import goals
from netsim.story.moments import MOMENTS
from netsim.tui.message_line import MessageLine, Verb
from netsim.tui.own_keys import OwnKeys
from netsim.tui.space_line import PATIENCE
from netsim.tui.table_keys import TableKeys
from netsim.tui.time_keys import acts
from netsim.tui.timing import after


class LabKeys(OwnKeys, TableKeys):
    """What the person asks of the lab; Keys says which key is whose."""

    asking: str  # which of the QUESTIONS is open
    schedule_step: Callable[[], None]  # see to it that a goal's next step is made in its time

    _sender: goals.Goal | None = None  # whose the message will be that is typed, though the focus may move meanwhile

    # --- the keys

    def action_next(self) -> None:
        """space: what the SPACE line says."""
        now = self.clock()
        if self.past.shown or self.session.recording:
            if self.space_line.press(now):
                self.action_forward()
            return
        if not self.space_line.press(now) or self.driver.busy or not self.space_line.is_armed(now):
            return
        self.flights.land()
        action = self.driver.press(self.space_line.painted)
        if action is not None and action.begin_again:
            self._ask("begin_again")
        if action is not None and action.types:
            self.ask_for_line(action.who)
        after(self, PATIENCE, self.paint)
        self.paint()

    @acts
    def action_connect(self) -> None:
        """c"""
        self._pursue(goals.connect)

    @acts
    def action_close(self) -> None:
        """x"""
        self._pursue(goals.close)

    @acts
    def action_restart(self) -> None:
        """r"""
        self._pursue(goals.restart)

    def action_send(self) -> None:
        """s: asks for the message first; in the table it sorts."""
        if self.in_table:
            self.sort_table()
        else:
            self._send_message()

    @acts
    def _send_message(self) -> None:
        self._sender = goals.send(self.session.world, "")
        if isinstance(self._sender, goals.NotOurs):
            self._pursue(lambda world: goals.send(world, ""))
        else:
            self._ask_for_message("send")

    @acts
    def action_udp(self) -> None:
        """u: asks for the message first."""
        self._ask_for_message("udp")

    @acts
    def action_new_client(self) -> None:
        """n"""
        self.do(self.driver.add_client)

    @acts
    def action_kill(self) -> None:
        """K"""
        self.do(self.driver.kill)

    @acts
    def action_interrupt(self) -> None:
        """i"""
        self.do(self.driver.interrupt)

    def action_choose(self, number: int) -> None:
        """1 to 9: a client, or a moment where those are asked for. 0: a stranger."""
        if self.why_no_acting:
            self.look_at_client(number)
            return
        moment = next((each for each in MOMENTS if each.key == str(number)), None)
        if self.asking == "moments" and moment is not None:
            self._forget()
            self.do(lambda: self.driver.go_to(moment))
        else:
            self.do(lambda: self.driver.choose(number))

    @acts
    def action_moments(self) -> None:
        """m"""
        self._ask("moments")

    @acts
    def action_drop(self) -> None:
        """d"""
        self.do(self.driver.drop)

    @acts
    def action_line(self) -> None:
        """j"""
        self.step_line()

    @acts
    def action_to_line(self) -> None:
        """J: asks which line."""
        self.point_at_line()

    @acts
    def action_type(self) -> None:
        """T: asks for the line first."""
        self.ask_for_line()

    @acts
    def action_finish(self) -> None:
        """f"""
        self.do(self.driver.finish)

    @acts
    def action_gate(self) -> None:
        """o"""
        self.do(self.driver.toggle_gate)

    def turn_panes(self) -> None:
        """To the other pane."""
        if self.why_no_acting:
            self.look_over()
        else:
            self.do(self.driver.turn)

    @acts
    def action_play(self) -> None:
        """a"""
        self.do(self.driver.play)

    def action_slower(self) -> None:
        """-"""
        self.do(lambda: self.driver.set_pace(-1))

    def action_faster(self) -> None:
        """+"""
        self.do(lambda: self.driver.set_pace(1))

    @acts
    def action_begin_again(self) -> None:
        """b: asks once something has been done that can be lost."""
        world = self.session.world
        if self.asking != "begin_again" and world.step and not world.ended:
            self._ask("begin_again")
            return
        self._forget()
        self.do(self.driver.begin_again)

    # --- how

    def do(self, deed: Callable[[], None]) -> None:
        """Do something with the driver, and show what comes of it."""
        self.space_line.press(self.clock())
        self.flights.land()
        deed()
        self.schedule_step()
        after(self, PATIENCE, self.paint)
        self._ask("")

    def _forget(self) -> None:
        """A fresh lab: nothing of the old one is on its way or said any more."""
        self.flights.forget()
        self.space_line.forget()
        self.reset_table()

    def _pursue(self, make: Callable[[World], goals.Goal]) -> None:
        self.do(lambda: self.driver.pursue(make))

    def _ask(self, what: str) -> None:
        """Open one of the QUESTIONS; "" closes what is open."""
        self.asking = what
        self.paint()

    def _ask_for_message(self, verb: Verb) -> None:
        self.typed = MessageLine(verb)
        self._ask("")

    def _send(self, message: MessageLine) -> None:
        if message.verb == "filter":
            if self.take_filter(message):
                self.typed = None
            return
        self.typed = None
        if message.verb in ("type", "line"):
            self.take_line(message)
        elif message.verb == "udp":
            self._pursue(lambda _world: goals.Datagram(message.text))
        else:
            self._pursue(lambda world: goals.with_text(self._sender or goals.send(world, ""), message.text))
