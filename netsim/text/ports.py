"""`netsim ports` as lines of text and as JSON: whole values in stable columns, for eyes and for pipes.

Law: nothing is cut and nothing coloured; text from outside is made safe, and a column is never empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from netsim.model.world import Row
from netsim.text.charset import cells
from netsim.text.charset import visible as visible
from netsim.text.table import kernels_text

HEADS = ("PORT", "ADDRESS", "STATE", "PEER", "PID", "USER", "PROGRAM")
NONE, UNKNOWN = "-", "?"


def lines(rows: Sequence[Row], *, header: bool = True) -> list[str]:
    """One line each, two blanks between the columns; the last one, the program, may have blanks in it."""
    table: list[tuple[str, ...]] = [HEADS] if header else []
    table += [_values(row) for row in rows]
    widths = [max(map(cells, column)) for column in zip(*table, strict=True)] if table else []
    return [_line(values, widths) for values in table]


def as_json(rows: Iterable[Row], *, complete: bool) -> str:
    """One object: `rows` in their order, and whether these are `complete`: all sockets, and whose each of them is.

    `pids` is empty where no process has it (`whose` "kernel") or where that is not to be known ("unknown"). `waiting`
    and `backlog` are a listener's accept queue, `unread` and `unsent` a connection's bytes; `seconds_left` is
    TIME_WAIT's. All of it is printable ASCII: whatever else a name holds is escaped as JSON does.
    """
    shown = list(rows)
    known = all(row.whose != "unknown" for row in shown)
    told = {"complete": complete and known, "rows": [_object(row) for row in shown]}
    return json.dumps(told, indent=2).replace("\x7f", "\\u007f")


def _values(row: Row) -> tuple[str, ...]:
    key = row.key
    pids = ",".join(map(str, row.pids)) or (UNKNOWN if row.whose == "unknown" else NONE)
    peer = str(key.peer) if key.peer else NONE
    program = row.name if row.pids else "" if row.whose == "unknown" else f"({kernels_text(row, 0.0, alive=None)})"
    values = (key.host, row.state, peer, pids, row.user.replace(" ", "_"), program or UNKNOWN)
    return (f"{key.port}/{key.transport}", *(visible(value) or NONE for value in values))


def _line(values: Sequence[str], widths: Sequence[int]) -> str:
    padded = [value + " " * (width - cells(value)) for value, width in zip(values, widths, strict=True)]
    return "  ".join([*padded[:-1], values[-1]])


def _object(row: Row) -> dict[str, object]:
    key = row.key
    return {
        "port": key.port,
        "transport": key.transport,
        "address": key.host,
        "state": row.state or None,
        "peer": {"address": key.peer.host, "port": key.peer.port} if key.peer else None,
        "pids": row.pids,
        "whose": row.whose,
        "name": row.name or None,
        "user": row.user or None,
        "waiting": row.waiting,
        "backlog": row.backlog,
        "unread": row.unread,
        "unsent": row.unsent,
        "seconds_left": row.expires_at,
    }
