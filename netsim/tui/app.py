"""The app: it puts the main screen up, and hands it the lab's wake-ups on its own thread. Thin on purpose."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import App, SystemCommand
from textual.screen import Screen

from netsim.session import Session
from netsim.text.charset import Charset
from netsim.tui.board import Board, LabStirred
from netsim.tui.theme import DARK, LIGHT, few_colours


class NetsimApp(App[int], inherit_bindings=False):
    """netsim's screen on a terminal. Textual's own keys (ctrl+q quits unasked) are not inherited."""

    CSS_PATH = "netsim.tcss"
    TITLE = "netsim"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, session: Session, charset: Charset, *, animation: bool = True, light: bool = False) -> None:
        super().__init__()
        self._session = session
        self._light = light
        self._board = Board(session, charset, animation=animation)

    def on_mount(self) -> None:
        """Colours, the screen, and then the lab."""
        theme = LIGHT if self._light else DARK
        if self.console.color_system == "standard":
            theme = few_colours(theme)
        self.register_theme(theme)
        self.theme = theme.name
        self.push_screen(self._board)

        # post_message may be called on any thread, and messages of this kind that wait for their turn become one.
        def wake() -> None:
            try:
                self._board.post_message(LabStirred())
            except RuntimeError:  # the loop ended a moment ago: nobody is left to be told
                return

        self._session.attach(wake)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colour names, for the moment before our theme is set."""
        return dict(DARK.variables)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """None of Textual's own: its screenshot writes a file, its themes are not ours."""
        return ()
