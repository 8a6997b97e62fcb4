"""The last rows: what just happened and why, what SPACE will do, and some of the keys.

Law: the cap is reversed only while a press would do something; a sentence is broken at words and never in the cap.
"""

from __future__ import annotations

from collections.abc import Iterable

from netsim.text.charset import Charset, cells
from netsim.text.layout import blank, fill, width_of, wrapped
from netsim.text.lines import Line, Span

CAP_WIDTH = 5  # SPACE


def draw_why(text: str, width: int, height: int, charset: Charset) -> list[Line]:
    """One sentence, in as many rows as it needs of those that there are."""
    lines = [fill([Span(" "), Span(line)], width) for line in wrapped(charset.visible(text), width - 2, height)]
    return (lines + [blank(width)] * (height - len(lines)))[: max(0, height)]


def draw_space(cap: str, label: str, width: int, height: int, charset: Charset, *, armed: bool = True) -> list[Line]:
    """The SPACE line. `cap`: "SPACE", "WAIT" or "". `armed` False: a press would not count yet (or did not)."""
    if height <= 0:
        return []
    live = cap == "SPACE" and armed
    name = [Span(cap, "next" if live else "bold"), Span(" " * (CAP_WIDTH - cells(cap)))] if cap else []
    text = charset.shown(label, max(0, width - 2 - (CAP_WIDTH + 2 if cap else 0)))
    line = fill([Span(" "), *name, Span("  " if cap else ""), Span(text, "bold")], width)
    return [line, *([blank(width)] * (height - 1))]


def draw_keys(pairs: Iterable[tuple[str, str]], width: int, height: int, charset: Charset) -> list[Line]:
    """As many of the (key, word) pairs as fit, the first ones first; the last of all is kept."""
    if height <= 0:
        return []
    pieces = [[Span(charset.visible(key), "key"), Span(f" {charset.visible(word)}")] for key, word in pairs]
    room = width - 2
    while pieces and sum(map(width_of, pieces)) + 2 * (len(pieces) - 1) > room:
        del pieces[max(0, len(pieces) - 2)]
    line = [span for index, piece in enumerate(pieces) for span in ([Span("  ")] if index else []) + piece]
    return [fill([Span(" "), *line], width), *([blank(width)] * (height - 1))]
