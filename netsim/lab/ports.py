"""psutil's answer to "whose is this port?", found in a thread of its own, told only when it changes.

psutil is imported in that thread, when it is first asked: 40 ms that nobody waits for. It may be wrong by the time
that it is told, and names one process for a socket that several have open; whoever shows it knows that. Out of a user
namespace it can't look into processes outside of it (ptrace(2): other than in one's own namespace it takes a
capability there), so an ordinary user's contained lab sees that a stranger has the port, and not who.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from netsim.model.address import Address, Transport
from netsim.model.events import KernelSocket, Owner

if TYPE_CHECKING:
    import psutil

FEW = 6  # processes: up to here one by one is faster than the whole machine at once
_V4_MAPPED = "::ffff:"
_NO_STATE = "NONE"  # psutil.CONN_NONE, UDP's; its other states are spelled as the kernel's on every system
_DATAGRAM = 2  # SOCK_DGRAM everywhere; without the import of socket's enums

_Key = tuple[Transport, Address, Address | None]


class Question(NamedTuple):
    """Who has sockets with one of `ports` (None: with any)? `pids`: the lab's processes, by the machine's numbers.

    `strangers`: sockets of the kernel's list that none of them has, but somebody. `whole`: the kernel's list can't be
    had here, so psutil's has to have everything, with and without an owner.
    """

    ports: frozenset[int] | None
    pids: frozenset[int]
    strangers: frozenset[tuple[_Key, int]]
    whole: bool


def question(
    ports: frozenset[int] | None, pids: Iterable[int], sockets: Iterable[KernelSocket], ours: set[int], whole: bool
) -> Question:
    """What to ask after the kernel's list was seen; `ours` are the inodes that the lab's processes have reported."""
    strangers = ((_kernel_key(each), each.inode) for each in sockets if each.inode and each.inode not in ours)
    return Question(ports, frozenset(pids), frozenset(strangers), whole)


class Lookup:
    """Asks psutil and remembers which strangers it has named. For one thread."""

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}
        self._strangers: dict[tuple[_Key, int], tuple[Owner, ...]] = {}

    def answer(self, question: Question) -> tuple[Owner, ...]:
        """The owners, sorted. What psutil may not see, or what ends while it looks, is left out."""
        if question.whole or len(question.pids) > FEW:
            found = set(self._machine(question)) or set(self._own(question))  # macOS: the machine's is for root
        else:
            found = set(self._own(question))
            self._strangers = {key: self._strangers[key] for key in question.strangers if key in self._strangers}
            new = question.strangers - self._strangers.keys()
            if new:
                by_key: dict[_Key, list[Owner]] = {}
                for owner in self._machine(question):
                    by_key.setdefault((owner.transport, owner.local, owner.remote), []).append(owner)
                self._strangers.update({each: tuple(by_key.get(each[0], ())) for each in new})
            for owners in self._strangers.values():
                found.update(owners)
        if not question.whole:  # what has no owner the kernel tells better, and of strangers' it says which are told
            told = {key for key, _ in question.strangers}
            found = {
                owner
                for owner in found
                if owner.pid is not None
                and (owner.pid in question.pids or (owner.transport, owner.local, owner.remote) in told)
            }
        return tuple(sorted(found, key=_order))

    def _own(self, question: Question) -> Iterable[Owner]:
        import psutil

        self._processes = {pid: each for pid, each in self._processes.items() if pid in question.pids}
        for pid in sorted(question.pids):
            try:
                process = self._processes.get(pid) or psutil.Process(pid)
                self._processes[pid] = process
                name = process.name()
                rows = process.net_connections("inet")
            except (psutil.Error, OSError):
                continue
            for row in rows:
                yield from _owner(row, pid, name, question.ports)

    def _machine(self, question: Question) -> Iterable[Owner]:
        import psutil

        try:
            rows = psutil.net_connections("inet")
        except (psutil.Error, OSError):
            return
        names: dict[int, str] = {}
        for row in rows:
            for owner in _owner(row, row.pid, "", question.ports):
                pid = owner.pid
                if pid is not None and pid not in names:
                    try:
                        names[pid] = psutil.Process(pid).name()
                    except (psutil.Error, OSError):
                        names[pid] = ""
                yield Owner(owner.transport, owner.local, owner.remote, owner.state, pid, names.get(pid or 0, ""))


class Worker:
    """A `Lookup` in a daemon thread. One question at a time; `done` is called there when an answer waits in `take`."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._questions: SimpleQueue[Question] = SimpleQueue()
        self._answers: SimpleQueue[tuple[Owner, ...]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.busy = False

    def ask(self, question: Question) -> None:
        """Have a question answered; the first one starts the thread."""
        self.busy = True
        self._questions.put(question)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="netsim-ports", daemon=True)
            self._thread.start()

    def take(self) -> tuple[Owner, ...]:
        """The answer that `done` has announced."""
        self.busy = False
        return self._answers.get()

    def _work(self) -> None:
        lookup = Lookup()
        answer: tuple[Owner, ...] = ()
        while True:
            question = self._questions.get()
            try:
                answer = lookup.answer(question)
            except Exception:  # whatever /proc looked like in that moment: the lab goes on with the last answer
                sys.excepthook(*sys.exc_info())
            self._answers.put(answer)
            self._done()


def _owner(
    row: psutil._ntuples.pconn | psutil._ntuples.sconn, pid: int | None, name: str, ports: frozenset[int] | None
) -> Iterable[Owner]:
    """A row of psutil's as ours, if it is about one of the ports."""
    local, remote = _address(row.laddr), _address(row.raddr)
    if local and (ports is None or local.port in ports or (remote and remote.port in ports)):
        state = "" if row.status == _NO_STATE else row.status
        yield Owner("udp" if row.type == _DATAGRAM else "tcp", local, remote, state, pid, name)


def _address(pair: tuple[str, int] | tuple[()]) -> Address | None:
    return Address(pair[0].removeprefix(_V4_MAPPED) if "." in pair[0] else pair[0], pair[1]) if pair else None


def _kernel_key(each: KernelSocket) -> _Key:
    return each.transport, each.local, each.remote


def _order(owner: Owner) -> tuple[str, Address, bool, Address, int, str, str]:
    return (
        owner.transport, owner.local, owner.remote is not None, owner.remote or owner.local, owner.pid or 0,
        owner.name, owner.state,
    )  # fmt: skip
