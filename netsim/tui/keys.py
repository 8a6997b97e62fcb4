"""Whose a key is: a message's, a page's, a question's or the main screen's; and the keys that open and leave those.

Law: exactly one takes it; while a message, a page or the help is open no key acts on what is behind.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Key, Paste
from textual.geometry import Size

from netsim.session import Session
from netsim.text.charset import visible
from netsim.text.grid import Grid
from netsim.tui.keymap import FIRST, KNOWN, bindings, is_locked
from netsim.tui.lab_keys import LabKeys
from netsim.tui.message_line import MessageLine
from netsim.tui.page import Page, Tools
from netsim.tui.questions import QUESTIONS

STAYING = ("theme", *FIRST)  # what the palette does on a page without leaving it
LEAVING = ("quit", *FIRST)  # all that keys do where the screen is too small to show what the others do
PALETTE = "ctrl+p"


class Keys(LabKeys):
    """The keys of the main screen; what it shows is Board's."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    def __init__(self, session: Session, clock: Callable[[], float], tools: Tools | None = None) -> None:
        super().__init__(session, clock, tools)
        self.page: Page | None = None  # what is over the main screen
        self.shown_size = Size(0, 0)
        self.asking = ""  # which of the QUESTIONS is open
        self.typed: MessageLine | None = None  # the message that is being typed
        self.helping = False
        self.reset_table()

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
        if self.typed is not None or self.helping:
            return action in FIRST
        if self.page is not None:
            return action in STAYING
        return action in LEAVING or Grid.of(*self.shown_size) is not None

    def on_key(self, event: Key) -> None:
        """A message or a page takes all keys; the help any; an open question any but its own, which only close it."""
        if self.take_ahead(event.key, event.character):
            event.stop()
        elif self.asking and event.key not in QUESTIONS[self.asking].keys:
            event.stop()
            self._ask("")
        elif event.is_printable and event.key not in KNOWN and self.is_active:
            self.say(f"{visible(event.character or '')} is no key here: ? shows those that there are.")

    def _press_page(self, key: str, character: str | None) -> None:
        """A key for the page; one that finds a question open only closes that."""
        asked, self.asking = self.asking, ""
        page = self.page
        if page is not None and not asked and Grid.of(*self.shown_size) is not None:
            if key == PALETTE:
                self.action_palette()
            elif not page.press(key, character) and self.page is page:
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
        """A key for the message, the page or the help; False if none is open, or something else is over them."""
        if not self.is_active:
            return False
        if self.typed is not None:
            self.type(key, character)
        elif self.page is not None:
            self._press_page(key, character)
        elif self.helping:
            self.helping = False
            self._ask("")
            if key == PALETTE:  # the help speaks of it
                self.action_palette()
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

        if self.is_active:
            self._ask("")
            self.app.push_screen(Palette(leaving=self.page is not None))

    async def do_found(self, action: str) -> None:
        """What the palette found, by its action: most of it is for the main screen, so the page is left for it."""
        if action not in STAYING:
            self.close_page()
        await self.run_action(action)
