"""The port table: which port is whose. One row for each socket with a port, the kernel's own ones among them.

Law: rows keep their place; "-" in the PID column means that no process has it, "?" that it is not to be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from netsim.model.address import Address
from netsim.model.rows import row_name
from netsim.model.view import PLAIN_VIEW, Order, View, arranged
from netsim.model.views import port_role
from netsim.model.world import Row, World
from netsim.text.charset import Charset, cells, clip, visible
from netsim.text.cursor import Cursor, bracketed
from netsim.text.grid import WIDE, Grid, wide_widths
from netsim.text.layout import Cell, blank, placed, width_of
from netsim.text.lines import Line, Span, Style
from netsim.text.marks import port_text

HEADS = ("PORT", "STATE", "PEER", "PID", "PROGRAM")
COLUMNS = (1, 12, 25, 35, 51)  # where they begin at 80 columns
SHARES = (0, 1, 2, 3, 4)  # how many eighths of further columns go before each
NARROW = 80
HOW_TO_ENTER = ", tab"  # behind the number of rows, where not all can be seen
EMPTY = "no port is in use by this lab"
NOTHING_FITS = "no row fits the filter: esc shows all"
ORDER_NAMES: dict[Order, str] = {"place": "place", "port": "port", "state": "state", "pid": "PID"}


def draw_table_area(
    world: World,
    grid: Grid,
    charset: Charset,
    *,
    now: float | None = None,
    offset: int = 0,
    view: View = PLAIN_VIEW,
    cursor: Cursor | None = None,
) -> list[Line]:
    """Rows `grid.table_head` to `grid.table`. `cursor`: its row is a place of what `view` leaves, scrolled or not."""
    rows = grid.table.height
    return [
        *draw_table_head(world, grid.columns, 1, charset, rows=rows, offset=offset, view=view, cursor=cursor),
        *draw_table(world, grid.columns, rows, charset, now=now, offset=offset, view=view, cursor=cursor),
    ]


def draw_table_head(
    world: World,
    width: int,
    height: int,
    charset: Charset,
    *,
    rows: int,
    offset: int = 0,
    view: View = PLAIN_VIEW,
    cursor: Cursor | None = None,
) -> list[Line]:
    """The rule with the columns' heads, how many rows there are, and what is asked of them; `rows`: that can be shown.

    A filter or an order is said even where the last head has to give way to it.
    """
    if height <= 0:
        return []
    shown = places(world, view)
    count = _count(world, shown, rows, first_slot(shown, rows, offset))
    if cursor is not None:
        count = count.removesuffix(HOW_TO_ENTER)
    heads = [Cell(column, [Span(f"{head} ", "head")]) for column, head in zip(_columns(width), HEADS, strict=True)]
    free = width - heads[-1].column - len(HEADS[-1]) - 3
    asked = asked_for(view, charset, max(free, 27) - cells(count) - 2)
    text = f" {asked}  {count} " if asked else f" {count} "
    last = Cell(width - cells(text) - 1, [Span(text)])
    if world.sockets_left_out:
        text = f" {count.removesuffix(HOW_TO_ENTER)}, {world.sockets_left_out:,} more not shown "
        last = Cell(width - cells(text) - 1, [Span(text, "bold")])
        heads = [*(head for head in heads if head.column + cells(head.spans[0].text) < last.column), last]
    elif last.column > heads[-1].column + len(HEADS[-1]) + 1:
        heads.append(last)
    elif asked:
        heads = [*(head for head in heads if head.column + cells(head.spans[0].text) < last.column), last]
    rule = placed(heads, width, charset.dash, "rule")
    return [rule, *(placed([], width, charset.dash, "rule") for _ in range(height - 1))]


def draw_table(
    world: World,
    width: int,
    height: int,
    charset: Charset,
    *,
    now: float | None = None,
    offset: int = 0,
    view: View = PLAIN_VIEW,
    cursor: Cursor | None = None,
) -> list[Line]:
    """The rows from `offset` on, or the last ones. `now`: the lab's clock, for what is left of TIME_WAIT."""
    shown = places(world, view)
    if not any(shown):
        text = NOTHING_FITS if any(slot.row for slot in world.slots) else EMPTY
        empty = placed([Cell(_columns(width)[0], [Span("-")]), Cell(_columns(width)[1], [Span(text)])], width)
        return [empty, *([blank(width)] * (height - 1))][: max(0, height)]
    clock = world.at if now is None else now
    first = first_slot(shown, height, offset)
    lines = []
    for index, row in enumerate(shown[first : first + max(0, height)], first):
        at = cursor.column if cursor is not None and cursor.row == index else None
        lines.append(_row(world, row, width, charset, clock, at) if row else blank(width))
    return lines + [blank(width)] * (height - len(lines))


def places(world: World, view: View) -> list[Row | None]:
    """What of the table is to be shown, in its order; None for a place that is blank."""
    return arranged((slot.row for slot in world.slots), view)


