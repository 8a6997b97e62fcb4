"""A packet's bytes, in hexadecimal and as characters; those of one field are lit, and one byte may be pointed at.

Law: what is lit is the one thing in reverse video; a byte that is pointed at stands in brackets.
"""

from __future__ import annotations

from collections.abc import Mapping

from netsim.text.layout import blank, fill
from netsim.text.lines import Line, Span, Style

OFFSET = 6  # columns: a gap, the offset of four digits, a gap
COVERED = "??"


def bytes_a_row(width: int) -> int:
    """How many bytes fit into a row of so many columns: 16 or 8."""
    return 16 if width >= width_for(16) else 8


def width_for(count: int) -> int:
    """How many columns a row of `count` bytes takes."""
    return OFFSET + 3 * count + 2 + count + 1


def draw_hexdump(
    raw: bytes,
    width: int,
    height: int,
    *,
    lit: range,
    pointed: int | None = None,
    colours: Mapping[int, Style] | None = None,
    covered: frozenset[int] = frozenset(),
) -> list[Line]:
    """As many rows as there is room for, those of the lit bytes among them. `covered`: bytes that can't be read."""
    a_row = bytes_a_row(width)
    rows = (len(raw) + a_row - 1) // a_row
    first = _first_row(lit, pointed, a_row, rows, height)
    lines = []
    for row in range(first, min(rows, first + height)):
        lines.append(_row(raw, row * a_row, a_row, width, lit, pointed, colours or {}, covered))
    return lines + [blank(width)] * (height - len(lines))


def _first_row(lit: range, pointed: int | None, a_row: int, rows: int, height: int) -> int:
    """The first ones while what is lit is among them, else so many that a row before it is to be seen."""
    start, end = (pointed, pointed) if pointed is not None else (lit.start, lit.stop - 1)
    if end // a_row < height:
        return 0
    return max(0, min(start // a_row - 1, rows - height))


def _row(
    raw: bytes,
    start: int,
    a_row: int,
    width: int,
    lit: range,
    pointed: int | None,
    colours: Mapping[int, Style],
    covered: frozenset[int],
) -> Line:
    line = [Span(f" {start:04x} ", "rule")]
    characters: list[Span] = []
    for at in range(start, start + a_row):
        here = at in lit
        gap = "[" if at == pointed else "]" if at - 1 == pointed and at > start else " "
        line.append(Span(gap, "next" if here and at > start and at - 1 in lit else ""))
        if at >= len(raw):
            line.append(Span("  "))
            continue
        style: Style = "next" if here else colours.get(at, "")
        line.append(Span(COVERED if at in covered else f"{raw[at]:02x}", style))
        shown = chr(raw[at]) if 0x20 <= raw[at] < 0x7F and at not in covered else "."
        characters.append(Span(shown, "bold" if here else ""))
    line.append(Span("] " if pointed == start + a_row - 1 else "  "))
    return fill([*line, *characters], width)
