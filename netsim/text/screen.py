"""The main screen as one list of lines: what the widgets show in their places, all of it, for pictures and tests.

Law: a function of a world, a size and what the director, the narrator and the clock say; it looks at nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from netsim.model.view import PLAIN_VIEW, View
from netsim.model.world import World
from netsim.text.bottom import draw_keys, draw_space, draw_why
from netsim.text.charset import Charset
from netsim.text.cursor import Cursor
from netsim.text.grid import MINIMUM, Grid
from netsim.text.ladder import draw_ladders
from netsim.text.layout import blank, fill, wrapped
from netsim.text.lines import Line, Span
from netsim.text.panes import draw_panes
from netsim.text.table import draw_table_area
from netsim.text.title import draw_title


class Scene(NamedTuple):
    """What is drawn besides the world. `target`: what SPACE will touch, the `who` of an endpoint or "packet 7"."""

    why: str = ""
    cap: str = ""
    label: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    target: str = ""
    now: float | None = None  # the lab's clock; None: the moment of the world
    progress: Mapping[int, float] = {}  # packets on their way, by number
    offset: int = 0  # rows of the table that are scrolled out
    view: View = PLAIN_VIEW  # its order and its filter
    cursor: Cursor | None = None  # its cell that is being looked at
    armed: bool = True
    aim: tuple[str, int] = ("", 0)  # the `who` and the line to which it may be run
    recorded: bool = False
    playing: bool = False  # it goes on by itself
    steps: int | None = None  # the same: how many steps there are
    moment: tuple[int, int] | None = None  # where the past (or a recording) is shown: which moment, of how many


def draw_screen(world: World, grid: Grid, charset: Charset, scene: Scene) -> list[Line]:
    """`grid.rows` lines of `grid.columns` cells."""
    columns = grid.columns
    table = draw_table_area(
        world, grid, charset, now=scene.now, offset=scene.offset, view=scene.view, cursor=scene.cursor
    )
    if grid.is_wide:
        from netsim.text.wide import draw_tees  # most terminals are not: it is not imported for nothing

        table = [draw_tees(table[0], grid, charset), *table[1:]]
    return [
        *draw_title(
            world,
            columns,
            1,
            charset,
            recorded=scene.recorded,
            steps=scene.steps,
            moment=scene.moment,
            playing=scene.playing,
        ),
        *_draw_middle(world, grid, charset, scene),
        *table,
        *draw_why(scene.why, columns, grid.why.height, charset),
        *draw_space(scene.cap, scene.label, columns, 1, charset, armed=scene.armed),
        *draw_keys(scene.keys, columns, 1, charset),
    ]


def _draw_middle(world: World, grid: Grid, charset: Charset, scene: Scene) -> list[Line]:
    """Rows `grid.heads` and `grid.body`."""
    if grid.is_wide:
        from netsim.text.wide import draw_lanes

        return draw_lanes(
            world, grid, charset, target=scene.target, aim=scene.aim, progress=scene.progress, now=scene.now
        )
    return [
        *draw_panes(world, grid, charset, target=scene.target, aim=scene.aim),
        *draw_ladders(world, grid, charset, target=scene.target, progress=scene.progress, now=scene.now),
    ]


def draw_too_small(columns: int, rows: int) -> list[Line]:
    """What a terminal shows that is smaller than the smallest grid."""
    text = f"netsim needs {MINIMUM[0]} columns and {MINIMUM[1]} rows; these are {columns} and {rows}. Please enlarge."
    if rows == MINIMUM[1] - 1 and columns >= MINIMUM[0]:
        text += " In tmux, whose bar takes a row: ctrl+b, then :set status off and enter."
    lines = [fill([Span(line)], columns) for line in wrapped(text, columns, rows)]
    return (lines + [blank(columns)] * (rows - len(lines)))[: max(0, rows)]
