"""Which sockets of the kernel's list are told: the lab's own all, of strangers' connections so many, the rest counted.

Law: a socket of ours, and the other end of its connection, is never left out for one of theirs. What was told once
stays told while it is there, else the table would flicker; but first comes what has a packet at the gate, then what
waits for one of our accept(), and what lives before what is over. Of a flood of short ones so many a second are new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set

from netsim.lab import sockdiag
from netsim.lab.budget import Budget
from netsim.lab.crowd import Flow
from netsim.lab.sockdiag import Listed
from netsim.model.events import KernelSocket

CONNECTIONS = 100  # of strangers that are told at once; most have two ends here
OWN = 500  # connections of ours
NEW_A_SECOND = 2.0  # of strangers, once so many as can be told have come
_OVER = frozenset(("TIME_WAIT", "FIN_WAIT1", "FIN_WAIT2", "LAST_ACK", "CLOSING"))
_TCP = 6

_Name = tuple[str, bytes, bytes]


class Strangers:
    """`ours`: the inodes of our sockets that were reported; `holds`: whether one of our processes has another one.

    `clock` in seconds, monotonic. `left_out`: sockets, last time.
    """

    def __init__(
        self, ours: set[int], clock: Callable[[], float], holds: Callable[[int], bool] = lambda inode: False
    ) -> None:
        self._ours = ours
        self._holds = holds
        self._budget = Budget(CONNECTIONS, NEW_A_SECOND, clock)
        self._told: set[_Name] = set()  # connections that were told
        self._own: set[_Name] = set()  # those of them that are (or were) ours
        self.left_out = 0
        self.waiting: Callable[[], Iterable[Flow]] = tuple  # conversations of which a packet is held

    def dump(self, ports: frozenset[int] | None) -> tuple[KernelSocket, ...]:
        """The kernel's list, as far as it is told. Raises OSError where there is none."""
        return sockdiag.dump(ports, self.choose)

    def sent_by_us(self, flow: Flow) -> bool | None:
        """Whether the socket that sent this packet is one of ours; None where none is found."""
        try:
            inode = sockdiag.holder_of("tcp" if flow.protocol == _TCP else "udp", flow.source, flow.destination)
        except OSError:
            return None
        if not inode:
            return None
        if inode not in self._ours and self._holds(inode):
            self._ours.add(inode)  # made behind our back: by C, or by a process that a program has started
        return inode in self._ours

    def choose(self, listed: list[Listed]) -> list[Listed]:
        """What is told of the list, in no order."""
        connections: dict[_Name, list[Listed]] = {}
        for each in listed:
            connections.setdefault(_name(each), []).append(each)
        own = {name for name, ends in connections.items() if self._is_own(name, ends)}
        if len(own) > OWN:
            own = set(sorted(own, key=lambda name: (name[2] != b"", name not in self._told))[:OWN])
        others = [name for name in connections if name not in own]
        held = {(_transport(flow), _port(end)) for flow in self.waiting() for end in (flow.source, flow.destination)}
        if len(others) > CONNECTIONS:
            others.sort(key=lambda name: self._rank(name, connections[name], held))
        chosen = []
        for name in others[:CONNECTIONS]:
            if name in self._told or _is_among(name, held) or self._budget.take():
                chosen.append(name)
        self._own = own
        self._told = own.union(chosen)
        told = [each for name in self._told for each in connections[name]]
        self.left_out = len(listed) - len(told)
        return told

    def _is_own(self, name: _Name, ends: list[Listed]) -> bool:
        return name in self._own or any(each.inode in self._ours for each in ends if each.inode)

    def _rank(self, name: _Name, ends: list[Listed], held: Set[tuple[str, bytes]]) -> tuple[bool, bool, bool, bool]:
        """What comes first has the smallest."""
        waits = any(not each.inode and each.state in ("ESTABLISHED", "CLOSE_WAIT") for each in ends)
        over = all(each.state in _OVER for each in ends)
        return not _is_among(name, held), over, not waits and bool(name[2]), name not in self._told


def _is_among(name: _Name, held: Set[tuple[str, bytes]]) -> bool:
    """Whether it is the conversation of a held packet, or the unconnected socket of one."""
    transport, one, other = name
    return (transport, one[16:18]) in held and (not other or (transport, other[16:18]) in held)


def _transport(flow: Flow) -> str:
    return "tcp" if flow.protocol == _TCP else "udp"


def _port(end: tuple[bytes, int]) -> bytes:
    return end[1].to_bytes(2, "big")


def _name(each: Listed) -> _Name:
    """What both ends of a connection have in common; a socket without a peer is alone."""
    if not each.is_connected:
        return each.transport, each.local + each.inode.to_bytes(4, "big"), b""
    one, other = each.local, each.remote
    return (each.transport, one, other) if one <= other else (each.transport, other, one)
