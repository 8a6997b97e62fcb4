"""The fate of datagrams that no receive has returned yet: what a receive queue's growth shows, and its stillness."""

from __future__ import annotations

from collections.abc import Set

from msgspec.structs import replace

from netsim.model.address import Address
from netsim.model.events import KernelSocket, SocketsObserved
from netsim.model.ledger import Datagram, Datagrams
from netsim.model.packet import Fate
from netsim.model.tcp import matches

KEPT = 256  # datagrams of each kind: enough for any step, bounded for a flood
STILL = 0.06  # seconds: sockets are looked at until 50 ms after each call, so a queue that grew was seen to grow

Fates = list[tuple[Datagram, Fate, str]]


def seen_by_queues(known: Datagrams, event: SocketsObserved) -> tuple[Datagrams, Fates]:
    """A new list: what grew has taken in datagrams, the oldest first."""
    sockets = tuple(each for each in event.sockets if each.transport == "udp")
    before = {(each.local, each.remote, each.inode): each.receive_queue for each in known.sockets}
    told: Fates = []
    waiting, queued, grown, footprints = known.waiting, known.queued, dict(known.grown), dict(known.footprints)
    for each in sockets:
        growth = each.receive_queue - before.get((each.local, each.remote, each.inode), 0)
        if each.receive_queue == 0:
            grown.pop(each.local, None)
        if growth <= 0:
            continue
        here = [datagram for datagram in waiting if _takes(each, datagram)]
        if not here:
            grown[each.local] = grown.get(each.local, 0) + growth
            continue
        mixed = each.local in known.read  # a receive took some out, so the growth is not the sum
        count, unsure = _how_many(here, growth, footprints, mixed=mixed)
        if len(here) == 1 and not mixed:
            footprints[here[0].size] = growth
        for datagram in here[:count]:
            told.append((datagram, "delivered", f"{took(datagram)}, and the queue of port {each.local.port}/udp grew"))
        taken = {id(datagram) for datagram in here[:count]}
        doubted = {id(datagram) for datagram in here[count:]} if unsure else set()
        queued = (*queued, *here[:count])
        waiting = tuple(
            replace(datagram, unsure=True) if id(datagram) in doubted else datagram
            for datagram in waiting
            if id(datagram) not in taken
        )
    known = replace(
        known, sockets=sockets, bound=frozenset(), read=frozenset(), grown=grown, footprints=footprints,
        waiting=waiting, queued=queued[-KEPT:],
    )  # fmt: skip
    return known, told


def _how_many(here: list[Datagram], growth: int, footprints: dict[int, int], *, mixed: bool) -> tuple[int, bool]:
    """How many of the waiting datagrams the growth is, and whether there may be more among them."""
    if len(here) == 1:
        return 1, False
    if not mixed and all(each.size in footprints for each in here):
        total = 0
        for count, datagram in enumerate(here, 1):
            total += footprints[datagram.size]
            if total == growth:
                return count, False
    return 1, True


def give_up(known: Datagrams, at: float, reading: Set[Address]) -> tuple[Datagrams, Fates]:
    """What a queue has not shown in time is lost; what was for a socket that is gone is not told."""
    told: Fates = []
    kept = []
    for datagram in known.waiting:
        takers = [each for each in known.sockets if _takes(each, datagram)]
        if at < datagram.at + STILL or datagram.unsure:
            kept.append(datagram)
        elif takers and not any(each.local in reading or each.local in known.read for each in takers):
            told.append((datagram, "lost", _full(takers[0])))
        elif takers:
            kept.append(datagram)
    if len(kept) == len(known.waiting):
        return known, []
    lost = (*known.lost, *(datagram for datagram, _, _ in told))[-KEPT:]
    return replace(known, waiting=tuple(kept), lost=lost), told


def _full(taker: KernelSocket) -> str:
    held = f"its buffer is full ({taker.receive_queue} bytes)" if taker.receive_queue else "nothing waits there"
    return f"the queue of port {taker.local.port}/udp did not grow: {held}"


def took(datagram: Datagram) -> str:
    """In words, that its send succeeded."""
    return f"a send took {datagram.size} byte{'' if datagram.size == 1 else 's'}"


def _takes(taker: KernelSocket, datagram: Datagram) -> bool:
    pair = datagram.conversation
    here, there = (pair.client, pair.server) if datagram.sender == "client" else (pair.server, pair.client)
    return matches(taker.local, there) and taker.remote in (None, here)
