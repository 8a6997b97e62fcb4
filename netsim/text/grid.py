"""The grid: which rows of the terminal belong to what. The same at every size; a larger one has more rows of each kind.

Law: rows never move while the size stays, whatever happens in the lab.
"""

from __future__ import annotations

from typing import NamedTuple

MINIMUM = (80, 24)  # columns, rows

# Who gets the rows above 24, one after the other: at 36 rows the listing has 9, sockets 3, packets 8, table 7, why 2.
_FIRST_TO_GROW = (
    "packets", "listing", "table", "sockets", "packets", "listing", "table", "why", "listing", "packets", "listing",
    "table",
)  # fmt: skip
_THEN = ("packets", "listing", "table", "packets")
_MOST = {"listing": 16, "table": 16}  # the programs and tables of lessons are no longer; packets take the rest


class Area(NamedTuple):
    """Some rows of the terminal, counted from 0."""

    top: int
    height: int

    @property
    def rows(self) -> range:
        """The numbers of its rows."""
        return range(self.top, self.top + self.height)


class Grid(NamedTuple):
    """How many rows each area has; the others (title, rules, ends, SPACE, keys) have one each.

    From 160 columns on there is room for the wire between the programs; until that is drawn the two panes are wider.
    """

    columns: int
    rows: int
    listing_height: int = 5
    sockets_height: int = 2
    packets_height: int = 5
    table_height: int = 4
    why_height: int = 1

    @classmethod
    def of(cls, columns: int, rows: int) -> Grid | None:
        """The grid of a terminal of this size; None if it is too small."""
        if columns < MINIMUM[0] or rows < MINIMUM[1]:
            return None
        heights = {"listing": 5, "sockets": 2, "packets": 5, "table": 4, "why": 1}
        for index in range(rows - MINIMUM[1]):
            late = index - len(_FIRST_TO_GROW)
            area = _FIRST_TO_GROW[index] if late < 0 else _THEN[late % len(_THEN)]
            heights["packets" if heights[area] >= _MOST.get(area, rows) else area] += 1
        return cls(columns, rows, *(heights[area] for area in ("listing", "sockets", "packets", "table", "why")))

    @property
    def left(self) -> int:
        """The width of the left pane; a bar follows."""
        return (self.columns - 1) // 2

    @property
    def right(self) -> int:
        """The width of the right pane."""
        return self.columns - self.left - 1

    @property
    def title(self) -> Area:
        """The name, the net, the step."""
        return Area(0, 1)

    @property
    def heads(self) -> Area:
        """The rule with both panes' heads."""
        return Area(1, 1)

    @property
    def listing(self) -> Area:
        """Both programs."""
        return Area(2, self.listing_height)

    @property
    def sockets(self) -> Area:
        """Both processes' sockets, and the kernel's beside them."""
        return _below(self.listing, self.sockets_height)

    @property
    def wires(self) -> Area:
        """The rule with both ladders' heads."""
        return _below(self.sockets, 1)

    @property
    def ends(self) -> Area:
        """The two ends of each conversation and their states."""
        return _below(self.wires, 1)

    @property
    def packets(self) -> Area:
        """The newest packets."""
        return _below(self.ends, self.packets_height)

    @property
    def table_head(self) -> Area:
        """The rule with the port table's heads."""
        return _below(self.packets, 1)

    @property
    def table(self) -> Area:
        """The port table."""
        return _below(self.table_head, self.table_height)

    @property
    def why(self) -> Area:
        """What just happened, and why."""
        return _below(self.table, self.why_height)

    @property
    def space(self) -> Area:
        """What SPACE will do."""
        return _below(self.why, 1)

    @property
    def keys(self) -> Area:
        """Some of the keys."""
        return _below(self.space, 1)


def _below(area: Area, height: int) -> Area:
    return Area(area.top + area.height, height)
