"""The keys of the port table: its cell cursor, its order, its filter, and one row for the clipboard.

Law: they look, and ask no lab for anything; the cursor stays with its row wherever that goes. What a cell means is said
until something happens in the lab: then that is what there is to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from textual.geometry import Size

from netsim.model.filter import NO_FILTER, parse
from netsim.model.view import PLAIN_VIEW, View, position
from netsim.model.world import Row
from netsim.story.cells import COLUMNS, explain
from netsim.text.charset import Charset
from netsim.text.cursor import Cursor
from netsim.text.grid import Grid
from netsim.text.layout import as_many_as_fit
from netsim.text.table import ORDER_NAMES, places, row_text
from netsim.tui.message_line import MessageLine
from netsim.tui.time_keys import TimeKeys

NOTHING_THERE = "The table has no row yet: space goes on with the story."
NOT_THERE = "That is for a row of the table: tab goes there, the arrows choose a cell."


class TableKeys(TimeKeys):
    """What the person does with the table; Keys says which key is whose."""

    shown_size: Size
    charset: Charset
    typed: MessageLine | None

    open_page: Callable[[str], None]
    copy: Callable[[str], None]
    turn_panes: Callable[[], None]

    def reset_table(self) -> None:
        """As it is at the start: nothing chosen, nothing filtered, every row in its place."""
        self.in_table = False
        self.rows_above = 0  # rows of the table that are scrolled out
        self.view: View = PLAIN_VIEW
        self.pointed: Row | None = None  # the row that the cursor is on, or was
        self._place = 0  # where that stood last
        self._column = 0
        self._asked_at: object = None  # the moment at which a cell's meaning was asked for

    # --- the keys

    def action_turn(self) -> None:
        """tab: to the server, to the table, back to the client."""
        if self.in_table:
            self.in_table = False
            if self.shown_world.focus.role == "server":
                self.turn_panes()
            else:
                self.say("")
        elif self.shown_world.focus.role == "server":
            self._enter_table()
        else:
            self.turn_panes()

    def action_scroll(self, rows: int) -> None:
        """up, down: the cursor in the table; elsewhere through the table's rows."""
        if not self.in_table:
            self.rows_above = min(max(0, self.rows_above + rows), self.most_rows_above())
            self.paint()
            return
        shown = self._shown()
        taken = [index for index, row in enumerate(shown) if row is not None]
        here = self.cursor().row
        beyond = [index for index in taken if index > here] if rows > 0 else [i for i in reversed(taken) if i < here]
        if beyond:
            self._point(shown, beyond[0])
        self._ask_cell()

    async def on_mouse_scroll_down(self) -> None:
        """The wheel, where there is a mouse (--mouse): down."""
        await self.run_action("scroll(1)")

    async def on_mouse_scroll_up(self) -> None:
        """The wheel: up."""
        await self.run_action("scroll(-1)")

    def action_move_cell(self, columns: int) -> None:
        """left, right: the cursor in the table."""
        if self.in_table:
            self._column = min(len(COLUMNS) - 1, max(0, self._column + columns))
            self._ask_cell()

    def action_enter(self) -> None:
        """enter: what proves the row; elsewhere the packet that can be chosen there."""
        if self.in_table:
            if self._row() is None:
                self.say(NOTHING_THERE)
            else:
                self.open_page("proof")
        elif find_spec("netsim.tui.pages.inspector") is not None:
            self.open_page("inspector")

    def action_filter(self) -> None:
        """/: which rows."""
        self._enter_table()
        self.typed = MessageLine("filter", self.view.filter.text)
        self.paint()

    def action_copy_row(self) -> None:
        """y: the row as text, into the terminal's clipboard."""
        row = self._row() if self.in_table else None
        if row is None:
            self.say(NOTHING_THERE if self.in_table else NOT_THERE)
            return
        text = row_text(row)
        self.copy(text)
        self.say(f"Copied: {text}")

    def action_escape(self) -> None:
        """escape: all rows again; then out of the table. Never more than that."""
        if self.view.filter.terms:
            self.view = self.view._replace(filter=NO_FILTER)
            self._show_cursor()
            self.say("")
        elif self.in_table:
            self.in_table = False
            self.say("")

    def sort_table(self) -> None:
        """s, in the table: the next order."""
        self.view = self.view.next_order()
        self._show_cursor()
        order = ORDER_NAMES[self.view.order]
        again = "every row in its own place again" if self.view.order == "place" else "s goes on to the next order"
        self.say(f"By {order}: {again}.")

    def take_filter(self, line: MessageLine) -> bool:
        """The filter that was typed; False if it can't be understood, which the line says then."""
        try:
            self.view = self.view._replace(filter=parse(line.text))
        except ValueError as error:
            line.hint = str(error)
            return False
        self._show_cursor()
        self.say("")
        return True

    # --- what is shown of it

    def most_rows_above(self) -> int:
        """How many rows of the table can be scrolled out."""
        grid = Grid.of(*self.shown_size)
        return max(0, len(self._shown()) - grid.table.height) if grid else 0

    def keep_in_sight(self) -> None:
        """The table may have changed: no more rows are scrolled out than there are, and the cursor is to be seen."""
        if self.in_table:
            self._show_cursor()
        self.rows_above = min(self.rows_above, self.most_rows_above())

    def cursor(self) -> Cursor:
        """Where the cursor is now: on its row, wherever that stands, or on the nearest if that is gone."""
        shown = self._shown()
        self._place = position(shown, self.pointed, self._place)
        if self._place < len(shown) and (row := shown[self._place]) is not None:
            self.pointed = row
        return Cursor(self._place, self._column)

    def table_cursor(self) -> Cursor | None:
        """The cursor if the table has the keys."""
        return self.cursor() if self.in_table else None

    def cells_meaning(self) -> str:
        """What the chosen cell means; "" if something else is to be said."""
        grid = Grid.of(*self.shown_size)
        if not self.in_table or grid is None or self._asked_at != self._moment():
            return ""
        row = self._row()
        if row is None:
            return NOTHING_THERE if not any(slot.row for slot in self.shown_world.slots) else ""
        said = explain(self.shown_world, row, COLUMNS[self._column])
        return as_many_as_fit([self.charset.visible(each) for each in said], grid.columns - 2, grid.why.height)

    # --- how

    def _enter_table(self) -> None:
        self.in_table = True
        self._show_cursor()
        self._ask_cell()

    def _ask_cell(self) -> None:
        """From now on until something happens the cell's meaning is said."""
        self._asked_at = self._moment()
        self.say("")

    def _moment(self) -> object:
        return self.shown_world.lab, self.shown_world.step

    def _shown(self) -> list[Row | None]:
        return places(self.shown_world, self.view)

    def _row(self) -> Row | None:
        """The row that the cursor is on."""
        shown = self._shown()
        place = self.cursor().row
        return shown[place] if place < len(shown) else None

    def _show_cursor(self) -> None:
        """Scroll so that the cursor can be seen."""
        self._point(self._shown(), self.cursor().row)

    def _point(self, shown: Sequence[Row | None], place: int) -> None:
        grid = Grid.of(*self.shown_size)
        self._place = place
        self.pointed = shown[place] if place < len(shown) else None
        if grid is not None:
            above = min(self.rows_above, max(0, len(shown) - grid.table.height))
            self.rows_above = min(place, max(above, place - grid.table.height + 1))
