"""What the kernel's own list adds to psutil's table of the machine: who shares a socket, if anybody has it, queues.

Law: Linux only, and only an addition: where it can't be had, or has changed meanwhile, there is simply no word.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from netsim.lab.sockdiag import Entry, SockDiag

if TYPE_CHECKING:
    from psutil._ntuples import pconn, sconn

_SOCKET = "socket:["
_V4_MAPPED = "::ffff:"  # an IPv4 peer of an IPv6 socket
_DATAGRAM = 2  # SOCK_DGRAM

_Key = tuple[str, str, int, str, int]


class KernelsWord(NamedTuple):
    """Of one socket. `pids`: the processes that were seen to have it open; `owner`: the user whose socket it is."""

    pids: tuple[int, ...]
    held: bool | None
    owner: str
    receive: int
    send: int
    expires_ms: int


NO_WORD = KernelsWord((), None, "", 0, 0, 0)


class Kernel:
    """Asks it again and again, and remembers the users' names. For one thread."""

    def __init__(self) -> None:
        self._refused = False
        self._users: dict[int, str] = {}

    def words(self, rows: Sequence[tuple[pconn | sconn, int | None]]) -> list[KernelsWord | None]:
        """Its word for each of psutil's rows, in their order; None where it has none."""
        known = self._sockets()
        if not known:
            return [None] * len(rows)
        holders = _holders()
        words = []
        for each, pid in rows:
            remote = (unmapped(each.raddr[0]), each.raddr[1]) if each.raddr else ("", 0)
            local = (unmapped(each.laddr[0]), each.laddr[1]) if each.laddr else ("", 0)
            entries = known.get(("udp" if each.type == _DATAGRAM else "tcp", *local, *remote))
            words.append(self._word(pid, entries, holders) if entries else None)
        return words

    def _word(self, pid: int | None, known: list[Entry], holders: dict[int, tuple[int, ...]]) -> KernelsWord:
        """Of several sockets with the same address (SO_REUSEPORT) the one of psutil's process; each is told once."""
        mine = (index for index, each in enumerate(known) if pid in holders.get(each.inode, ()))
        each = known.pop(next(mine, 0) if len(known) > 1 else 0)
        if not each.inode:
            return KernelsWord((), False, "", each.receive_queue, each.send_queue, each.time_wait_ms)
        pids = holders.get(each.inode, ())
        return KernelsWord(pids, True, self._user(each.uid), each.receive_queue, each.send_queue, each.time_wait_ms)

    def _sockets(self) -> dict[_Key, list[Entry]]:
        known: dict[_Key, list[Entry]] = {}
        if self._refused:
            return known
        try:
            with SockDiag() as diag:
                for each in diag.entries():
                    known.setdefault(each[:5], []).append(each)
        except OSError:
            self._refused = True  # it would be refused the next time, too
            return {}
        return known

    def _user(self, uid: int) -> str:
        if uid not in self._users:
            try:
                import pwd

                self._users[uid] = pwd.getpwuid(uid).pw_name
            except (ImportError, KeyError):
                self._users[uid] = str(uid)
        return self._users[uid]


def _holders() -> dict[int, tuple[int, ...]]:
    """The processes that have each socket open, by inode, as far as this user may see; proc_pid_fd(5)."""
    found: dict[int, tuple[int, ...]] = {}
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return found
    for pid in pids:
        folder = f"/proc/{pid}/fd"
        try:
            descriptors = os.listdir(folder)
        except OSError:  # another user's, or gone
            continue
        for descriptor in descriptors:
            try:
                target = os.readlink(f"{folder}/{descriptor}")
            except OSError:
                continue
            if target.startswith(_SOCKET):
                inode = int(target[len(_SOCKET) : -1])
                if pid not in (others := found.get(inode, ())):
                    found[inode] = (*others, pid)
    return found


def unmapped(host: str) -> str:
    """An IPv4 address that an IPv6 socket has (::ffff:127.0.0.1) as the IPv4 address it is."""
    return host.removeprefix(_V4_MAPPED) if "." in host else host