def first_slot(shown: Sequence[Row | None], rows: int, offset: int) -> int:
    """The place that is shown first of `rows` if so many are to be scrolled out: the last ones stay at the bottom."""
    return max(0, min(offset, len(shown) - rows))


def asked_for(view: View, charset: Charset, room: int) -> str:
    """The order and the filter in at most so many cells, "" for neither: "by PID  / :8888 listen"."""
    order = f"by {ORDER_NAMES[view.order]}" if view.order != "place" else ""
    if not view.filter.terms:
        return clip(order, max(0, room))
    head = f"{order}  / " if order else "/ "
    return head + charset.shown(view.filter.text, max(4, room - cells(head)))


def row_text(row: Row) -> str:
    """One row for a clipboard: whole values, two spaces between them."""
    pids = " ".join(map(str, row.pids)) or ("?" if row.whose == "unknown" else "-")
    name = row.name if row.pids else "the kernel's" if row.whose == "kernel" else "not to be known"
    key = row.key
    values = (f"{key.port}/{key.transport}", str(Address(key.host, key.port)), row.state or "-", str(key.peer or "-"))
    return "  ".join(map(visible, (*values, pids, name)))


def _count(world: World, places: Sequence[Row | None], rows: int, first: int) -> str:
    """How many rows there are, and which of them are shown if not all."""
    every = sum(row is not None for row in places)
    before = sum(row is not None for row in places[:first])
    here = sum(row is not None for row in places[first : first + rows])
    total = sum(slot.row is not None for slot in world.slots)
    if here == every == total:
        return "1 row" if every == 1 else f"{every} rows"
    if here == every:
        return f"{every} of {total}"
    shown = f"{before + 1}-{before + here}" if before and here > 1 else f"{before + here}" if before else f"{here}"
    return f"{shown} of {every}{HOW_TO_ENTER}" if every == total else f"{shown} of {every}"


def _columns(width: int) -> tuple[int, ...]:
    """Where the columns begin; below a wide screen's lanes two of them stand where lanes do."""
    if width >= WIDE:
        program, kernel, *_ = wide_widths(width)
        peer, pid = program + 2, program + kernel + 3
        return COLUMNS[0], peer // 2, peer, pid, pid + 20
    more = max(0, width - NARROW)
    return tuple(column + more * share // 8 for column, share in zip(COLUMNS, SHARES, strict=True))


def _row(world: World, row: Row, width: int, charset: Charset, now: float, chosen: int | None) -> Line:
    columns = _columns(width)
    key = row.key
    bold: Style = "bold" if row_name(key) in world.changed else ""
    peer = Span("-")
    if key.peer is not None:
        peer = Span(port_text(key.peer, charset), port_role(world, key.transport, key.peer.port))
    pids = clip(pids_text(row, charset, columns[4] - columns[3] - 1), columns[4] - columns[3] - 1)
    port = Span(f"{key.port}/{key.transport}", port_role(world, key.transport, key.port))
    cell = [port], [Span(row.state or "-", bold)], [peer], [Span(pids, bold)], _program(world, row, width, charset, now)
    items = [Cell(column, spans) for column, spans in zip(columns, cell, strict=True)]
    line = placed(items, width)
    return line if chosen is None else bracketed(line, items, chosen)


def pids_text(row: Row, charset: Charset, room: int) -> str:
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
    for remark in remarks(row):
        both = [*name, Span("   "), Span(remark)]
        if width_of(both) <= room:
            return both
    return name


def remarks(row: Row) -> list[str]:
    """What stands behind the name, the longest variant first."""
    if row.waiting:
        return [f"{row.waiting} wait, backlog {row.backlog}", f"{row.waiting} wait"]
    if len(row.pids) > 1:
        return [f"{len(row.pids)} processes"]
    if row.former_pid is not None and row.pids and row.key.peer is None:
        return ["same port, new PID", "new PID"]
    return []


def _kernels(world: World, row: Row, now: float) -> str:
    alive = any(each.pid == row.former_pid and each.status != "ended" for each in world.endpoints.values())
    return kernels_text(row, now, alive=alive)


def kernels_text(row: Row, now: float, *, alive: bool | None) -> str:
    """Why a row has no process. `alive`: whether the one that had it before is there, None where that is not known."""
    if row.expires_at is not None:
        return f"the kernel's, {max(0, ceil(row.expires_at - now))} s left"
    if row.state == "TIME_WAIT":
        return "the kernel's, up to 60 s"
    if row.state == "SYN_RECV":
        return "the kernel's: half open"
    if row.former_pid is None:
        return "the kernel's: not accepted" if row.state in ("ESTABLISHED", "CLOSE_WAIT") else "the kernel's"
    return f"the kernel's: {row.former_pid} is gone" if alive is False else "the kernel's: closed"
