"""The cell cursor of a table: brackets in the gaps beside a cell's text: nothing moves, and nothing is reversed."""

from __future__ import annotations

from typing import NamedTuple

from netsim.text.charset import cells
from netsim.text.layout import Cell, cut, joined, width_of
from netsim.text.lines import Line, Span

OPEN, CLOSE = Span("[", "bold"), Span("]", "bold")


class Cursor(NamedTuple):
    """Which cell: a row's place among those that could be shown, and a column by its number."""

    row: int
    column: int


def bracketed(line: Line, items: list[Cell], chosen: int) -> Line:
    """A line that `placed` has made of these cells, with brackets around the chosen one's text.

    A cell's text begins behind a gap and has one behind it; at the line's right edge its last letter gives way.
    """
    width = width_of(line)
    column, spans = items[chosen]
    following = items[chosen + 1].column if chosen + 1 < len(items) else width + 1
    end = column + width_of(cut(spans, min(following - 1, width) - column))
    return _with(_with(line, column - 1, OPEN), min(end, width - 1), CLOSE)


def _with(line: Line, at: int, mark: Span) -> Line:
    """The line with one cell replaced; half of a wide letter that would be left over becomes a blank."""
    made: list[Span] = []
    column = 0
    for span in line:
        for char in span.text:
            wide = cells(char)
            if column <= at < column + wide:
                made += (
                    [Span(" ", span.style)] * (at - column)
                    + [mark]
                    + [Span(" ", span.style)] * (column + wide - at - 1)
                )
            else:
                made.append(Span(char, span.style))
            column += wide
    return joined(made)
