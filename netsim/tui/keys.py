"""What each key does: the part of the main screen that the person talks to.

Law: a key only asks (the lab, or the person); what it did is seen when the lab tells.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Key, Paste
from textual.geometry import Size

from netsim.model.world import World
from netsim.session import Session
from netsim.story import goals
from netsim.story.moments import MOMENTS
from netsim.text.charset import visible
from netsim.text.grid import Grid
from netsim.tui.driver import Driver
from netsim.tui.flights import Flights
from netsim.tui.keymap import KNOWN, bindings, is_locked
from netsim.tui.message_line import MessageLine, Verb
from netsim.tui.own_keys import OwnKeys
from netsim.tui.page import Page, Tools
from netsim.tui.questions import QUESTIONS
from netsim.tui.space_line import PATIENCE, SpaceLine
from netsim.tui.table_keys import TableKeys
from netsim.tui.time_keys import acts
from netsim.tui.timing import after

ALWAYS = ("interrupt_app", "stop", "redraw")  # whatever is open
LEAVING = ("quit", *ALWAYS)  # all that keys do where the screen is too small to show what the others do


class Keys(OwnKeys, TableKeys):
    """The keys of the main screen; what it shows is Board's."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    def __init__(self, session: Session, clock: Callable[[], float], tools: Tools | None = None) -> None:
        super().__init__(session)
        self.session = session
        self.clock = clock
        self.tools = tools
        self.page: Page | None = None  # what is over the main screen
        self.inspected: int | None = None  # the packet that was chosen last, by its number
        self.driver = Driver(session)
        self.flights = Flights(enabled=False)
        self.space_line = SpaceLine()
        self.shown_size = Size(0, 0)
        self.asking = ""  # which of the QUESTIONS is open
        self.typed: MessageLine | None = None  # the message that is being typed
        self._sender: goals.Goal | None = None  # whose it will be, though the focus may move meanwhile
        self.helping = False
        self.reset_table()

    def paint(self, size: Size | None = None) -> None:
        """Draw everything that is to be seen now."""
        raise NotImplementedError

    def schedule_step(self) -> None:
        """See to it that a goal's next step is made in its time."""
        raise NotImplementedError

    @property
    def in_kiosk(self) -> bool:
        """Whether the person at the keyboard is a stranger, for whom no file is touched."""
        return self.tools is not None and self.tools.kiosk

    def question(self) -> str:
        """The question that is open, "" if none is."""
        return QUESTIONS[self.asking].text if self.asking else ""

    # --- before they are bindings

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A message and the help have every key but ctrl+c; where nothing can be seen, one can only leave."""
        if self.in_kiosk and is_locked(action, parameters):
            return False
        if self.typed is not None or self.helping or self.page is not None:
            return action in ALWAYS
        return action in LEAVING or Grid.of(*self.shown_size) is not None

    def on_key(self, event: Key) -> None:
        """A message or a page takes all keys; the help any; an open question any but its own, which only close it."""
        if self.typed is not None:
            event.stop()
            self.type(event.key, event.character)
        elif self.page is not None:
            event.stop()
            self._press_page(event.key, event.character)
        elif self.helping or (self.asking and event.key not in QUESTIONS[self.asking].keys):
            event.stop()
            self.helping = False
            self._ask("")
        elif event.is_printable and event.key not in KNOWN and self.is_current:
            self.say(f"{visible(event.character or '')} is no key here: ? shows those that there are.")

    def _press_page(self, key: str, character: str | None) -> None:
        """A key for the page; one that finds a question open only closes that."""
        asked, self.asking = self.asking, ""
        page = self.page
        if page is not None and not asked and Grid.of(*self.shown_size) is not None:
            if not page.press(key, character) and self.page is page:
                self.close_page()
        self.paint()

    def type(self, key: str, character: str | None) -> None:
        """A key for the message, if one is being typed."""
        if self.typed is None:
            return
        self.asking = ""
        match key:
            case "escape":
                self.typed = None
            case "enter":
                self._send(self.typed)
            case "ctrl+d" if self.typed.verb == "type" and not self.typed.text:
                message, self.typed = self.typed, None
                self.take_line(message, end=True)
            case _:
                self.typed.press(key, character)
        self.paint()

    def take_ahead(self, key: str, character: str | None) -> bool:
        """A key that came before the message, the page or the help was open for which it is; False if there is none."""
        if self.typed is not None:
            self.type(key, character)
        elif self.page is not None:
            self._press_page(key, character)
        elif self.helping:
            self.helping = False
            self._ask("")
        else:
            return False
        return True

    def on_paste(self, event: Paste) -> None:
        """Text from elsewhere: for a message, or for nothing."""
        if self.typed is not None:
            self.asking = ""
            self.typed.paste(event.text)
            self.paint()

    # --- what they do

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
        self._do(self.driver.add_client)

    @acts
    def action_kill(self) -> None:
        """K"""
        self._do(self.driver.kill)

    @acts
    def action_interrupt(self) -> None:
        """i"""
        self._do(self.driver.interrupt)

    def action_choose(self, number: int) -> None:
        """1 to 9: a client, or a moment where those are asked for. 0: a stranger."""
        if self.why_no_acting:
            self.look_at_client(number)
            return
        moment = next((each for each in MOMENTS if each.key == str(number)), None)
        if self.asking == "moments" and moment is not None:
            self._forget()
            self._do(lambda: self.driver.go_to(moment))
        else:
            self._do(lambda: self.driver.choose(number))

    @acts
    def action_moments(self) -> None:
        """m"""
        self._ask("moments")

    @acts
    def action_drop(self) -> None:
        """d"""
        self._do(self.driver.drop)

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
        self._do(self.driver.finish)

    @acts
    def action_gate(self) -> None:
        """o"""
        self._do(self.driver.toggle_gate)

    def turn_panes(self) -> None:
        """To the other pane."""
        if self.why_no_acting:
            self.look_over()
        else:
            self._do(self.driver.turn)

    @acts
    def action_play(self) -> None:
        """a"""
        self._do(self.driver.play)

    def action_slower(self) -> None:
        """-"""
        self._do(lambda: self.driver.set_pace(-1))

    def action_faster(self) -> None:
        """+"""
        self._do(lambda: self.driver.set_pace(1))

    @acts
    def action_begin_again(self) -> None:
        """b: asks once something has been done that can be lost."""
        world = self.session.world
        if self.asking != "begin_again" and world.step and not world.ended:
            self._ask("begin_again")
            return
        self._forget()
        self._do(self.driver.begin_again)

    def action_quit(self) -> None:
        """q: asks once something has been done."""
        world = self.session.world
        if self.asking != "quit" and world.step and not world.ended and not self.session.recording:
            self._ask("quit")
        else:
            self.app.exit(0)

    def action_interrupt_app(self) -> None:
        """ctrl+c: the second one quits."""
        self.helping = False
        if self.asking != "ctrl+c":
            self._ask("ctrl+c")
        else:
            self.app.exit(0)

    def action_stop(self) -> None:
        """ctrl+z: to the shell; fg goes on."""
        self.app.call_later(self.app.run_action, "stop")

    def action_redraw(self) -> None:
        """ctrl+l: the same picture once more."""
        self.app.call_later(self.app.run_action, "redraw")

    def action_theme(self) -> None:
        """t: other colours."""
        self.app.call_later(self.app.run_action, "turn_theme")

    def say(self, sentence: str) -> None:
        """A short answer to the person, on the why row."""
        self.driver.answer = sentence
        self.paint()

    def action_help(self) -> None:
        """?"""
        self.helping = True
        self._ask("")

    def action_open(self, name: str) -> None:
        """A key that opens a page."""
        self.space_line.press(self.clock())
        self.flights.land()
        self.open_page(name)

    def open_page(self, name: str) -> None:
        """Put a page over the main screen, in place of one that is there."""
        opened = import_module(f"netsim.tui.pages.{name}").open_page(self)
        if isinstance(opened, str):
            self.driver.answer = opened
        else:
            self.close_page()
            self.driver.pause()
            self.page = opened
        self._ask("")

    def take_over(self, session: Session) -> None:
        """Go on with another lab, as it stands."""
        self.driver.pause()
        self._forget()
        self.session.take_over(session)
        self.say("Free play in the lesson's lab: all keys work. b begins the main story.")

    def close_page(self) -> None:
        """Back to the main screen, if a page is over it."""
        page, self.page = self.page, None
        if page is not None:
            page.close()
            self.paint()

    def action_palette(self) -> None:
        """ctrl+p"""
        from netsim.tui.palette import Palette  # with Textual's own palette, and all that that imports

        if self.is_current:
            self._ask("")
            self.app.push_screen(Palette())

    # --- how they do it

    def do(self, deed: Callable[[], None]) -> None:
        """Do something with the driver, and show what comes of it."""
        self._do(deed)

    def _do(self, deed: Callable[[], None]) -> None:
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
        self._do(lambda: self.driver.pursue(make))

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
