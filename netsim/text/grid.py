"""The grid: which rows and columns of the terminal belong to what. A larger one has more of each kind.

Law: nothing moves while the size stays, whatever happens in the lab. From `WIDE` columns on the wire stands between
the programs, and the kernel has a place of its own on either side of it.
"""

from __future__ import annotations

from typing import NamedTuple

MINIMUM = (80, 24)  # columns, rows
WIDE = 160  # columns from which there are five lanes

# Who gets the rows above 24, one after the other: at 36 rows the listing has 9, sockets 3, packets 8, table 7, why 2.
_FIRST_TO_GROW = (
    "packets", "listing", "table", "sockets", "packets", "listing", "table", "why", "listing", "packets", "listing",
    "table",
)  # fmt: skip
_THEN = ("packets", "listing", "table", "packets")
_MOST = {"listing": 16, "table": 16}  # the programs and tables of lessons are no longer; packets take the rest

# The same where the wire is beside the listings: "listing" stands for all that is beside each other.
_FIRST_TO_GROW_WIDE = ("listing", "table", "listing", "table", "listing", "listing", "why", "table", "table")
_THEN_WIDE = ("listing", "table", "listing")
_NOTES = 3  # rows below a wide listing: how the program ended, and the other clients
_DATAGRAMS = 3  # rows of UDP's packets on a wide wire, at least
_WIRE_RULES = 4  # rows of the wire that are no packets: two heads, two pairs of ends

_KERNEL = 24  # columns of each of the kernel's lanes: for what it says of a connection
_CLIENT, _SERVER, _PROGRAM_AT_200 = 38, 40, 44  # columns of the programs: for connect(), and for setsockopt()


class Area(NamedTuple):
    """Some rows of the terminal, counted from 0."""

    top: int
    height: int

    @property
    def rows(self) -> range:
        """The numbers of its rows."""
        return range(self.top, self.top + self.height)


class Lane(NamedTuple):
    """Some columns of the terminal, counted from 0: of a program, of the kernel on one side, of the wire."""

    name: str
    start: int
    width: int

    @property
    def end(self) -> int:
        """The column behind it: a bar's, or the terminal's edge."""
        return self.start + self.width


LANES = ("left", "left-kernel", "wire", "right-kernel", "right")


class Grid(NamedTuple):
    """How many rows each area has; the others (title, rules, ends, SPACE, keys) have one each."""

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
        if columns >= WIDE:
            return cls._wide(columns, rows)
        heights = _grown({"listing": 5, "sockets": 2, "packets": 5, "table": 4, "why": 1}, rows, _FIRST_TO_GROW, _THEN)
        return cls(columns, rows, *(heights[area] for area in ("listing", "sockets", "packets", "table", "why")))

    @classmethod
    def _wide(cls, columns: int, rows: int) -> Grid:
        heights = _grown({"listing": 14, "table": 4, "why": 1}, rows, _FIRST_TO_GROW_WIDE, _THEN_WIDE)
        body = heights["listing"]
        packets = body - _WIRE_RULES - max(_DATAGRAMS, (body - _WIRE_RULES) // 4)
        return cls(columns, rows, body - _NOTES, _NOTES, packets, heights["table"], heights["why"])

    @property
    def is_wide(self) -> bool:
        """Whether there are five lanes."""
        return self.columns >= WIDE

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """What stands side by side below `heads`, with a bar between each two."""
        if not self.is_wide:
            return Lane("left", 0, self.left), Lane("right", self.left + 1, self.right)
        widths = wide_widths(self.columns)
        starts = [sum(widths[:index]) + index for index in range(len(widths))]
        return tuple(Lane(*each) for each in zip(LANES, starts, widths, strict=True))

    @property
    def tiles(self) -> tuple[Lane, ...]:
        """The same with their bars, from edge to edge: what changes together. The wire's walls are its own."""
        lanes = self.lanes
        ends = [lane.end + (lane.name in ("left", "wire")) for lane in lanes[:-1]] + [self.columns]
        starts = [0, *ends[:-1]]
        return tuple(Lane(lane.name, start, end - start) for lane, start, end in zip(lanes, starts, ends, strict=True))

    @property
    def left(self) -> int:
        """The width of the left pane; a bar follows."""
        return wide_widths(self.columns)[0] if self.is_wide else (self.columns - 1) // 2

    @property
    def right(self) -> int:
        """The width of the right pane."""
        return wide_widths(self.columns)[-1] if self.is_wide else self.columns - self.left - 1

    @property
    def title(self) -> Area:
        """The name, the net, the step."""
        return Area(0, 1)

    @property
    def heads(self) -> Area:
        """The rule with both panes' heads (wide: with all five)."""
        return Area(1, 1)

    @property
    def body(self) -> Area:
        """All that stands between the heads and the port table: the lanes."""
        return Area(2, self.table_head.top - 2)

    @property
    def listing(self) -> Area:
        """Both programs."""
        return Area(2, self.listing_height)

    @property
    def sockets(self) -> Area:
        """Both processes' sockets, and the kernel's beside them; wide: notes, since the kernel has lanes for them."""
        return _below(self.listing, self.sockets_height)

    @property
    def wires(self) -> Area:
        """The rule with both ladders' heads (wide: with TCP's)."""
        return self.listing._replace(height=1) if self.is_wide else _below(self.sockets, 1)

    @property
    def ends(self) -> Area:
        """The two ends of each conversation (wide: of TCP's) and their states."""
        return _below(self.wires, 1)

    @property
    def packets(self) -> Area:
        """The newest packets (wide: TCP's)."""
        return _below(self.ends, self.packets_height)

    @property
    def datagrams(self) -> Area:
        """Wide: the newest packets of UDP, below its own head and ends."""
        top = self.packets.top + self.packets.height + 2
        return Area(top, self.table_head.top - top)

    @property
    def table_head(self) -> Area:
        """The rule with the port table's heads."""
        return _below(self.sockets if self.is_wide else self.packets, 1)

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


def wide_widths(columns: int) -> tuple[int, int, int, int, int]:
    """The widths of the five lanes: 38 24 30 24 40 at 160 columns, 44 24 60 24 44 at 200."""
    share, beyond = min(columns, 200) - WIDE, max(0, columns - 200)
    client, server = (
        min(60, least + share * (_PROGRAM_AT_200 - least) // (200 - WIDE) + beyond // 4) for least in (_CLIENT, _SERVER)
    )
    kernel = min(32, _KERNEL + beyond // 8)
    return client, kernel, columns - client - server - 2 * kernel - 4, kernel, server


def _grown(heights: dict[str, int], rows: int, first: tuple[str, ...], then: tuple[str, ...]) -> dict[str, int]:
    """The heights of 24 rows with what `rows` has more, given out one after the other."""
    rest = "packets" if "packets" in heights else "listing"
    for index in range(rows - MINIMUM[1]):
        late = index - len(first)
        area = first[index] if late < 0 else then[late % len(then)]
        full = heights[area] >= _MOST.get(area, rows) and area != rest
        heights[rest if full else area] += 1
    return heights


def _below(area: Area, height: int) -> Area:
    return Area(area.top + area.height, height)
