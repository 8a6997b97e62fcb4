"""Spans set side by side in a line of an exact width: the only place where lines are padded and cut.

Law: what comes out is exactly as wide as was asked for, whatever went in; too much is cut at the right, marked "..".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from netsim.text.charset import CUT, cells, clip
from netsim.text.lines import Line, Span, Style


class Cell(NamedTuple):
    """Spans that begin at a column and may reach to the next cell's."""

    column: int
    spans: Sequence[Span]


def width_of(spans: Iterable[Span]) -> int:
    """How many columns the spans take."""
    return sum(cells(span.text) for span in spans)


def cut(spans: Sequence[Span], width: int) -> list[Span]:
    """The spans in at most `width` columns."""
    if width_of(spans) <= width:
        return [span for span in spans if span.text]
    room = width - len(CUT) if width > len(CUT) else width
    kept: list[Span] = []
    for span in spans:
        if cells(span.text) > room:
            kept.append(Span(clip(span.text, room, ""), span.style))
            break
        kept.append(span)
        room -= cells(span.text)
    if width > len(CUT):
        kept.append(Span(CUT, kept[-1].style))
    return [span for span in kept if span.text]


def fill(spans: Sequence[Span], width: int, char: str = " ", style: Style = "") -> Line:
    """The spans and, behind them, as many fill characters as the width needs."""
    kept = cut(spans, width)
    missing = width - width_of(kept)
    return joined([*kept, Span(char * missing, style)])


def spread(left: Sequence[Span], right: Sequence[Span], width: int, char: str = " ", style: Style = "") -> Line:
    """The one at the left edge, the other at the right; where both do not fit, the left one is cut."""
    right = cut(right, width)
    room = width - width_of(right)
    left = cut(left, room - 1 if right else room)
    missing = room - width_of(left)
    return joined([*left, Span(char * missing, style), *right])


def placed(items: Sequence[Cell], width: int, char: str = " ", style: Style = "") -> Line:
    """Each cell at its column, cut where the next one begins, with at least one column between them."""
    line: list[Span] = []
    at = 0
    for index, (column, spans) in enumerate(items):
        if column >= width:
            break
        following = items[index + 1].column if index + 1 < len(items) else width + 1
        kept = cut(spans, min(following - 1, width) - column)
        line += [Span(char * (column - at), style), *kept]
        at = column + width_of(kept)
    return joined([*line, Span(char * (width - at), style)])


def joined(spans: Iterable[Span]) -> Line:
    """The same text and styles in as few spans as possible."""
    line: list[Span] = []
    for span in spans:
        if line and line[-1].style == span.style:
            line[-1] = Span(line[-1].text + span.text, span.style)
        elif span.text:
            line.append(span)
    return tuple(line)


def blank(width: int) -> Line:
    """A line of nothing."""
    return (Span(" " * width),)


def beside(left: Line, between: Span, right: Line) -> Line:
    """Two panes' lines and what parts them."""
    return joined([*left, between, *right])


def wrapped(text: str, width: int, height: int) -> list[str]:
    """A visible text in at most `height` lines of at most `width` cells, broken at words; the last may be cut."""
    lines: list[str] = []
    rest = text.strip()
    while rest and len(lines) < height - 1 and cells(rest) > width:
        head = clip(rest, width + 1, "")
        end = head.rfind(" ")
        if end <= 0:
            head = clip(rest, width, "")
            end = max(1, len(head))
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [clip(line, width) for line in [*lines, rest] if line][:height]


def as_many(pieces: Sequence[Sequence[Span]], room: int) -> list[Span]:
    """As many pieces as fit, two columns apart, and how many more there are."""
    line: list[Span] = []
    for index, piece in enumerate(pieces):
        gap = [Span("  ")] if line else []
        more = [Span(f"  +{len(pieces) - index - 1}")] if index < len(pieces) - 1 else []
        if width_of([*line, *gap, *piece, *more]) > room:
            return [*line, *gap, Span(f"+{len(pieces) - index}")]
        line += [*gap, *piece]
    return line


def as_many_as_fit(sentences: Sequence[str], width: int, height: int) -> str:
    """The first visible sentence, and of the others so many behind it as have room in `height` lines."""
    said = sentences[0] if sentences else ""
    for each in sentences[1:]:
        longer = f"{said} {each}"
        if " ".join(wrapped(longer, width, height)) != longer:
            break
        said = longer
    return said


def first_that_fits(variants: Sequence[Sequence[Span]], width: int) -> Sequence[Span]:
    """The first variant that fits, else the last."""
    return next((each for each in variants if width_of(each) <= width), variants[-1])
