"""Lines cut into columns, for tiles that stand side by side.

Law: every column is in exactly one tile; a wide letter that would be in two becomes a space in each.
"""

from __future__ import annotations

from collections.abc import Sequence

from netsim.text.charset import cells
from netsim.text.lines import Line, Span


def columns(lines: Sequence[Line], start: int, end: int) -> list[Line]:
    """The cells from column `start` up to, not including, `end` of each line."""
    return [_cut(line, start, end) for line in lines]


def pad(lines: Sequence[Line], height: int) -> list[Line]:
    """Exactly `height` lines."""
    return [*lines[:height], *([()] * (height - len(lines)))]


def _cut(line: Line, start: int, end: int) -> Line:
    at = 0
    kept: list[Span] = []
    for text, style in line:
        width = cells(text)
        first, last = max(0, start - at), min(width, end - at)
        if first < last:
            piece = text[first:last] if width == len(text) else _cut_wide(text, first, last)
            kept.append(Span(piece, style))
        at += width
    return tuple(kept)


def _cut_wide(text: str, start: int, end: int) -> str:
    kept: list[str] = []
    at = 0
    for char in text:
        width = cells(char)
        inside = min(at + width, end) - max(at, start)
        if inside > 0:
            kept.append(char if inside == width else " " * inside)
        at += width
    return "".join(kept)
