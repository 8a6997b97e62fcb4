"""How a port table is looked at: in which order, and which of its rows.

Law: by itself a row never moves: the order is the places' until a person asks for another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, get_args

from netsim.model.filter import NO_FILTER, Filter
from netsim.model.world import Row

Order = Literal["place", "port", "state", "pid"]
ORDERS: tuple[Order, ...] = get_args(Order)
STATES = (
    "LISTEN", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT", "CLOSING", "LAST_ACK",
    "TIME_WAIT", "CLOSE", "",
)  # fmt: skip
_PLACE_OF_STATE = {state: place for place, state in enumerate(STATES)}  # as a connection goes through them
_NOBODY = 1 << 62  # rows without a PID stand behind all others


class View(NamedTuple):
    """`order` "place": where each row has stood since it came."""

    order: Order = "place"
    filter: Filter = NO_FILTER

    @property
    def is_plain(self) -> bool:
        """Whether every row stands in its place, the blank ones too."""
        return self.order == "place" and not self.filter.terms

    def next_order(self) -> View:
        """The same in the next order."""
        return self._replace(order=ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)])


PLAIN_VIEW = View()


def arranged(places: Iterable[Row | None], view: View) -> list[Row | None]:
    """The rows to be shown, in their order. None is the place of a row that vanished; only a plain view has such."""
    if view.is_plain:
        return list(places)
    rows: list[Row | None] = [row for row in places if row is not None and view.filter.fits(row)]
    if view.order != "place":
        rows.sort(key=_KEYS[view.order])  # stable: among equals the places decide
    return rows


def position(rows: Sequence[Row | None], wanted: Row | None, otherwise: int) -> int:
    """Where a row stands now, though it may have changed; if it is gone, the place nearest to `otherwise`."""
    if wanted is not None:
        same = [index for index, row in enumerate(rows) if row is not None and row.key == wanted.key]
        exact = [index for index in same if (row := rows[index]) is not None and row.pids == wanted.pids]
        if exact or same:
            return (exact or same)[0]
    taken = [index for index, row in enumerate(rows) if row is not None]
    return min(taken, key=lambda index: abs(index - otherwise), default=0)


def _by_port(row: Row | None) -> tuple[Any, ...]:
    return (row.key.port, row.key.transport) if row else ()


def _by_state(row: Row | None) -> tuple[Any, ...]:
    return (_PLACE_OF_STATE.get(row.state, len(STATES)), row.key.port) if row else ()


def _by_pid(row: Row | None) -> tuple[Any, ...]:
    if row is None:
        return ()
    return (row.pids[0] if row.pids else _NOBODY + (row.former_pid or _NOBODY), row.key.port)


_KEYS: dict[Order, Callable[[Row | None], tuple[Any, ...]]] = {"port": _by_port, "state": _by_state, "pid": _by_pid}
