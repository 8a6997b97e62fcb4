"""What proves a row of the port table in another terminal: commands of the system's own, and what to look for in each.

Law: the commands only read; a word in them is a number, an address or fixed, never text from outside.
"""

from __future__ import annotations

from typing import NamedTuple

from netsim.model.world import Endpoint, Row, World

SPELLINGS = (
    ("ESTABLISHED", "ESTAB"),
    ("SYN_SENT", "SYN-SENT"),
    ("SYN_RECV", "SYN-RECV"),
    ("FIN_WAIT1", "FIN-WAIT-1"),
    ("FIN_WAIT2", "FIN-WAIT-2"),
    ("TIME_WAIT", "TIME-WAIT"),
    ("CLOSE", "UNCONN"),
    ("CLOSE_WAIT", "CLOSE-WAIT"),
    ("LAST_ACK", "LAST-ACK"),
)  # the kernel's names, and those of ss; LISTEN and CLOSING are the same in both
_HEX_STATES = {
    "ESTABLISHED": "01", "SYN_SENT": "02", "SYN_RECV": "03", "FIN_WAIT1": "04", "FIN_WAIT2": "05", "TIME_WAIT": "06",
    "CLOSE": "07", "CLOSE_WAIT": "08", "LAST_ACK": "09", "LISTEN": "0A", "CLOSING": "0B", "": "07",
}  # fmt: skip  # net/tcp_states.h
_NO_INODE = "an inode of 0: no process has it open"


GONE = "It has no line: the row is gone by now."
ONLY_BOUND = "No line: it lists sockets that listen or are connected, and this one is only bound."


class Proof(NamedTuple):
    """A command; `in_net`: it has to run in the lab's net. `look`: what proves the row. `none`: what no line means."""

    argv: tuple[str, ...]
    in_net: bool
    look: str
    none: str = GONE


def proofs(world: World, row: Row) -> tuple[Proof, ...]:
    """What proves this row: ss, lsof, /proc, and ps for its PIDs."""
    found = [_ss(row), _lsof(row), _table(row)]
    for pid in row.pids[:2]:
        found.append(_descriptor(world, row, pid))
    pids = [*row.pids, *([row.former_pid] if row.former_pid is not None else [])]
    if pids:
        found.append(_ps(row, pids))
    return tuple(found)


def inside(world: World) -> int:
    """A process in whose net the commands are to run; 0: none is alive that could be asked."""
    alive = [each.pid for each in world.endpoints.values() if each.status != "ended"]
    return alive[0] if alive else 0


def spelled_by_ss(state: str) -> str:
    """A state's name in ss."""
    return dict(SPELLINGS).get(state, state)


def _ss(row: Row) -> Proof:
    letter = row.key.transport[0]
    which = "l" if row.state == "LISTEN" else "a"
    where = f"sport = :{row.key.port}"
    if row.key.peer is not None:
        where += f" and dport = :{row.key.peer.port}"
    state = "UNCONN: ss says that of every UDP socket without a peer" if letter == "u" else spelled_by_ss(row.state)
    who = f"pid={row.pids[0]}" if row.pids else "no users:((..)), so no process"
    timer = ", the timer of TIME_WAIT" if row.state == "TIME_WAIT" else ""
    return Proof(("ss", f"-{letter}{which}nop", where), True, f"Look for {state}{timer} and {who}.", _none(row))


def _lsof(row: Row) -> Proof:
    key = row.key
    port = key.peer.port if key.peer is not None and key.peer.port > key.port else key.port
    states = ("-sTCP:LISTEN",) if row.state == "LISTEN" else ()
    argv = ("lsof", "-nPw", f"-i{key.transport.upper()}:{port}", *states)
    if row.pids:
        return Proof(
            argv, True, f"lsof goes by processes: PID {row.pids[0]}, its user and its file number (FD).", _none(row)
        )
    nobody = "lsof lists what processes have open: this row is no process's, so it is not here."
    return Proof(argv, True, nobody, none=nobody)


def _table(row: Row) -> Proof:
    key = row.key
    file = f"/proc/net/{key.transport}" + ("6" if ":" in key.host else "")
    pattern = f":{key.port:04X} " + (f".*:{key.peer.port:04X} " if key.peer is not None else "")
    inode = f"inode {row.inode}" if row.inode else _NO_INODE if row.whose == "kernel" else "its inode"
    state = _HEX_STATES.get(row.state, "")
    look = f"{key.port} is {key.port:04X} in hex, {row.state or 'no state'} is {state}; further right {inode}."
    return Proof(("grep", "-E", f"sl|: [^ ]*{pattern}", file), True, look, _none(row))


def _none(row: Row) -> str:
    return ONLY_BOUND if row.state == "CLOSE" and row.key.transport == "tcp" else GONE


def _descriptor(world: World, row: Row, pid: int) -> Proof:
    endpoint = next((each for each in world.endpoints.values() if each.pid == pid), None)
    fd = _fd(endpoint, row) if endpoint is not None else None
    if fd is None:
        return Proof(("ls", "-l", f"/proc/{pid}/fd"), False, "Its open files: a socket is one of them, by its inode.")
    look = f"File number {fd} of PID {pid} is this socket: a file without a name, but with an inode."
    return Proof(("readlink", f"/proc/{pid}/fd/{fd}"), False, look, none="File number and process are gone by now.")


def _fd(endpoint: Endpoint, row: Row) -> int | None:
    for ref in endpoint.sockets:
        same = ref.transport == row.key.transport and ref.local is not None and ref.local.port == row.key.port
        if (row.inode and ref.inode == row.inode) or (not row.inode and same and ref.remote == row.key.peer):
            return ref.fd
    return None


def _ps(row: Row, pids: list[int]) -> Proof:
    argv = ("ps", "-o", "pid,lstart,comm", "-p", ",".join(map(str, pids)))
    if row.former_pid is not None and row.pids:
        look = f"{row.former_pid} is not there any more, {row.pids[0]} started later: the port is the same."
    elif row.former_pid is not None:
        look = f"Whether {row.former_pid}, which had it, is still there; the row is not its own any more."
    else:
        look = "When the process started: that, with its PID, tells it from any later one."
    return Proof(argv, False, look, none=f"No line: {pids[0]} is gone, and the row is still there.")
