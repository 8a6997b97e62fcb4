"""The app: it puts the main screen up, hands it the lab's wake-ups, and spares it sizes that pass. Thin on purpose."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import RenderableType
from rich.text import Text
from textual.app import App, SystemCommand
from textual.driver import Driver
from textual.events import Event, Key, Resize
from textual.geometry import Size
from textual.screen import Screen

from netsim.session import Session
from netsim.text.charset import Charset, visible
from netsim.tui.board import Board, LabStirred
from netsim.tui.keeper import Keeper
from netsim.tui.page import Tools
from netsim.tui.theme import DARK, THEMES, few_colours, no_colours
from netsim.tui.timing import after

SETTLED = 0.04  # seconds in which Textual has made its layout of a new size
LONGEST_START = 1.0  # seconds in which it has made the first one
STILL = 0.15  # seconds without another size, after which the size is believed: each one costs a whole screen

SORRY = (
    "netsim made a mistake and had to stop; all that it had started has ended with it.\n"
    "  {what}\n"
    "To see where, and to report it, start it as: NETSIM_DEBUG=1 netsim"
)


class NetsimApp(App[int], inherit_bindings=False):
    """netsim's screen on a terminal. Textual's own keys (ctrl+q quits unasked) are not inherited."""

    CSS_PATH = "netsim.tcss"
    TITLE = "netsim"
    ENABLE_COMMAND_PALETTE = False
    _shown_theme = ""

    def __init__(
        self,
        session: Session,
        charset: Charset,
        *,
        animation: bool = True,
        theme: str = "dark",
        clock: Callable[[], float] = time.monotonic,
        tools: Tools | None = None,
    ) -> None:
        super().__init__(driver_class=_driver_class())
        self._session = session
        # Before the stylesheet is read: it would be read once more for another theme's colours.
        self.set_reactive(App.theme, self._name_theme(theme))
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())
        self._board = Board(session, charset, clock, animation=animation, tools=tools)
        self.keeper: Keeper | None = None
        self.leaving: Callable[[], None] = lambda: None  # to be called when the end begins
        self._passing: Resize | None = None  # the last size, while they still change
        self._resizing: asyncio.TimerHandle | None = None
        self._settling: asyncio.Task[None] | None = None

    def get_default_screen(self) -> Screen[None]:
        """The main screen is the only one: there is no empty one to be painted before it."""
        return self._board

    def on_load(self) -> None:
        """The lab, before there is a screen: what it has told by then is in the first picture."""

        # post_message may be called on any thread, and messages of this kind that wait for their turn become one.
        def wake() -> None:
            try:
                self._board.post_message(LabStirred())
            except RuntimeError:  # the loop ended a moment ago: nobody is left to be told
                return

        self._session.attach(wake)

    def on_ready(self) -> None:
        """The first picture is there: garbage is looked for again (see netsim.cli), but not among modules."""
        gc.freeze()
        gc.enable()

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """The end begins; it has little time, since a line that takes nothing would hold it up for ever."""
        super().exit(result, return_code, message)
        self.leaving()

    def on_mount(self) -> None:
        """All of the first picture at once."""
        self._write_once()

    def _name_theme(self, name: str) -> str:
        """One of ours is to be shown from now on: the name that Textual has for it here."""
        theme = THEMES[name]
        if self.no_color:  # before the 16: the terminal's own would be made grey, which of them is black on black
            theme = no_colours(theme)
        elif self.console.color_system == "standard":
            theme = few_colours(theme)
        self.register_theme(theme)
        self._shown_theme = name
        return theme.name

    def action_turn_theme(self) -> None:
        """t: the next of the themes."""
        names = [*THEMES]
        self.theme = self._name_theme(names[(names.index(self._shown_theme) + 1) % len(names)])

    def action_stop(self) -> None:
        """ctrl+z: back to the shell, and on with `fg`; where there is no shell nothing could go on again."""
        driver: Any = self._driver
        if hasattr(driver, "has_shell") and driver.has_shell():
            driver.stop()
        else:
            self._board.say("ctrl+z goes back to a shell, and netsim was started without one here. q quits.")

    def action_redraw(self) -> None:
        """ctrl+l: all of the screen again; something else has written on it."""
        self._lose_picture(self.size, at_once=True)

    def _lose_picture(self, size: Size, *, at_once: bool) -> None:
        driver: Any = self._driver
        if hasattr(driver, "redraw"):
            driver.redraw(size.width, size.height, at_once=at_once)

    def on_key(self, event: Key) -> None:
        """What was typed so fast after `s` or `p` that the screen did not know yet that it is text, or a page's."""
        if self._board.take_ahead(event.key, event.character):
            event.prevent_default()  # it is no key of the main screen any more

    # --- sizes: the first of a row at once, the others when they stop

    async def on_event(self, event: Event) -> None:
        """Every event passes here first."""
        if not isinstance(event, Resize):
            await super().on_event(event)
        elif self._resizing is None:
            if self._board.shown_size:
                self._resizing = after(self, STILL, self._believe)
            await self._take_size(event)
        else:
            self._passing = event
            self._resizing.cancel()
            self._resizing = after(self, STILL, self._believe)

    async def _believe(self) -> None:
        event, self._passing, self._resizing = self._passing, None, None
        if event is not None:
            await self._take_size(event)

    async def _take_size(self, event: Resize) -> None:
        while len(self.screen_stack) > 1:  # the palette: it would be laid out for a size that is gone
            await self.pop_screen()
        self._write_once()
        self._lose_picture(
            event.size, at_once=event.size == self.size
        )  # of the same size: it was another one meanwhile
        await super().on_event(event)

    def _write_once(self) -> None:
        """Textual lays a new size out several times, and writes every cell each time: only the last is to be seen."""

        async def settle() -> None:
            with self.batch_update():
                if self._board.is_laid_out:  # for the size before
                    await asyncio.sleep(SETTLED)
                end = time.monotonic() + LONGEST_START
                while not self._board.is_laid_out and time.monotonic() < end:  # noqa: ASYNC110
                    await asyncio.sleep(0)  # the others' turn: until then there is always one who has something to do
            self._board.write_now()

        self._settling = asyncio.create_task(settle())  # kept, so that it is not collected before its end

    def _fatal_error(self) -> None:
        """An exception that nobody caught: one sentence for the person, all of it for who asks."""
        if os.environ.get("NETSIM_DEBUG"):
            super()._fatal_error()
            return
        error = sys.exc_info()[1]
        what = "".join(traceback.format_exception_only(error)).strip() if error else "an unknown error"
        self._exit_renderables.append(Text(SORRY.format(what=visible(what))))
        self._close_messages_no_wait()

    def get_css_variables(self) -> dict[str, str]:
        """The theme's colours; none before there is a theme of ours: nobody would see them."""
        return super().get_css_variables() if self._shown_theme else {}

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colour names, for the moment before our theme is set."""
        return dict(DARK.variables)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """None of Textual's own: its screenshot writes a file, its themes are not ours."""
        return ()


def _driver_class() -> type[Driver] | None:
    if sys.platform == "win32":  # Textual's own: there is no stopping there
        return None
    from netsim.tui.terminal import TerminalDriver

    return TerminalDriver
