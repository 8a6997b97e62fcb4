"""A line of a program being chosen, to run to it: up and down (or its number) on the SPACE row; the listing shows it.

Law: it only points; enter asks, escape does not.
"""

from __future__ import annotations

from netsim.model.world import Endpoint
from netsim.story.calls import the
from netsim.text.charset import Charset
from netsim.text.layout import fill, first_that_fits, spread, width_of
from netsim.text.lines import Line, Span
from netsim.tui.message_line import MessageLine

PAGE = 10  # lines
HINTS = (
    "up and down (or its number) choose, enter runs to it, escape does not",
    "arrows, a number; enter runs, esc leaves",
    "enter runs, esc leaves",
)


class LineAim(MessageLine):
    """Which line of whose program."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        super().__init__("line", "")
        self.who = endpoint.who
        self.line = max(1, endpoint.line)
        self._name = name
        self._place = endpoint.place
        self._last = max(1, len(endpoint.source))
        self._digits = ""

    def press(self, key: str, character: str | None) -> None:
        """A key, by Textual's name; those that point nowhere are ignored."""
        if character is not None and character.isascii() and character.isdigit():
            self._digits = (self._digits + character).lstrip("0")[-6:]
            self._point(int(self._digits or "1"))
            return
        self._digits = ""
        match key:
            case "up" | "k":
                self._point(self.line - 1)
            case "down" | "j":
                self._point(self.line + 1)
            case "pageup":
                self._point(self.line - PAGE)
            case "pagedown":
                self._point(self.line + PAGE)
            case "home":
                self._point(1)
            case "end":
                self._point(self._last)
            case _:
                pass

    def paste(self, pasted: str) -> None:
        """There is nothing to paste into."""

    def draw(self, width: int, charset: Charset) -> Line:
        """The row. Reversed is the line itself, in its listing."""
        left = [Span(" "), Span("LINE", "bold"), Span(f"   run {the(self._name)} to {self._place(self.line)}", "bold")]
        hints = [[Span(charset.visible(hint))] for hint in HINTS]
        right = first_that_fits(hints, width - 3 - width_of(left))
        return fill(spread(left, right, width - 1), width)

    def _point(self, line: int) -> None:
        self.line = min(self._last, max(1, line))
