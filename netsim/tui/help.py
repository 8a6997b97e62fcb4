"""The help: one screen of keys, marks and words, made from the register of keys.

Law: it fits 80 columns and 24 rows; any key closes it.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.events import Key as KeyEvent
from textual.screen import Screen

from netsim.text.charset import Charset
from netsim.text.lines import Line, Span
from netsim.tui.keymap import REGISTER
from netsim.tui.widgets.lines_view import LinesView


class Help(Screen[None]):
    """All keys, and what the marks mean."""

    def __init__(self, charset: Charset) -> None:
        super().__init__()
        self._charset = charset

    def compose(self) -> ComposeResult:
        """One tile."""
        yield LinesView(id="help")

    def on_mount(self) -> None:
        """Show it."""
        tile = self.query_one(LinesView)
        tile.styles.height = 24
        tile.show(help_lines(self._charset))

    def on_key(self, event: KeyEvent) -> None:
        """Any key goes back."""
        event.stop()
        if event.key == "ctrl+c":
            self.app.exit(0)
        elif self.is_current:  # a second key may have come before the first was done with
            self.dismiss()


def help_lines(charset: Charset) -> list[Line]:
    """The help's rows."""
    c = charset
    head: list[Line] = [(Span(" "), Span("netsim: keys", "bold"), Span(" " * 25 + "any key goes back")), ()]
    keys: list[Line] = [(Span(f" {key.cap:<8}", "key"), Span(key.tooltip)) for key in REGISTER if key.tooltip]
    dashes = f"{c.dash} {c.dash}"
    marks = (
        f" {c.next} next line  {c.stopped} stopped  {c.asleep} asleep  {c.held} held  {c.lost} lost  {dashes} inferred",
        " bold: changed by the last press   - as a PID: no process, the kernel has it",
        " the same from another terminal:   netsim shell -- ss -tanp",
    )
    return [*head, *keys, (), *((Span(mark),) for mark in marks)]
