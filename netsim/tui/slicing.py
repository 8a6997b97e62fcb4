"""Lines cut into columns, for tiles that stand side by side."""

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
    column = 0
    kept: list[Span] = []
    for span in line:
        text = []
        for char in span.text:
            if start <= column < end:
                text.append(char)
            column += cells(char)
        if text:
            kept.append(Span("".join(text), span.style))
    return tuple(kept)
