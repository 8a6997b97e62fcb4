"""A rectangle of lines: it is given spans with meanings and paints only the cells that differ from what it showed.

Law: it knows nothing of worlds; equal lines shown twice cost no byte.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from netsim.text.charset import cells
from netsim.text.lines import Line, Span

_PLAIN, _BOLD, _REVERSE = RichStyle(), RichStyle(bold=True), RichStyle(reverse=True)
# What a meaning looks like: a colour of the theme's variables ("": the theme's own), and how it is written. Not in the
# stylesheet: ten classes in each of five rectangles are a tenth of what it takes to put a screen up.
LOOKS = {
    "bold": ("", _BOLD), "head": ("", _BOLD), "key": ("", _BOLD), "next": ("", _REVERSE), "rule": ("rule", _PLAIN),
    "client": ("client", _PLAIN), "client-bold": ("client", _BOLD), "server": ("server", _PLAIN),
    "server-bold": ("server", _BOLD), "lost": ("lost", _BOLD),
}  # fmt: skip


class LinesView(Widget):
    """Paints lines by difference, each meaning in the theme's colours."""

    DEFAULT_CSS = "LinesView { width: 1fr; height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._painted: dict[int, Line] = {}  # rows as they were painted last
        self._styles: dict[str, RichStyle] = {}

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines from now on."""
        same_height = len(lines) == len(self._lines)
        self._lines = list(lines)
        if not same_height:
            self._painted.clear()
            self.refresh()
            return
        # Against what was painted, not what was to be: two regions in a row would be painted from its left edge twice.
        changed = [
            Region(start, y, end - start, 1)
            for y, line in enumerate(self._lines)
            for start, end in [_difference(self._painted.get(y, ()), line)]
            if end > start
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """One row as Textual paints it."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        self._painted[y] = self._lines[y]
        strip = Strip([Segment(span.text, self._style(span.style)) for span in self._lines[y]])
        return strip.adjust_cell_length(self.size.width, self.rich_style)

    def notify_style_update(self) -> None:
        """The theme changed: look the colours up again."""
        super().notify_style_update()
        if self._styles:
            self._styles.clear()
            self.refresh()

    def _style(self, meaning: str) -> RichStyle:
        style = self._styles.get(meaning)
        if style is None:
            style = self.rich_style
            if meaning:
                colour, manner = LOOKS[meaning]
                style += manner
                if colour:
                    style += RichStyle.from_color(Color.parse(self.app.theme_variables[colour]).rich_color)
            self._styles[meaning] = style
        return style


def _difference(old: Line, new: Line) -> tuple[int, int]:
    """The columns from the first to behind the last cell that differs; (0, 0) for equal lines."""
    if old == new:
        return 0, 0
    one, other = _cells(old), _cells(new)
    length = max(len(one), len(other))
    if len(one) != len(other):
        return 0, length
    different = [column for column in range(length) if one[column] != other[column]]
    return (different[0], different[-1] + 1) if different else (0, 0)


def _cells(line: Line) -> list[Span]:
    """One span per column; the second column of a wide letter repeats it."""
    return [Span(char, span.style) for span in line for char in span.text for _ in range(cells(char))]
