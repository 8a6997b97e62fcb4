"""The machine's port table: every socket of the net that netsim itself is in, and whose it is.

Law: only the rows that can be seen are touched, however many there are; a value that is cut can be read in full in the
sentence below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from netsim.model.view import PLAIN_VIEW, View
from netsim.model.world import Row, RowKey
from netsim.story.cells import Column
from netsim.text.bottom import draw_keys, draw_space, draw_why
from netsim.text.charset import Charset, cells, clip
from netsim.text.cursor import Cursor, bracketed
from netsim.text.layout import Cell, blank, fill, placed, spread
from netsim.text.lines import Line, Span, Style
from netsim.text.table import asked_for, kernels_text, pids_text, remarks

KEYS = (("arrows", "cell"), ("s", "sort"), ("/", "filter"), ("y", "copy"), ("p, esc", "back"))
KEYS_FILTERED = (("arrows", "cell"), ("s", "sort"), ("/", "filter"), ("esc", "all rows"), ("y", "copy"), ("p", "back"))
HEADS: dict[Column, str] = {
    "port": "PORT", "address": "ADDRESS", "state": "STATE", "peer": "PEER", "pid": "PID", "program": "PROGRAM",
    "user": "USER",
}  # fmt: skip
# From which width on the columns begin where, so that a row can be read across; the last one takes the rest.
_LAYOUTS: tuple[tuple[int, dict[Column, int]], ...] = (
    (132, {"port": 1, "address": 12, "state": 30, "peer": 43, "pid": 67, "program": 84, "user": 118}),
    (116, {"port": 1, "address": 12, "state": 30, "peer": 43, "pid": 67, "program": 84, "user": -14}),
    (100, {"port": 1, "address": 12, "state": 29, "peer": 42, "pid": 65, "program": 81}),
    (0, {"port": 1, "address": 12, "state": 28, "peer": 40, "pid": 56, "program": 68}),
)
TOP, BOTTOM = 2, 4
WHY_ROWS = 2


class Sight(NamedTuple):
    """What is to be seen. `shown`: the rows that fit, in their order; `total`: how many there are."""

    shown: Sequence[Row | None] = ()
    total: int = 0
    above: int = 0  # rows that are scrolled out
    cursor: Cursor = Cursor(0, 0)
    view: View = PLAIN_VIEW
    changed: frozenset[RowKey] = frozenset()
    now: float = 0.0
    instead: str = ""  # a sentence in place of rows
    why: str = ""
    about: str = ""  # behind the title
    typed: Line | None = None  # the filter that is being typed


def columns_of(width: int) -> tuple[Column, ...]:
    """Which columns there are at this width."""
    return tuple(_layout(width))


def rows_at(height: int) -> int:
    """How many rows of the table can be seen."""
    return max(1, height - TOP - BOTTOM)


def draw_machine(sight: Sight, width: int, height: int, charset: Charset) -> list[Line]:
    """The page."""
    room = rows_at(height)
    body = [
        _row(sight, index, width, charset) for index in range(sight.above, min(sight.above + room, len(sight.shown)))
    ]
    if sight.instead:
        body = [fill([Span(" "), Span(charset.shown(sight.instead, width - 2))], width)]
    left = [Span(" "), Span("netsim", "bold"), Span("   this machine's ports")]
    about = charset.shown(f"   {sight.about}" if sight.about else "", max(0, width - 42))
    return [
        fill(spread([*left, Span(about)], [Span("esc", "key"), Span(" back")], width - 1), width),
        _head(width, charset),
        *body,
        *([blank(width)] * (room - len(body))),
        *draw_why(sight.why, width, WHY_ROWS, charset),
        sight.typed if sight.typed is not None else _foot(sight, room, width, charset),
        *draw_keys(KEYS_FILTERED if sight.view.filter.terms else KEYS, width, 1, charset),
    ][:height]


def _layout(width: int) -> dict[Column, int]:
    layout = next(layout for least, layout in _LAYOUTS if width >= least)
    return {name: start if start > 0 else width + start for name, start in layout.items()}


def _head(width: int, charset: Charset) -> Line:
    """The rule with the columns' heads: every column keeps its own, at any width."""
    heads = [Cell(start, [Span(f"{HEADS[name]} ", "head")]) for name, start in _layout(width).items()]
    return placed(heads, width, charset.dash, "rule")


def _foot(sight: Sight, room: int, width: int, charset: Charset) -> Line:
    """The SPACE line, and at its end the order and the filter, how many rows there are and which are seen."""
    last = min(sight.above + room, len(sight.shown))
    is_filtered = bool(sight.view.filter.terms)
    seen = f"{sight.above + 1}-{last} of " if last - sight.above < len(sight.shown) else ""
    count = f"{seen}{len(sight.shown)}" + (f" of {sight.total}" if is_filtered else "")
    count = count if is_filtered else f"{count} {'row' if count == '1' else 'rows'}"
    label = "further rows" if last < len(sight.shown) else "the first rows again" if sight.above else ""
    every = "every row that fits is shown" if is_filtered else "every row is shown"
    (space,) = draw_space("SPACE" if label else "", label or every, width // 2, 1, charset)
    asked = asked_for(sight.view, charset, width - width // 2 - cells(count) - 4)
    return fill(spread(space, [Span(f"{asked}  {count}" if asked else count)], width - 1), width)


def _row(sight: Sight, index: int, width: int, charset: Charset) -> Line:
    row = sight.shown[index]
    if row is None:
        return blank(width)
    layout = _layout(width)
    starts = [*layout.values(), width + 1]
    rooms = {name: end - start - 1 for (name, start), end in zip(layout.items(), starts[1:], strict=True)}
    items = [Cell(start, [_cell(row, name, rooms[name], sight, charset)]) for name, start in layout.items()]
    line = placed(items, width)
    return bracketed(line, items, min(sight.cursor.column, len(items) - 1)) if sight.cursor.row == index else line


def _cell(row: Row, column: Column, room: int, sight: Sight, charset: Charset) -> Span:
    bold: Style = "bold" if row.key in sight.changed else ""
    match column:
        case "port":
            return Span(f"{row.key.port}/{row.key.transport}")
        case "address":
            return Span(charset.shown(row.key.host, room))
        case "state":
            return Span(row.state or "-", bold)
        case "peer":
            return Span(charset.shown(str(row.key.peer), room) if row.key.peer else "-")
        case "pid":
            return Span(_pids(row, room, charset), bold)
        case "program":
            return Span(_program(row, room, sight.now, charset))
        case "user":
            return Span(charset.shown(row.user or "-", room))


def _pids(row: Row, room: int, charset: Charset) -> str:
    text = pids_text(row, charset, room)
    if cells(text) > room and row.former_pid is not None and row.pids:
        text = f"{charset.to} {row.pids[0]}"
    return clip(text, room)


def _program(row: Row, room: int, now: float, charset: Charset) -> str:
    if row.whose == "unknown":
        whose = f"{row.user}'s, hidden" if row.user else "not to be known"
        return charset.shown(whose if cells(whose) <= room else f"{row.user or 'somebody'}'s", room)
    if row.whose == "kernel":
        words = kernels_text(row, now, alive=None)
        short = words.partition(":")[0] if row.expires_at is None else words.partition(", ")[2]
        return clip(words if cells(words) <= room else short, room)
    name = charset.visible(row.name or "?")
    for remark in remarks(row):
        if cells(name) + 3 + cells(remark) <= room:
            return f"{name}   {remark}"
    return clip(name, room)
