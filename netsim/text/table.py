"""The port table: which port is whose. One row for each socket with a port, the kernel's own ones among them.

Law: rows keep their place; "-" in the PID column means that no process has it, "?" that it is not to be known.
"""

from __future__ import annotations

from math import ceil

from netsim.model.rows import row_name
from netsim.model.views import port_role
from netsim.model.world import Row, World
from netsim.text.charset import Charset, cells, clip
from netsim.text.grid import WIDE, Grid, wide_widths
from netsim.text.layout import Cell, blank, placed, width_of
from netsim.text.lines import Line, Span, Style
from netsim.text.marks import port_text

HEADS = ("PORT", "STATE", "PEER", "PID", "PROGRAM")
COLUMNS = (1, 12, 25, 35, 51)  # where they begin at 80 columns
SHARES = (0, 1, 2, 3, 4)  # how many eighths of further columns go before each
NARROW = 80
EMPTY = "no port is in use by this lab"


def draw_table_area(
    world: World, grid: Grid, charset: Charset, *, now: float | None = None, offset: int = 0
) -> list[Line]:
    """Rows `grid.table_head` to `grid.table`."""
    rows = grid.table.height
    return [
        *draw_table_head(world, grid.columns, 1, charset, rows=rows, offset=offset),
        *draw_table(world, grid.columns, rows, charset, now=now, offset=offset),
    ]


def draw_table_head(
    world: World, width: int, height: int, charset: Charset, *, rows: int, offset: int = 0
) -> list[Line]:
    """The rule with the columns' heads, and how many rows there are; `rows`: how many can be shown."""
    if height <= 0:
        return []
    count = f" {_count(world, rows, first_slot(world, rows, offset))} "
    heads = [Cell(column, [Span(f"{head} ", "head")]) for column, head in zip(_columns(width), HEADS, strict=True)]
    last = Cell(width - cells(count) - 1, [Span(count)])
    if last.column > heads[-1].column + len(HEADS[-1]) + 1:
        heads.append(last)
    rule = placed(heads, width, charset.dash, "rule")
    return [rule, *(placed([], width, charset.dash, "rule") for _ in range(height - 1))]


def draw_table(
    world: World, width: int, height: int, charset: Charset, *, now: float | None = None, offset: int = 0
) -> list[Line]:
    """The rows from `offset` on, or the last ones. `now`: the lab's clock, for what is left of TIME_WAIT."""
    if not any(slot.row for slot in world.slots):
        empty = placed([Cell(_columns(width)[0], [Span("-")]), Cell(_columns(width)[1], [Span(EMPTY)])], width)
        return [empty, *([blank(width)] * (height - 1))][: max(0, height)]
    clock = world.at if now is None else now
    first = first_slot(world, height, offset)
    lines = [
        _row(world, slot.row, width, charset, clock) if slot.row else blank(width)
        for slot in world.slots[first : first + max(0, height)]
    ]
    return lines + [blank(width)] * (height - len(lines))


def first_slot(world: World, rows: int, offset: int) -> int:
    """The place that is shown first of `rows` if so many are to be scrolled out: the last ones stay at the bottom."""
    return max(0, min(offset, len(world.slots) - rows))


def _count(world: World, rows: int, first: int) -> str:
    """How many rows there are, and which of them are shown if not all."""
    every = sum(slot.row is not None for slot in world.slots)
    before = sum(slot.row is not None for slot in world.slots[:first])
    here = sum(slot.row is not None for slot in world.slots[first : first + rows])
    if here == every:
        return "1 row" if every == 1 else f"{every} rows"
    shown = f"{before + 1}-{before + here}" if before and here > 1 else f"{before + here}" if before else f"{here}"
    return f"{shown} of {every}, tab"


def _columns(width: int) -> tuple[int, ...]:
    """Where the columns begin; below a wide screen's lanes two of them stand where lanes do."""
    if width >= WIDE:
        program, kernel, *_ = wide_widths(width)
        peer, pid = program + 2, program + kernel + 3
        return COLUMNS[0], peer // 2, peer, pid, pid + 20
    more = max(0, width - NARROW)
    return tuple(column + more * share // 8 for column, share in zip(COLUMNS, SHARES, strict=True))


def _row(world: World, row: Row, width: int, charset: Charset, now: float) -> Line:
    columns = _columns(width)
    key = row.key
    bold: Style = "bold" if row_name(key) in world.changed else ""
    peer = Span("-")
    if key.peer is not None:
        peer = Span(port_text(key.peer, charset), port_role(world, key.transport, key.peer.port))
    pids = clip(_pids(row, charset, columns[4] - columns[3] - 1), columns[4] - columns[3] - 1)
    port = Span(f"{key.port}/{key.transport}", port_role(world, key.transport, key.port))
    cell = [port], [Span(row.state or "-", bold)], [peer], [Span(pids, bold)], _program(world, row, width, charset, now)
    return placed([Cell(column, spans) for column, spans in zip(columns, cell, strict=True)], width)


def _pids(row: Row, charset: Charset, room: int) -> str:
    """Who has it: one PID or several, the one before and an arrow, "-" for nobody."""
    if not row.pids:
        nobody = "?" if row.whose == "unknown" else "-"
        return f"{row.former_pid} {charset.to} -" if row.former_pid is not None and nobody == "-" else nobody
    if row.former_pid is not None and len(row.pids) == 1:
        return f"{row.former_pid} {charset.to} {row.pids[0]}"
    for shown in range(len(row.pids), 0, -1):
        more = len(row.pids) - shown
        text = " ".join(map(str, row.pids[:shown])) + (f" +{more}" if more else "")
        if cells(text) <= room or shown == 1:
            return text
    return ""


def _program(world: World, row: Row, width: int, charset: Charset, now: float) -> list[Span]:
    """The program's name and what is worth knowing of the row; the kernel's rows say why they have no process."""
    room = width - _columns(width)[4]
    if row.whose == "kernel":
        return [Span(_kernels(world, row, now))]
    if row.whose == "unknown":
        return [Span("another user's, or not to be known" if room > 40 else "not to be known")]
    name = [Span(charset.shown(row.name or "?", max(6, room)))]
    for remark in _remarks(row):
        both = [*name, Span("   "), Span(remark)]
        if width_of(both) <= room:
            return both
    return name


def _remarks(row: Row) -> list[str]:
    """What stands behind the name, the longest variant first."""
    if row.waiting:
        return [f"{row.waiting} wait, backlog {row.backlog}", f"{row.waiting} wait"]
    if row.former_pid is not None and row.pids and row.key.peer is None:
        return ["same port, new PID", "new PID"]
    if len(row.pids) > 1:
        return [f"{len(row.pids)} processes"]
    return []


def _kernels(world: World, row: Row, now: float) -> str:
    if row.expires_at is not None:
        return f"the kernel's, {max(0, ceil(row.expires_at - now))} s left"
    if row.state == "TIME_WAIT":
        return "the kernel's, up to 60 s"
    if row.state == "SYN_RECV":
        return "the kernel's: half open"
    if row.former_pid is None:
        return "the kernel's: not accepted" if row.state in ("ESTABLISHED", "CLOSE_WAIT") else "the kernel's"
    alive = any(each.pid == row.former_pid and each.status != "ended" for each in world.endpoints.values())
    return "the kernel's: closed" if alive else f"the kernel's: {row.former_pid} is gone"
