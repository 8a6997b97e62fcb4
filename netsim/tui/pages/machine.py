"""The page of `p`: this machine's ports, by the helper outside the lab.

Law: nobody waits for a table: it is asked for a second after the last one has come, and what it takes to make rows of
one is done in the thread that it comes in. The cursor stays with its row; no row moves but by its own coming and going.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence

from netsim.model.filter import NO_FILTER, parse
from netsim.model.machine import MachinePorts
from netsim.model.machine_rows import Memory, changed_rows, rows_of
from netsim.model.rows import program_name
from netsim.model.view import PLAIN_VIEW, View, arranged, position
from netsim.model.world import Row, RowKey
from netsim.story.machine_cells import Machine, explain_on_machine, hidden, machine_of
from netsim.text.cursor import Cursor
from netsim.text.layout import as_many_as_fit
from netsim.text.lines import Line
from netsim.text.machine import WHY_ROWS, Sight, columns_of, draw_machine, rows_at
from netsim.text.table import NOTHING_FITS, ORDER_NAMES, row_text
from netsim.tui.message_line import MessageLine
from netsim.tui.page import Machine as Helper
from netsim.tui.page import Page, Stage

APART = 1.0  # seconds from one table to the next question
TURN = 0.0005  # seconds that the thread which makes rows of a table may keep the screen's waiting (Python's own: 0.005)
ASKING = "asking psutil for every socket of this machine .."
NO_HELPER = "The machine's ports can't be asked for from here: netsim ports shows them."
PRIVATE = "The lab's own sockets are not among these: it has a net of its own, with ports of its own."
HOST = "The lab's own sockets are among these: its programs are marked (lab). Arrows choose a cell."


def open_page(stage: Stage) -> Page | str:
    """The page, and its first question."""
    if stage.tools is None:
        return NO_HELPER
    return MachinePage(stage, stage.tools.make_machine())


class MachinePage:
    """The table, and what the person asks of it. The helper ends with the page."""

    def __init__(self, stage: Stage, helper: Helper) -> None:
        self._stage = stage
        self._helper = helper
        self._is_open = True
        self._memory: Memory = {}  # of the thread in which tables come, one after the other
        self._rows: tuple[Row, ...] = ()
        self._machine = Machine()
        self._changed: frozenset[RowKey] = frozenset()
        self._instead = ASKING
        self._about = ""
        self._view: View = PLAIN_VIEW
        self._shown: Sequence[Row | None] = ()
        self._pointed: Row | None = None
        self._place = self._column = self._above = 0
        lab = stage.session.world.lab
        self._said = {"private": PRIVATE, "host": HOST}.get(lab.net, "") if lab is not None else ""
        self._typed: MessageLine | None = None
        self._height, self._width = 24, 80
        self._switching = sys.getswitchinterval()
        sys.setswitchinterval(TURN)
        self._ask()

    # --- tables come

    def _ask(self) -> None:
        if self._is_open:
            ours = self._ours()
            self._helper.ports(lambda ports: self._arrived(ports, ours))

    def _arrived(self, ports: MachinePorts, ours: Mapping[int, str]) -> None:
        """In the helper's thread: make rows of it."""
        if not self._is_open:
            return
        at = self._stage.clock() - ports.age
        if ports.failure:
            self._stage.call_soon(lambda: self._fail(ports.failure))
            return
        rows, self._memory = rows_of(ports, self._memory, at, ours)
        queues = any(each.held is not None for each in ports.rows)
        machine = machine_of(rows, queues=queues, complete=ports.complete, by_root=ports.by_root)
        changed = changed_rows(self._rows, rows) if self._rows else frozenset[RowKey]()
        about = hidden(rows, briefly=True, by_root=ports.by_root) if ports.complete else "only your own: root sees all"
        self._stage.call_soon(lambda: self._take(rows, machine, changed, about))

    def _take(self, rows: tuple[Row, ...], machine: Machine, changed: frozenset[RowKey], about: str) -> None:
        self._rows, self._machine, self._changed, self._about = rows, machine, changed, about
        self._instead = ""
        self._arrange()
        self._next()

    def _fail(self, why: str) -> None:
        self._instead, self._shown = why, ()
        self._next()

    def _next(self) -> None:
        if self._is_open:
            self._stage.repaint()
            self._stage.later(APART, self._ask)

    def _arrange(self, *, follow: bool = False) -> None:
        """Rows, order or filter are others. `follow`: the cursor has to be seen; else what is seen stays."""
        self._shown = arranged(self._rows, self._view)
        self._place = position(self._shown, self._pointed, self._place)
        self._keep()
        if follow:
            self._see_cursor()
        self._above = max(0, min(self._above, len(self._shown) - rows_at(self._height)))

    # --- the page

    def draw(self, width: int, height: int) -> list[Line]:
        """What fits."""
        if (width, height) != (self._width, self._height):
            self._width, self._height = width, height
            self._see_cursor()
        charset = self._stage.charset
        nothing = NOTHING_FITS if self._rows and not self._shown else ""
        sight = Sight(
            shown=self._shown,
            total=len(self._rows),
            above=self._above,
            cursor=Cursor(self._place, self._column),
            view=self._view,
            changed=self._changed,
            now=self._stage.clock(),
            instead=self._instead or nothing,
            why=self._said or self._meaning(),
            about=self._about,
            typed=self._typed.draw(width, charset) if self._typed is not None else None,
        )
        return draw_machine(sight, width, height, charset)

    def press(self, key: str, character: str | None) -> bool:
        """p and escape go back; escape shows all rows first, if a filter hides some."""
        if self._typed is not None:
            self._type(self._typed, key, character)
            return True
        self._said = ""
        match key:
            case "p" | "q":
                return False
            case "escape" if not self._view.filter.terms:
                return False
            case "escape":
                self._look(self._view._replace(filter=NO_FILTER))
            case "slash":
                self._typed = MessageLine("filter", self._view.filter.text)
            case "s":
                self._look(self._view.next_order())
                self._said = f"By {ORDER_NAMES[self._view.order]}."
            case "y":
                self._copy()
            case _:
                self._move(key)
        return True

    def came(self) -> None:
        """The lab went on: the next table shows it."""

    def close(self) -> None:
        """The helper ends; what it still answers is not heard."""
        self._is_open = False
        sys.setswitchinterval(self._switching)
        threading.Thread(target=self._helper.close, name="netsim-close", daemon=True).start()

    # --- how

    def _type(self, line: MessageLine, key: str, character: str | None) -> None:
        match key:
            case "escape":
                self._typed = None
            case "enter":
                try:
                    self._look(self._view._replace(filter=parse(line.text)))
                    self._typed = None
                except ValueError as error:
                    line.hint = str(error)
            case _:
                line.press(key, character)

    def _look(self, view: View) -> None:
        self._view = view
        self._arrange(follow=True)

    def _move(self, key: str) -> None:
        page, last = rows_at(self._height), max(0, len(self._shown) - 1)
        match key:
            case "up" | "down":
                self._place = min(last, max(0, self._place + (1 if key == "down" else -1)))
            case "left" | "right":
                columns = len(columns_of(self._width))
                self._column = min(columns - 1, max(0, self._column + (1 if key == "right" else -1)))
            case "space" | "pagedown":
                further = self._above + page < len(self._shown)
                self._place = min(last, self._above + page) if further else 0
                self._above = self._place
            case "pageup":
                self._place = self._above = max(0, self._above - page)
            case "home" | "end":
                self._place = 0 if key == "home" else last
            case _:
                self._said = "arrows choose a cell, s sorts, / filters, y copies the row, p or esc goes back."
        self._keep()
        self._see_cursor()

    def _keep(self) -> None:
        """The cursor's row, to be found again wherever it stands in the next table."""
        if self._place < len(self._shown):
            self._pointed = self._shown[self._place]

    def _see_cursor(self) -> None:
        page = rows_at(self._height)
        above = max(0, min(self._above, len(self._shown) - page))
        self._above = min(self._place, max(above, self._place - page + 1))

    def _meaning(self) -> str:
        row = self._shown[self._place] if self._place < len(self._shown) else None
        if row is None:
            return ""
        columns = columns_of(self._width)
        column = columns[min(self._column, len(columns) - 1)]
        said = explain_on_machine(row, column, self._machine, self._stage.clock())
        return as_many_as_fit([self._stage.charset.visible(each) for each in said], self._width - 2, WHY_ROWS)

    def _copy(self) -> None:
        row = self._shown[self._place] if self._place < len(self._shown) else None
        if row is not None:
            self._stage.copy(row_text(row))
            self._said = f"Copied: {row_text(row)}"

    def _ours(self) -> Mapping[int, str]:
        """The lab's own processes, where they are in this net."""
        if self._is_private:
            return {}
        world = self._stage.session.world
        return {each.pid: f"{program_name(each)} (lab)" for each in world.endpoints.values() if each.status != "ended"}

    @property
    def _is_private(self) -> bool:
        lab = self._stage.session.world.lab
        return lab is not None and lab.net == "private"
